"""The timeline of an incident: what happened, in order, each with the line that tells it. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dashboard.alert_board.care import deed
from dashboard.alerts.rule import Rules
from dashboard.incidents.evidence import BY_HAND
from dashboard.incidents.incident import Incident
from dashboard.inert import inert, provider_label
from dashboard.live.words import CAUSES, reason_word

BURST_PAUSE = timedelta(seconds=60)
"""Fallbacks further apart than this are two bursts."""

MOST_ENTRIES = 1000

Rows = Sequence[Mapping[str, Any]]


class Step(StrEnum):
    """What an entry is of."""

    BAD = "first bad attempt"
    CIRCUIT = "circuit"
    FALLBACK = "fallbacks"
    ALERT = "alert"
    ACTION = "action"
    LEDGER = "ledger of alerts"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


_MANY = (Step.CIRCUIT, Step.FALLBACK)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. place: source and offset of the line that tells it, None for what no line tells."""

    at: datetime
    step: Step
    text: str
    place: tuple[str, int] | None = None


def timeline(incident: Incident, steps: Mapping[str, Rows], rules: Rules) -> tuple[Entry, ...]:
    """The entries in order of time, about MOST_ENTRIES at most. steps: from evidence.steps, over the incident."""
    found = [
        *_bad(incident, steps),
        *_transitions(steps["transitions"]),
        *_bursts(steps["fallbacks"]),
        *map(_act, steps["acts"]),
        *_kept(incident, rules),
        *_alerts(incident, rules),
        *_ends(incident, steps),
    ]
    order = list(Step)
    return fewer(tuple(sorted(found, key=lambda entry: (entry.at, order.index(entry.step)))), MOST_ENTRIES)


def fewer(entries: tuple[Entry, ...], most: int) -> tuple[Entry, ...]:
    """About so many of the entries: later transitions and bursts are left out, with an entry that says how many."""
    many = [entry for entry in entries if entry.step in _MANY]
    kept = max(0, most - (len(entries) - len(many)))
    left_out = many[kept:]
    if len(entries) <= most or not left_out:
        return entries
    text = f"from here on, {len(left_out):,} transitions and bursts of fallbacks are left out"
    gone = set(map(id, left_out))
    return tuple(
        Entry(entry.at, Step.CIRCUIT, text) if entry is left_out[0] else entry
        for entry in entries
        if entry is left_out[0] or id(entry) not in gone
    )


def _bad(incident: Incident, steps: Mapping[str, Rows]) -> Iterator[Entry]:
    at = incident.moments.first_bad_at
    if at is None:
        return
    for row in (*steps["attempts"], *steps["requests"]):
        if _at(row) == at and (row["status"] != "success" or (row["total_ms"] or 0) > incident.impact.slow_s * 1000):
            name = provider_label(row["provider"]) if row["provider"] else "a request"
            why = reason_word(row["reason"]) if row["reason"] else row["status"]
            text = f"{name}: {why}" if row["status"] != "success" else f"a caller waited {row['total_ms'] / 1000:.1f} s"
            yield Entry(at, Step.BAD, text, _place(row))
            return
    yield Entry(at, Step.BAD, "the first failure")


def _transitions(rows: Rows) -> Iterator[Entry]:
    for row in rows:
        if row["cause"] not in BY_HAND:
            cause = CAUSES.get(row["cause"], "")
            text = f"{provider_label(row['provider'])}: {row['from_state'] or 'unknown'} → {row['to_state']}"
            yield Entry(_at(row), Step.CIRCUIT, text + (f", {cause}" if cause else ""), _place(row))


def _bursts(rows: Rows) -> Iterator[Entry]:
    burst: list[Mapping[str, Any]] = []
    for row in rows:
        if burst and _at(row) - _at(burst[-1]) > BURST_PAUSE:
            yield _burst(burst)
            burst = []
        burst.append(row)
    if burst:
        yield _burst(burst)


def _burst(rows: Rows) -> Entry:
    reasons = Counter(reason_word(row["reason"]) for row in rows).most_common(4)
    hops = Counter(
        f"{provider_label(row['from_provider']) if row['from_provider'] else 'unknown'} → "
        f"{provider_label(row['to_provider']) if row['to_provider'] else 'unknown'}"
        for row in rows
    ).most_common(3)
    until = f" until {_at(rows[-1]):%H:%M:%S}" if len(rows) > 1 else ""
    said = ", ".join(f"{reason} {n}" for reason, n in reasons)
    moved = ", ".join(f"{hop} {n}" for hop, n in hops)
    return Entry(_at(rows[0]), Step.FALLBACK, f"{len(rows)}{until}: {said}; {moved}", _place(rows[0]))


def _act(row: Mapping[str, Any]) -> Entry:
    who, why = inert(str(row["actor"] or "unknown"), 100), inert(str(row["reason"] or "no reason given"), 300)
    if row["event"] == "CONFIG_CHANGED":
        text = f"{who}: {inert(str(row['changes'] or ''), 500)} ({why})"
    elif row["event"] == "BREAKER_TRANSITION":
        text = f"{who}: {provider_label(row['provider'])} {CAUSES.get(row['cause'], '')} ({why})"
    else:
        text = "the service started" if row["event"] == "SERVICE_STARTED" else "the service stopped"
    return Entry(_at(row), Step.ACTION, text, _place(row))


def _kept(incident: Incident, rules: Rules) -> Iterator[Entry]:
    entries = incident.kept or ()
    matchers = {entry.id: entry.matcher for entry in entries if entry.kind == "silence"}
    for entry in entries:
        text = f"{inert(entry.actor, 100)}: {deed(entry, matchers, rules)} ({inert(entry.reason, 300)})"
        yield Entry(entry.at, Step.LEDGER, text)


def _alerts(incident: Incident, rules: Rules) -> Iterator[Entry]:
    titles = {rule.name: f"{rule.title} ({rule.severity})" for rule in rules.rules}
    for episode in incident.group.episodes:
        title = titles.get(episode.rule, episode.rule)
        if episode.pending_at != episode.firing_at:
            yield Entry(episode.pending_at, Step.ALERT, f"pending: {title}")
        yield Entry(episode.firing_at, Step.ALERT, f"firing: {title}")
        if episode.resolved_at is not None:
            yield Entry(episode.resolved_at, Step.ALERT, f"resolved: {title}")


def _ends(incident: Incident, steps: Mapping[str, Rows]) -> Iterator[Entry]:
    course = incident.moments
    if course.mitigated_at is not None:
        place = next((_place(row) for row in steps["requests"] if _at(row) == course.mitigated_at), None)
        yield Entry(course.mitigated_at, Step.MITIGATED, "callers are answered in time again", place)
    if course.resolved_at is not None:
        rows = (*steps["attempts"], *steps["transitions"])
        place = next((_place(row) for row in rows if _at(row) == course.resolved_at), None)
        yield Entry(course.resolved_at, Step.RESOLVED, f"{incident.primary or 'the primary'} answers again", place)


def _at(row: Mapping[str, Any]) -> datetime:
    at: datetime = row["at"].to_pydatetime()
    return at


def _place(row: Mapping[str, Any]) -> tuple[str, int]:
    return str(row["source"]), int(row["offset"])
