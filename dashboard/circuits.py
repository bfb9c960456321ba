"""Circuit states over time, from what the log says of them.

A structured log says each transition. A plain log says openings, sometimes in two lines, and seldom that a circuit
closed again: a successful attempt shows that. No log says how a circuit stood before its first line about it.
"""

from typing import TYPE_CHECKING

import ibis
from ibis import _

if TYPE_CHECKING:
    import ibis.expr.types as ir

CLOSED, UNKNOWN = "CLOSED", "UNKNOWN"
RESTARTED = "service_started"
"""Cause of a state that a start of the service brought about: circuits are not kept over a restart."""

_COLUMNS = (
    "source offset at at_inferred provider from_state to_state cause failures open_until trigger_request_ids".split()
)


def transitions(events: "ir.Table") -> "ir.Table":
    """All changes of state that the log says, each once.

    Columns: source, offset, at, at_inferred, provider, from_state, to_state, cause, failures, open_until,
    trigger_request_ids; NULL where a plain line does not say.
    Source: BREAKER_TRANSITION; of plain lines, those that say another state than was known before: the two lines of
    one opening are one transition, and a success since then shows that the circuit had closed.
    """
    said = events.filter((_.event == "BREAKER_TRANSITION") & ~_.plain).select(_COLUMNS)
    lines = events.filter((_.event == "BREAKER_TRANSITION") & _.plain)
    proofs = _plain_successes(events).select("source", "provider", "offset", proof=_.offset)
    in_file = ibis.window(group_by=["source", "provider"], order_by="offset")
    known = (
        lines.asof_join(proofs, "offset", ["source", "provider"])
        .mutate(before=_.to_state.lag().over(in_file), before_offset=_.offset.lag().over(in_file))
        .mutate(closed=(_.to_state != CLOSED) & (_.proof > _.before_offset.fill_null(-1)).fill_null(False))
        .mutate(from_state=_.closed.ifelse(CLOSED, _.before))
        .filter(_.from_state.isnull() | (_.from_state != _.to_state))
    )
    return said.union(known.select(_COLUMNS))


def states(events: "ir.Table") -> "ir.Table":
    """All moments at which a circuit's state became another, or known.

    Columns: provider, at, offset, state, cause, open_until, inferred (bool: the log does not say it in so many words).
    Source: transitions; attempts made through a CLOSED circuit, successes of plain logs, SERVICE_STARTED.
    """
    changes = transitions(events)
    said = changes.select(
        "provider", "at", "offset", "cause", "open_until", state=_.to_state, inferred=_.at_inferred
    )
    columns = ["provider", "at", "offset", "state", "cause", "open_until", "inferred"]
    inferred = {
        "state": ibis.literal(CLOSED),
        "open_until": ibis.null("timestamp"),
        "inferred": ibis.literal(True),
    }
    shown = (
        events.filter((_.event == "LLM_ATTEMPT") & ((_.circuit == CLOSED) | (_.plain & (_.status == "success"))))
        .group_by("provider")
        .agg(at=_.at.min(), offset=_.offset.min())
        .mutate(cause=ibis.null("string"), **inferred)
    )
    first = changes.group_by("provider").agg(first_at=_.at.min())
    shown = shown.left_join(first, "provider").filter(_.first_at.isnull() | (_.at < _.first_at))
    closed_again = _closings_of_plain_logs(events).mutate(cause=ibis.null("string"), **inferred)
    restarted = (
        events.filter(_.event == "SERVICE_STARTED")
        .select("at", "offset")
        .cross_join(changes.select("provider").distinct())
        .mutate(cause=ibis.literal(RESTARTED), **inferred)
    )
    points = said.select(columns)
    for more in (shown, closed_again, restarted):
        points = points.union(more.select(columns))
    in_time = ibis.window(group_by="provider", order_by=["at", "offset"])
    return (
        points.mutate(before=_.state.lag().over(in_time)).filter(_.before.isnull() | (_.before != _.state)).drop("before")
    )


def _plain_successes(events: "ir.Table") -> "ir.Table":
    return events.filter(_.plain & (_.event == "LLM_ATTEMPT") & (_.status == "success"))


def _closings_of_plain_logs(events: "ir.Table") -> "ir.Table":
    """The first success after a plain line that says OPEN or HALF_OPEN, if no other line comes first."""
    in_file = ibis.window(group_by=["source", "provider"], order_by="offset")
    lines = (
        events.filter((_.event == "BREAKER_TRANSITION") & _.plain)
        .mutate(until=_.offset.lead().over(in_file))
        .filter(_.to_state != CLOSED)
        .select("source", "provider", "until", line=_.offset)
    )
    proofs = _plain_successes(events).select("source", "provider", "at", "offset")
    found = lines.asof_join(proofs, lines.line <= proofs.offset, ["source", "provider"])
    return found.filter(_.offset.notnull() & (_.until.isnull() | (_.offset < _.until))).select("provider", "at", "offset")
