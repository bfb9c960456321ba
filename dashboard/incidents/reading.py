"""The incidents of a store: the only place here that asks it for numbers."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from dashboard.alert_board.course import Course
from dashboard.alerts.episodes import Episode, episodes
from dashboard.alerts.evaluate import Change, Evaluation
from dashboard.alerts.ledger import Entry
from dashboard.alerts.reading import EventStore, read_history
from dashboard.alerts.rule import Metric, Rules, Severity
from dashboard.incidents.calls import Ended, read_ended
from dashboard.incidents.course import LONGEST_RUN, Facts, moments
from dashboard.incidents.finding import grouped, outages
from dashboard.incidents.incident import Cause, Cost, Group, Impact, Incident, Moments
from dashboard.incidents.kept import kept_of
from dashboard.inert import provider_label
from dashboard.live.words import advice, reason_word
from dashboard.window import Window

SLOW_S = 10.0
"""Runbook, "Recommended Alerts": for rules without a limit of their own for what callers wait."""

_INSTANT = timedelta(microseconds=1)
_BY_HAND = "reset"
_BY_ITSELF = "timer"


class RowStore(EventStore, Protocol):
    """The store as this module sees it."""

    def rows(self, metric: str, window: Window | None = None, at: datetime | None = None) -> list[dict[str, Any]]:
        """The rows of a metric as plain values."""
        ...

    def event_count(self, window: Window) -> int:
        """How many events a window holds."""
        ...


def past_episodes(store: RowStore, rules: Rules, known: Course | None = None) -> tuple[Episode, ...]:
    """The alerts of the whole log, evaluated at each moment from its first event to its last.

    known: how far an evaluation of these rules over this log has come already; it is taken further, if what the log says
    up to there is what it rests on. What it says of times after the log's last event is left out.
    """
    extent = store.extent()
    if extent is None:
        return ()
    end = extent[1] + timedelta(seconds=rules.interval_s)
    evaluation, changes = _known(store, rules, extent[0], known)
    rest = evaluation.moments(extent[0], end)
    if rest:
        _, more = evaluation.advanced(read_history(store, rules, rest), rest)
        changes += more
    return episodes(change for change in changes if change.at <= end)


def _known(
    store: RowStore, rules: Rules, oldest: datetime, known: Course | None
) -> tuple[Evaluation, tuple[Change, ...]]:
    if known is not None and known.whole and known.evaluation.at is not None and known.evaluation.rules == rules:
        until = known.evaluation.at + _INSTANT
        if oldest < until and store.event_count(Window.of(oldest, until)) == known.events:
            return known.evaluation, known.changes
    return Evaluation(rules), ()


def incidents(
    store: RowStore, rules: Rules, fired: Iterable[Episode], kept: Sequence[Entry] | None = None
) -> tuple[Incident, ...]:
    """All incidents of the log, by their start.

    fired: its alert episodes; kept: what the ledger of the alerts says, None without one. Raises: what the store raises.
    """
    extent = store.extent()
    if extent is None:
        return ()
    whole = Window.of(extent[0], extent[1] + _INSTANT)
    groups = grouped(fired, outages(store.rows("circuit_intervals", whole, whole.end), whole.end))
    ended = read_ended(store, whole) if groups else Ended()
    return tuple(_incident(store, rules, number, group, extent, ended, kept) for number, group in enumerate(groups, 1))


def ranged(
    store: RowStore,
    rules: Rules,
    fired: Iterable[Episode],
    start: datetime,
    end: datetime,
    kept: Sequence[Entry] | None = None,
) -> Incident:
    """The stretch of time [start, end] as if it were one incident: what somebody chose by hand.

    It rests on the episodes and outages that overlap it; its moments are looked for in it, and its impact is all of it.
    """
    extent = store.extent() or (start, end)
    whole = Window.of(min(extent[0], start), max(extent[1] + _INSTANT, end))
    out = outages(store.rows("circuit_intervals", whole, whole.end), whole.end)
    inside = Group(
        tuple(e for e in fired if e.pending_at <= end and (e.resolved_at is None or e.resolved_at >= start)),
        tuple(o for o in out if o.start_at <= end and (o.end_at is None or o.end_at >= start)),
    )
    none = not inside.episodes and not inside.outages
    ended = read_ended(store, Window.of(start - LONGEST_RUN, end + LONGEST_RUN))
    facts = _facts(store, rules, start, end, extent, ended, kept_of(kept or (), inside, start, end))
    found = Moments() if none else moments(inside, facts, rules, extent[1])
    return Incident(
        number=0,
        group=inside,
        moments=found,
        impact=impact(store, Window.of(start, end + _INSTANT), ended, facts.slow_s),
        causes=causes(store, Window.of(start, end + _INSTANT)),
        seen_until=extent[1],
        primary=facts.primary(start),
        critical=_is_critical(inside, rules),
        chosen=(start, end),
        kept=None if kept is None else kept_of(kept, inside, start, end),
    )


def _incident(
    store: RowStore,
    rules: Rules,
    number: int,
    group: Group,
    extent: tuple[datetime, datetime],
    ended: Ended,
    kept: Sequence[Entry] | None,
) -> Incident:
    end_at = group.end_at or extent[1]
    told = kept_of(kept or (), group, group.start_at - LONGEST_RUN, end_at)
    facts = _facts(store, rules, group.start_at, end_at, extent, ended, told)
    found = moments(group, facts, rules, extent[1])
    start_at = found.first_bad_at or group.start_at
    window = Window.of(start_at, max(found.resolved_at or extent[1], start_at) + _INSTANT)
    return Incident(
        number=number,
        group=group,
        moments=found,
        impact=impact(store, window, ended, facts.slow_s),
        causes=causes(store, window),
        seen_until=extent[1],
        primary=facts.primary(start_at),
        critical=_is_critical(group, rules),
        kept=None if kept is None else kept_of(kept, group, start_at, max(end_at, found.resolved_at or end_at)),
    )


def _facts(
    store: RowStore,
    rules: Rules,
    start: datetime,
    end: datetime,
    extent: tuple[datetime, datetime],
    ended: Ended,
    told: Iterable[Entry],
) -> Facts:
    around = Window.of(start - LONGEST_RUN, end + LONGEST_RUN)
    changed = [row["at"] for row in store.rows("config_changes", around) if row["origin"] != _BY_ITSELF]
    by_hand = [row["at"] for row in store.rows("actions", around) if row["kind"] == _BY_HAND]
    orders = [(row["at"], tuple(map(provider_label, row["chain_order"]))) for row in store.rows("orders", around)]
    if not orders:  # the log never says it: that of its attempts so far
        orders = [(extent[0], tuple(row["provider"] for row in store.rows("order_now", at=around.end)))]
    return Facts(
        ended=ended.between(around.start, around.end - _INSTANT),
        acts=tuple(sorted([*changed, *by_hand, *(entry.at for entry in told)])),
        orders=tuple(orders),
        slow_s=next((r.threshold for r in rules.rules if r.metric is Metric.RESPONSE_TIME_P95_S), SLOW_S),
    )


def impact(store: RowStore, window: Window, ended: Ended, slow_s: float) -> Impact:
    """What callers had of a stretch of time. ended: its calls, and others."""
    requests = ended.between(window.start, window.end - _INSTANT).requests
    answered = ~requests.failed
    costs: dict[str | None, Cost] = {}
    lost = {_name(row): row for row in store.rows("wasted_by_provider", window)}
    saved = {_name(row): row for row in store.rows("saved_by_provider", window)}
    for name in sorted({*lost, *saved}, key=str):
        a, b = lost.get(name), saved.get(name)
        costs[name] = Cost(
            provider=name,
            lost_s=a["wasted_ms"] / 1000 if a else 0.0,
            wasted_tokens=a["wasted_tokens"] if a else None,
            spared=b["spared"] if b else 0,
            saved_s=b["saved_ms"] / 1000 if b and b["saved_ms"] is not None else None,
        )
    return Impact(
        requests=len(requests.at),
        failed=int(requests.failed.sum()),
        rescued=int((answered & requests.with_fallback).sum()),
        slowed=int((answered & (requests.s > slow_s)).sum()),
        slow_s=slow_s,
        costs=tuple(costs.values()),
        derived=bool(store.rows("request_summary", window)[0]["derived"]),
    )


def causes(store: RowStore, window: Window) -> tuple[Cause, ...]:
    """Why attempts failed, most frequent first."""
    return tuple(
        Cause(_name(row), reason_word(row["reason"]), row["http_status"], row["n"], advice(row["reason"]))
        for row in store.rows("failures_by_reason", window)
    )


def _name(row: Mapping[str, Any]) -> str | None:
    return None if row["provider"] is None else provider_label(row["provider"])


def _is_critical(group: Group, rules: Rules) -> bool:
    critical = {rule.name for rule in rules.rules if rule.severity is Severity.CRITICAL}
    return any(episode.rule in critical for episode in group.episodes)
