"""From alert episodes and circuits' intervals to groups, each of which is one incident."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard.alerts.episodes import Episode
from dashboard.incidents.incident import Group, Outage
from dashboard.inert import provider_label
from resilience.events import Cause, State

APART = timedelta(minutes=5)
"""What begins so soon after the end of another belongs to it: the longest window of the runbook's alerts on rates."""

LONGEST_COOLDOWN = timedelta(minutes=5)
"""Where a line does not say how long a circuit stays open: none does for longer (docs/alerts.md)."""

_OUT = (State.OPEN, State.HALF_OPEN)


def outages(intervals: Iterable[Mapping[str, Any]], until: datetime) -> tuple[Outage, ...]:
    """The stretches from OPEN until CLOSED again, by their start.

    intervals: rows of metrics.circuit_intervals; until: where the log ends. A circuit that somebody isolated is no
    outage. One whose cooldown is over, and through which nobody calls for APART, ends with its cooldown: whether the
    provider is well, nobody knows.
    """
    by_provider: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(intervals, key=lambda row: row["start_at"]):
        by_provider.setdefault(provider_label(row["provider"]), []).append(row)
    found = [outage for provider, rows in by_provider.items() for outage in _of_one(provider, rows, until)]
    return tuple(sorted(found, key=lambda outage: (outage.start_at, outage.provider)))


def _of_one(provider: str, rows: Sequence[Mapping[str, Any]], until: datetime) -> Iterator[Outage]:
    begun: datetime | None = None
    isolated = False
    for row in rows:
        if row["state"] not in _OUT:
            if begun is not None:
                proven = row["cause"] == Cause.PROBE_SUCCEEDED or (row["inferred"] and row["cause"] is None)
                yield Outage(provider, begun, row["start_at"], proven)
            begun, isolated = None, False
        elif row["state"] == State.OPEN:
            isolated = isolated or (begun is None and row["cause"] == Cause.ISOLATED)
            if isolated:
                continue
            begun = begun or row["start_at"]
            over_at = row["open_until"] or row["start_at"] + LONGEST_COOLDOWN
            if row["end_at"] - over_at >= APART:
                yield Outage(provider, begun, max(over_at, row["start_at"]))
                begun = None
    if begun is not None:
        yield Outage(provider, begun, None if rows[-1]["end_at"] >= until else rows[-1]["end_at"])


def grouped(episodes: Iterable[Episode], outages: Iterable[Outage]) -> tuple[Group, ...]:
    """Those that overlap, or of which one begins within APART of the other's end, together; by their start."""
    alone = [*(Group(episodes=(e,)) for e in episodes), *(Group(outages=(o,)) for o in outages)]
    found: list[Group] = []
    for group in sorted(alone, key=lambda group: group.start_at):
        last = found[-1] if found else None
        if last is not None and (last.end_at is None or group.start_at - last.end_at <= APART):
            found[-1] = Group(last.episodes + group.episodes, last.outages + group.outages)
        else:
            found.append(group)
    return tuple(found)
