"""The guards' numbers: what they did, what they found, what they cost. One Ibis expression each, as in metrics.py.

What the log calls a guard, an action or a kind is text from outside: names that the contract does not know count
together as `other`, and of the kinds only the most frequent have a row of their own. So no log makes a table long.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import ibis
from ibis import _

from dashboard.kinds import GUARD, REQUEST, bucket, of_kind, within
from dashboard.window import Window
from resilience.policy import GUARDS

if TYPE_CHECKING:
    import ibis.expr.types as ir

ACTIONS = ("redacted", "blocked", "flagged")
PARTS = ("input", "context", "answer")
"""The words of docs/events.md, GUARD_TRIGGERED."""
OTHER = "other"
MOST_KINDS = 10
"""So many kinds per guard, action and part have a row; the others have one together."""


def guard_actions(events: "ir.Table", window: Window) -> "ir.Table":
    """How often the guards acted.

    Columns: guard, action, guard_where (what it looked at; NULL where the line does not say), times, requests (int).
    Words that the contract does not know are `other`; requests: different request ids.
    Source: GUARD_TRIGGERED; docs/metrics.md.
    """
    return (
        _acted(events, window)
        .group_by("guard", "action", "guard_where")
        .agg(times=_.count(), requests=_.request_id.nunique())
        .order_by("guard", "action", "guard_where")
    )


def guard_findings(events: "ir.Table", window: Window) -> "ir.Table":
    """What the guards found, by kind.

    Columns: guard, action, guard_where, kind (NULL: all further kinds together), kinds (int, how many the row stands
    for), n (int, findings), the most frequent first. At most MOST_KINDS kinds of each have a row of their own.
    Source: the counts of GUARD_TRIGGERED; docs/metrics.md.
    """
    by = ["guard", "action", "guard_where"]
    most_first = ibis.window(group_by=by, order_by=[ibis.desc("n"), "kind"])
    return (
        _acted(events, window)
        .mutate(found=_.counts.keys().zip(_.counts.values()))
        .unnest("found")
        .group_by(*by, kind=_.found.f1)
        .agg(n=_.found.f2.sum())
        .filter(_.n > 0)
        .mutate(place=ibis.row_number().over(most_first))
        .mutate(kind=(_.place < MOST_KINDS).ifelse(_.kind, ibis.null("string")))
        .group_by(*by, "kind")
        .agg(kinds=_.count(), n=_.n.sum())
        .order_by(*by, _.kind.isnull(), ibis.desc("n"), "kind")
    )


def guard_actions_by_bucket(events: "ir.Table", window: Window) -> "ir.Table":
    """How often the guards acted, per bucket.

    Columns: bucket_at, guard, action, guard_where, times (int). No row where none acted.
    Source: GUARD_TRIGGERED; docs/metrics.md.
    """
    return (
        _acted(events, window)
        .group_by(bucket(window), "guard", "action", "guard_where")
        .agg(times=_.count())
        .order_by("bucket_at", "guard", "action", "guard_where")
    )


def guard_summary(events: "ir.Table", window: Window) -> "ir.Table":
    """What the guards cost, one row also when nothing ended.

    Columns: requests (int, all that ended), guarded (int, those whose line says what the guards took), blocked (int),
    p50_ms, p95_ms, guard_ms, share_of_time (float: of what callers of the guarded ones waited; NULL without one).
    Source: LLM_REQUEST; docs/metrics.md.
    """
    told = _.guard_ms.notnull()
    return (
        within(of_kind(events, REQUEST), window)
        .agg(
            requests=_.count(),
            guarded=_.count(where=told),
            blocked=_.count(where=_.status == "blocked"),
            times=_.guard_ms.quantile([0.5, 0.95]),
            guard_ms=_.guard_ms.sum(),
            waited_ms=_.total_ms.sum(where=told),
        )
        .mutate(p50_ms=_.times[0], p95_ms=_.times[1], share_of_time=_.guard_ms / _.waited_ms.nullif(0.0))
        .select("requests", "guarded", "blocked", "p50_ms", "p95_ms", "guard_ms", "share_of_time")
    )


def grounding_failures(events: "ir.Table", window: Window) -> "ir.Table":
    """Requests whose answers broke the grounding contract, one row also when there were none.

    Columns: requests, once, let_through, refused (int); requests is the sum of the others.
    Source: GUARD_TRIGGERED of the guard grounding; docs/metrics.md.
    """
    of_request = (
        within(of_kind(events, GUARD), window)
        .filter(_.guard == "grounding")
        .group_by("request_id")
        .agg(flagged=_.count(where=_.action == "flagged"), blocked=_.count(where=_.action == "blocked"))
        .filter(_.flagged + _.blocked > 0)
    )
    return of_request.agg(
        requests=_.count(),
        once=_.count(where=(_.blocked == 0) & (_.flagged == 1)),
        let_through=_.count(where=(_.blocked == 0) & (_.flagged > 1)),
        refused=_.count(where=_.blocked > 0),
    )


def _acted(events: "ir.Table", window: Window) -> "ir.Table":
    return within(of_kind(events, GUARD), window).select(
        "at",
        "request_id",
        "counts",
        guard=_known(_.guard, GUARDS),
        action=_known(_.action, ACTIONS),
        guard_where=_known(_.guard_where, PARTS),
    )


def _known(word: "ir.Deferred", words: Sequence[str]) -> "ir.Value":
    return ibis.cases((word.isnull(), ibis.null("string")), (word.isin(words), word), else_=OTHER)
