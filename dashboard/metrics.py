"""The numbers: one Ibis expression per metric, over the events of a window.

Each function takes the store's events and gives a table; what it counts is defined in docs/metrics.md under its name.
Times are UTC, durations milliseconds, rates 0 to 1; NULL is unknown, a bucket without data has no row. The expressions
run on every engine that Ibis speaks; queries.py has them as SQL for the one in this process.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ibis
from ibis import _

from dashboard import circuits, derived
from dashboard.guard_metrics import (
    grounding_failures,
    guard_actions,
    guard_actions_by_bucket,
    guard_findings,
    guard_summary,
)
from dashboard.kinds import (
    ATTEMPT,
    CONFIGURED,
    FALLBACK,
    ORDERED,
    REQUEST,
    STARTED,
    STOPPED,
    TRANSITION,
    bucket,
    moment,
    of_kind,
    within,
)
from dashboard.window import Window, WindowError

if TYPE_CHECKING:
    import ibis.expr.types as ir

__all__ = [
    "Window",
    "WindowError",
    "actions",
    "attempts_by_bucket",
    "attempts_ended",
    "circuit_intervals",
    "circuit_transitions",
    "config_changes",
    "failures_by_reason",
    "fallbacks_by_reason",
    "grounding_failures",
    "guard_actions",
    "guard_actions_by_bucket",
    "guard_findings",
    "guard_summary",
    "order_now",
    "orders",
    "provider_summary",
    "raw_lines",
    "request_summary",
    "requests_by_bucket",
    "requests_by_version",
    "requests_ended",
    "saved_by_provider",
    "wasted_by_provider",
]

_NOT_COUNTED = ("cancelled", "blocked", "rejected")
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_BY_HAND = ("manual_reset", "isolated", "released")


def attempts_by_bucket(events: "ir.Table", window: Window) -> "ir.Table":
    """Attempts per provider and bucket.

    Columns: bucket_at, provider, attempts, success, failed (int), success_rate, p50_ms, p95_ms (float).
    One row per provider and bucket with an attempt that ended; cancelled ones are left out of all numbers.
    Source: LLM_ATTEMPT; docs/metrics.md.
    """
    return (
        within(of_kind(events, ATTEMPT), window)
        .filter(_.status != "cancelled")
        .group_by(bucket(window), "provider")
        .agg(**_attempt_counts(), times=_.generation_time_ms.quantile([0.5, 0.95]))
        .mutate(success_rate=_ratio(_.success, _.attempts), p50_ms=_.times[0], p95_ms=_.times[1])
        .select("bucket_at", "provider", "attempts", "success", "failed", "success_rate", "p50_ms", "p95_ms")
        .order_by("bucket_at", "provider")
    )


def provider_summary(events: "ir.Table", window: Window) -> "ir.Table":
    """Attempts per provider.

    Columns: provider, attempts, success, failed, cancelled (int), success_rate, p50_ms, p95_ms (float), last_reason,
    last_failed_at. attempts = success + failed. One row per provider with an attempt, cancelled ones included.
    Source: LLM_ATTEMPT, and plain failure lines for last_reason; docs/metrics.md.
    """
    ended = _.status != "cancelled"
    counts = (
        within(of_kind(events, ATTEMPT), window)
        .group_by("provider")
        .agg(
            success=_.count(where=_.status == "success"),
            failed=_.count(where=_.status == "failed"),
            cancelled=_.count(where=_.status == "cancelled"),
            times=_.generation_time_ms.quantile([0.5, 0.95], where=ended),
            last_failed_at=_.at.max(where=_.status == "failed"),
        )
        .mutate(attempts=_.success + _.failed)
    )
    last = derived.failures(events, window).group_by("provider").agg(last_reason=_.reason.argmax(_.at))
    return (
        counts.left_join(last, "provider")
        .mutate(success_rate=_ratio(_.success, _.attempts), p50_ms=_.times[0], p95_ms=_.times[1])
        .select(
            *("provider", "attempts", "success", "failed", "cancelled", "success_rate", "p50_ms", "p95_ms"),
            *("last_reason", "last_failed_at"),
        )
        .order_by("provider")
    )


def requests_by_bucket(events: "ir.Table", window: Window) -> "ir.Table":
    """Requests per bucket, at the time of their end.

    Columns: bucket_at, total, success, failed (int), error_rate (float), with_fallback (int), fallback_rate, p50_ms,
    p95_ms, wasted_ms (float). One row per bucket with a request that counts: not cancelled, blocked or rejected.
    Source: LLM_REQUEST, else derived from attempts; docs/metrics.md.
    """
    return (
        derived.requests(events, window)
        .filter(_.status.notin(_NOT_COUNTED))
        .group_by(bucket(window))
        .agg(**_request_counts())
        .mutate(**_request_rates())
        .select(
            *("bucket_at", "total", "success", "failed", "error_rate", "with_fallback", "fallback_rate"),
            *("p50_ms", "p95_ms", "wasted_ms"),
        )
        .order_by("bucket_at")
    )


def requests_ended(events: "ir.Table", window: Window) -> "ir.Table":
    """Each request that counts, at the time of its end: not the cancelled, blocked or rejected ones.

    Columns: at, status, with_fallback (bool), total_ms (float), in order of time.
    Source: LLM_REQUEST, else derived from attempts; docs/metrics.md.
    """
    found = derived.requests(events, window).filter(_.status.notin(_NOT_COUNTED))
    return found.order_by("at").select("at", "status", "with_fallback", "total_ms")


def attempts_ended(events: "ir.Table", window: Window) -> "ir.Table":
    """Each attempt that ended, cancelled ones left out.

    Columns: at, provider, status, generation_time_ms (float), in order of time.
    Source: LLM_ATTEMPT; docs/metrics.md.
    """
    found = within(of_kind(events, ATTEMPT), window).filter(_.status != "cancelled")
    return found.order_by("at", "source", "offset").select("at", "provider", "status", "generation_time_ms")


def request_summary(events: "ir.Table", window: Window) -> "ir.Table":
    """Requests of the window, one row also when there were none.

    Columns: total, success, failed (int), error_rate (float), with_fallback (int), fallback_rate, p50_ms, p95_ms,
    wasted_ms (float), cancelled, blocked, rejected (int), derived (bool). total counts none of the last three.
    Source: LLM_REQUEST, else derived from attempts; docs/metrics.md.
    """
    counted = _.status.notin(_NOT_COUNTED)
    return (
        derived.requests(events, window)
        .agg(
            **_request_counts(counted),
            cancelled=_.count(where=_.status == "cancelled"),
            blocked=_.count(where=_.status == "blocked"),
            rejected=_.count(where=_.status == "rejected"),
            derived=_.derived.any(),
        )
        .mutate(**_request_rates(), wasted_ms=_.wasted_ms.fill_null(0.0), derived=_.derived.fill_null(False))
        .select(
            *("total", "success", "failed", "error_rate", "with_fallback", "fallback_rate", "p50_ms", "p95_ms"),
            *("wasted_ms", "cancelled", "blocked", "rejected", "derived"),
        )
    )


def fallbacks_by_reason(events: "ir.Table", window: Window) -> "ir.Table":
    """Moves down the chain, by reason and pair of providers.

    Columns: reason, from_provider, to_provider, n (int), the most frequent first. A plain line does not say who gave
    no answer: from_provider is NULL.
    Source: FALLBACK; docs/metrics.md.
    """
    return (
        within(of_kind(events, FALLBACK), window)
        .group_by("reason", "from_provider", "to_provider")
        .agg(n=_.count())
        .order_by(ibis.desc("n"), "reason", "from_provider", "to_provider")
    )


def failures_by_reason(events: "ir.Table", window: Window) -> "ir.Table":
    """Failed attempts, by provider, reason and HTTP status.

    Columns: provider, reason, http_status, n (int), the most frequent first; NULL where the log does not say.
    Source: LLM_ATTEMPT with status failed, plain failure lines; docs/metrics.md.
    """
    return (
        derived.failures(events, window)
        .group_by("provider", "reason", "http_status")
        .agg(n=_.count())
        .order_by(ibis.desc("n"), "provider", "reason", "http_status")
    )


def circuit_transitions(events: "ir.Table", window: Window) -> "ir.Table":
    """Changes of circuits' states, in order of time.

    Columns: at, provider, from_state, to_state, cause, failures (int), open_until, request_ids (list of those whose
    calls caused it); NULL where a plain line does not say.
    Source: BREAKER_TRANSITION; docs/metrics.md.
    """
    found = within(circuits.transitions(events), window).order_by("at", "source", "offset")
    return found.select(
        *("at", "provider", "from_state", "to_state", "cause", "failures", "open_until"),
        request_ids=_.trigger_request_ids,
    )


def circuit_intervals(events: "ir.Table", window: Window, now: datetime) -> "ir.Table":
    """Stretches of one state per provider, filling the window from its start up to now or its end.

    Columns: provider, state (CLOSED, OPEN, HALF_OPEN, UNKNOWN), start_at, end_at, cause, open_until, inferred (bool).
    A state from before the window fills it from the left; UNKNOWN before anything is known; inferred: no line says so.
    Source: BREAKER_TRANSITION, LLM_ATTEMPT, SERVICE_STARTED; docs/metrics.md.
    """
    start, end = moment(window.start), ibis.least(moment(window.end), moment(now))
    points = circuits.states(events).filter(_.at < end)
    seen = ibis.union(
        *(of_kind(events, name).filter(_.at < end).select("provider") for name in (ATTEMPT, TRANSITION)), distinct=True
    )
    # Of every provider, before all of its points: it is in force until the first of them.
    unknown = seen.mutate(
        at=moment(_BEFORE_ALL),
        offset=ibis.literal(-1, "int64"),
        state=ibis.literal(circuits.UNKNOWN),
        cause=ibis.null("string"),
        open_until=ibis.null("timestamp"),
        inferred=ibis.literal(True),
    )
    in_time = ibis.window(group_by="provider", order_by=["at", "offset"])
    return (
        points.union(unknown.select(points.columns))
        .mutate(end_at=ibis.least(_.at.lead().over(in_time).fill_null(end), end), start_at=ibis.greatest(_.at, start))
        .filter(_.end_at > _.start_at)
        .select("provider", "state", "start_at", "end_at", "cause", "open_until", "inferred")
        .order_by("provider", "start_at")
    )


def wasted_by_provider(events: "ir.Table", window: Window) -> "ir.Table":
    """Time lost on each provider while its circuit let calls through.

    Columns: provider, wasted_ms (float), wasted_tokens (int): sums over its failed attempts; tokens are NULL where none
    of them says any. One row per provider with one.
    Source: LLM_ATTEMPT with status failed; docs/metrics.md.
    """
    tokens = _.prompt_tokens.fill_null(0) + _.completion_tokens.fill_null(0)
    told = _.prompt_tokens.notnull() | _.completion_tokens.notnull()
    return (
        within(of_kind(events, ATTEMPT), window)
        .filter((_.status == "failed") & (_.circuit.isnull() | (_.circuit != "OPEN")))
        .group_by("provider")
        .agg(wasted_ms=_.generation_time_ms.sum().fill_null(0.0), wasted_tokens=tokens.sum(where=told))
        .order_by("provider")
    )


def saved_by_provider(events: "ir.Table", window: Window) -> "ir.Table":
    """Time that circuits saved, an estimate: calls they spared, each as long as a failed one in the same window.

    Columns: provider (NULL where a plain line does not say), spared (int), median_failed_ms, saved_ms (float; NULL
    without a failed attempt to go by). One row per provider with a call spared.
    Source: FALLBACK with reason circuit_open, LLM_ATTEMPT with status failed; docs/metrics.md.
    """
    past = within(of_kind(events, FALLBACK), window).filter(_.reason == "circuit_open")
    spared = past.group_by(provider=_.from_provider).agg(spared=_.count())
    failed = within(of_kind(events, ATTEMPT), window).filter(_.status == "failed")
    typical = failed.group_by("provider").agg(median_failed_ms=_.generation_time_ms.quantile(0.5))
    return (
        spared.left_join(typical, "provider")
        .mutate(saved_ms=_.spared * _.median_failed_ms)
        .select("provider", "spared", "median_failed_ms", "saved_ms")
        .order_by("provider")
    )


def order_now(events: "ir.Table", at: datetime) -> "ir.Table":
    """The chain in force at `at`, the primary first.

    Columns: position (int, from 0), provider. Without a line that says the order: the providers of the attempts so
    far, by their lowest chain_position, then by when they were first seen.
    Source: PROVIDERS_INITIALIZED, SERVICE_STARTED, else LLM_ATTEMPT; docs/metrics.md.
    """
    newest = _said_orders(events).filter(_.at <= moment(at))
    newest = newest.order_by(ibis.desc("at"), ibis.desc("offset")).limit(1)
    listed = newest.select("chain_order").unnest("chain_order", offset="position")
    first_seen = ibis.window(order_by=[_.lowest.fill_null(1_000_000), _.first_at, _.provider])
    seen = (
        of_kind(events, ATTEMPT)
        .filter(_.at <= moment(at))
        .group_by("provider")
        .agg(lowest=_.chain_position.min(), first_at=_.at.min())
        .mutate(position=ibis.row_number().over(first_seen))
        .cross_join(newest.agg(said=_.count()))
        .filter(_.said == 0)
    )
    columns = ["position", "provider"]
    return listed.rename(provider="chain_order").select(columns).union(seen.select(columns)).order_by("position")


def orders(events: "ir.Table", window: Window) -> "ir.Table":
    """The chains in force during the window, in order of time.

    Columns: at, chain_order (list, the primary first). The first row is that in force at the window's start, if the
    log says one.
    Source: PROVIDERS_INITIALIZED, SERVICE_STARTED; docs/metrics.md.
    """
    found = _said_orders(events).filter(_.at < moment(window.end))
    before = found.filter(_.at <= moment(window.start))
    newest = before.order_by(ibis.desc("at"), ibis.desc("offset")).limit(1)
    return newest.union(found.filter(_.at > moment(window.start))).order_by("at", "offset").select("at", "chain_order")


def actions(events: "ir.Table", window: Window) -> "ir.Table":
    """What operators did, and starts and stops of the service, in order of time.

    Columns: at, kind (reorder, config, reset, start, stop), text, actor, request_id (of the request to the control API
    that changed a circuit); the last two are NULL if the line does not say.
    Source: CONFIG_CHANGED, BREAKER_TRANSITION by hand, SERVICE_STARTED, SERVICE_STOPPED; docs/metrics.md.
    """
    found = ibis.union(*(of_kind(events, name) for name in (CONFIGURED, TRANSITION, STARTED, STOPPED)))
    kind = ibis.cases(
        ((_.event == CONFIGURED) & _.changes.lower().contains("order"), "reorder"),
        (_.event == CONFIGURED, "config"),
        ((_.event == TRANSITION) & _.cause.isin(_BY_HAND), "reset"),
        (_.event == STARTED, "start"),
        (_.event == STOPPED, "stop"),
    )
    text = ibis.cases(
        (_.event == CONFIGURED, _.changes.fill_null("") + " (" + _.reason.fill_null("") + ")"),
        ((_.event == TRANSITION) & (_.reason != ""), _.provider + ": " + _.cause + " (" + _.reason + ")"),
        (_.event == TRANSITION, _.provider + ": " + _.cause),
        (_.event == STARTED, "service started"),
        (_.event == STOPPED, "service stopped"),
    )
    found = within(found, window).mutate(kind=kind, text=text).filter(_.kind.notnull())
    return found.order_by("at", "source", "offset").select("at", "kind", "text", "actor", "request_id")


def config_changes(events: "ir.Table", window: Window) -> "ir.Table":
    """Changes of settings, in order of time.

    Columns: at, version (int: of the settings after the change), actor, reason, origin, changes ("name: old → new",
    parted by "; ").
    Source: CONFIG_CHANGED; docs/metrics.md.
    """
    found = within(of_kind(events, CONFIGURED), window).order_by("at", "source", "offset")
    return found.select("at", "actor", "reason", "origin", "changes", version=_.version.try_cast("int64"))


def requests_by_version(events: "ir.Table", window: Window) -> "ir.Table":
    """Requests per version of the settings that they were served by.

    Columns: config_version (int), total, success (int), first_at, first_provider, first_status, first_ms (float): of the
    request that ended first. total counts no cancelled, blocked or rejected ones. Without the version of a line: no row.
    Source: LLM_REQUEST; docs/metrics.md.
    """
    return (
        within(of_kind(events, REQUEST), window)
        .filter(_.config_version.notnull() & _.status.notin(_NOT_COUNTED))
        .group_by("config_version")
        .agg(
            total=_.count(),
            success=_.count(where=_.status == "success"),
            first_at=_.at.min(),
            first_provider=_.provider.fill_null("").argmin(_.at).nullif(""),
            first_status=_.status.argmin(_.at),
            first_ms=_.total_ms.argmin(_.at),
        )
        .order_by("config_version")
    )


def raw_lines(
    lines: "ir.Table", window: Window, limit: int, after: tuple[datetime, str, int] | None = None
) -> "ir.Table":
    """Lines of the log as they stand, in order of time.

    lines: the store's lines; after: time, source and offset of a line to go on from.
    Columns: at, at_inferred (bool), source, offset (int), level, text, event (NULL for a line that is none).
    The newest `limit` lines of the window, or with `after` the next ones.
    Source: every line; docs/metrics.md.
    """
    found = within(lines, window)
    place = ["at", "source", "offset"]
    if after is None:
        found = found.order_by([ibis.desc(name) for name in place]).limit(limit)
    else:
        at, source, offset = moment(after[0]), after[1], after[2]
        later_in_file = (_.source > source) | ((_.source == source) & (_.offset > offset))
        found = found.filter((_.at > at) | ((_.at == at) & later_in_file)).order_by(place).limit(limit)
    return found.select("at", "at_inferred", "source", "offset", "level", "text", "event").order_by(place)


def _said_orders(events: "ir.Table") -> "ir.Table":
    said = ibis.union(*(of_kind(events, name).select("at", "offset", "chain_order") for name in (ORDERED, STARTED)))
    return said.filter(_.chain_order.length() > 0)


def _ratio(part: "ir.Deferred", whole: "ir.Deferred") -> "ir.Deferred":
    return part / whole.nullif(0)


def _attempt_counts() -> dict[str, "ir.Deferred"]:
    return {
        "attempts": _.count(),
        "success": _.count(where=_.status == "success"),
        "failed": _.count(where=_.status == "failed"),
    }


def _request_counts(counted: "ir.Deferred | bool" = True) -> dict[str, "ir.Deferred"]:
    return {
        "total": _.count(where=counted),
        "success": _.count(where=_.status == "success"),
        "with_fallback": _.count(where=_.with_fallback & counted),
        "times": _.total_ms.quantile([0.5, 0.95], where=counted),
        "wasted_ms": _.wasted_ms.sum(where=counted),
    }


def _request_rates() -> dict[str, "ir.Deferred"]:
    return {
        "failed": _.total - _.success,
        "error_rate": _ratio(_.total - _.success, _.total),
        "fallback_rate": _ratio(_.with_fallback, _.total),
        "p50_ms": _.times[0],
        "p95_ms": _.times[1],
    }
