"""Circuit states over time, from what the log says of them.

A structured log says each transition. A plain log says openings, sometimes in two lines, and seldom that a circuit
closed again: a successful attempt shows that. No log says how a circuit stood before its first line about it.
"""

from typing import TYPE_CHECKING

import ibis
from ibis import _

from dashboard.kinds import ATTEMPT, STARTED, TRANSITION, of_kind, with_plain

if TYPE_CHECKING:
    import ibis.expr.types as ir

CLOSED, UNKNOWN = "CLOSED", "UNKNOWN"
RESTARTED = "service_started"
"""Cause of a state that a start of the service brought about: circuits are not kept over a restart."""

_SAID = ["source", "offset", "at", "at_inferred", "provider", "from_state", "to_state", "cause", "failures"]
_SAID += ["open_until", "trigger_request_ids"]
_POINT = ["provider", "at", "offset", "state", "cause", "open_until", "inferred"]


def transitions(events: "ir.Table") -> "ir.Table":
    """All changes of state that the log says, each once.

    Columns: source, offset, at, at_inferred, provider, from_state, to_state, cause, failures, open_until,
    trigger_request_ids; NULL where a plain line does not say.
    Source: BREAKER_TRANSITION; of plain lines, those that say another state than was known before: the two lines of
    one opening are one transition, and a success since then shows that the circuit had closed.
    """
    said = of_kind(events, TRANSITION)
    in_file = ibis.window(group_by=["source", "provider"], order_by="offset")
    proofs = _successes_of_plain_logs(events).select("source", "provider", "offset", proof=_.offset)
    news = (
        said.filter(_.plain)
        .asof_join(proofs, "offset", ["source", "provider"])
        .mutate(before=_.to_state.lag().over(in_file), before_offset=_.offset.lag().over(in_file).fill_null(-1))
        .mutate(
            # A line that says CLOSED itself is told by the success that came just before it, and still news.
            from_state=ibis.cases(
                ((_.proof > _.before_offset).fill_null(False) & (_.to_state != CLOSED), CLOSED), else_=_.before
            )
        )
        .filter(_.from_state.isnull() | (_.from_state != _.to_state))
    )
    return with_plain(said.filter(~_.plain).select(_SAID), news)


def states(events: "ir.Table") -> "ir.Table":
    """All moments at which a circuit's state became another, or known.

    Columns: provider, at, offset, state, cause, open_until, inferred (bool: no line says so).
    Source: transitions; attempts made through a CLOSED circuit, successes of plain logs, SERVICE_STARTED.
    """
    changes = transitions(events)
    said = changes.select(
        "provider", "at", "offset", "cause", "open_until", state=_.to_state, inferred=ibis.literal(False)
    )
    restarted = of_kind(events, STARTED).select("at", "offset").cross_join(changes.select("provider").distinct())
    in_time = ibis.window(group_by="provider", order_by=["at", "offset"])
    return (
        with_plain(said.select(_POINT), _inferred(_closings_of_plain_logs(events)))
        .union(_inferred(_first_shown(events, changes)))
        .union(_inferred(restarted, cause=RESTARTED))
        .mutate(before=_.state.lag().over(in_time))
        # A restart says nothing of a circuit of which nothing was known before.
        .filter(ibis.cases((_.before.isnull(), _.cause.fill_null("") != RESTARTED), else_=_.before != _.state))
        .select(_POINT)
    )


def _inferred(moments: "ir.Table", cause: str | None = None) -> "ir.Table":
    """Moments (provider, at, offset) at which a circuit is known to be CLOSED though no line says so."""
    return moments.mutate(
        state=ibis.literal(CLOSED),
        cause=ibis.literal(cause, "string"),
        open_until=ibis.null("timestamp"),
        inferred=ibis.literal(True),
    ).select(_POINT)


def _first_shown(events: "ir.Table", changes: "ir.Table") -> "ir.Table":
    """The first attempt that shows a circuit CLOSED, where no line about the circuit comes before it."""
    closed = (_.circuit == CLOSED) | (_.plain & (_.status == "success"))
    shown = of_kind(events, ATTEMPT).filter(closed).group_by("provider").agg(at=_.at.min(), offset=_.offset.min())
    first = changes.group_by("provider").agg(first_at=_.at.min())
    return shown.left_join(first, "provider").filter(_.first_at.isnull() | (_.at < _.first_at))


def _successes_of_plain_logs(events: "ir.Table") -> "ir.Table":
    return of_kind(events, ATTEMPT).filter(_.plain & (_.status == "success"))


def _closings_of_plain_logs(events: "ir.Table") -> "ir.Table":
    """The first success after a plain line that says OPEN or HALF_OPEN, if no other line comes first."""
    in_file = ibis.window(group_by=["source", "provider"], order_by="offset")
    lines = (
        of_kind(events, TRANSITION)
        .filter(_.plain)
        .mutate(until=_.offset.lead().over(in_file))
        .filter(_.to_state != CLOSED)
        .select("source", "provider", "until", line=_.offset)
    )
    proofs = _successes_of_plain_logs(events).select("source", "provider", "at", "offset")
    found = lines.asof_join(proofs, lines.line <= proofs.offset, ["source", "provider"])
    return found.filter(_.offset.notnull() & (_.until.isnull() | (_.offset < _.until)))
