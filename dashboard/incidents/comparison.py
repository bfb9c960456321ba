"""An incident beside the period before it, of the same length."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from dashboard.incidents.incident import Incident
from dashboard.inert import provider_label
from dashboard.window import Window

SHORTEST = timedelta(minutes=1)


class RowStore(Protocol):
    """The store as this module sees it."""

    def extent(self) -> tuple[datetime, datetime] | None:
        """Times of the oldest and the newest event."""
        ...

    def rows(self, metric: str, window: Window | None = None, at: datetime | None = None) -> list[dict[str, Any]]:
        """The rows of a metric."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One number then and now, as text with its unit; "–" where it is not known."""

    name: str
    before: str
    during: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The period before an incident, and the numbers of both. None where the log begins with the incident."""

    start: datetime
    end: datetime
    rows: tuple[Row, ...]


def comparison(store: RowStore, incident: Incident) -> Comparison | None:
    """The incident's numbers beside those of the period before, which is as long, or as long as the log has it."""
    extent = store.extent()
    length = max(incident.end_at - incident.start_at, SHORTEST)
    start, end = incident.start_at - length, incident.start_at
    start = max(start, extent[0]) if extent else start
    if start >= end:
        return None
    during = Window.of(incident.start_at, incident.start_at + length + timedelta(microseconds=1))
    return Comparison(start, end, tuple(_rows(store, Window.of(start, end), during)))


def _rows(store: RowStore, before: Window, during: Window) -> Iterator[Row]:
    then, now = (store.rows("request_summary", window)[0] for window in (before, during))
    for name, column, spell in (
        ("requests", "total", _count),
        ("error rate", "error_rate", _percent),
        ("fallback rate", "fallback_rate", _percent),
        ("median wait", "p50_ms", _seconds),
        ("95th percentile of waits", "p95_ms", _seconds),
        ("in failed attempts and waits", "wasted_ms", _seconds),
    ):
        yield Row(name, spell(then[column]), spell(now[column]))
    both = [{provider_label(r["provider"]): r for r in store.rows("provider_summary", w)} for w in (before, during)]
    for provider in sorted({*both[0], *both[1]}):
        old, new = (found.get(provider, {}) for found in both)
        yield Row(f"{provider}: success rate", _rate(old), _rate(new))
        yield Row(f"{provider}: 95th percentile", _seconds(old.get("p95_ms")), _seconds(new.get("p95_ms")))


def _rate(row: dict[str, Any]) -> str:
    return f"{_percent(row['success_rate'])} of {row['attempts']:,}" if row.get("attempts") else "–"


def _count(value: Any) -> str:
    return "–" if value is None else f"{value:,}"


def _percent(value: Any) -> str:
    return "–" if value is None else f"{value:.1%}"


def _seconds(ms: Any) -> str:
    return "–" if ms is None else f"{ms / 1000:,.1f} s"
