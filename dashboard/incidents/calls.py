"""The calls of a log as arrays, read once for all its incidents: a busy day has a million, too many for a value each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dashboard.alerts.calls import attempts_of, requests_of
from dashboard.alerts.history import Calls, Times
from dashboard.window import Window

if TYPE_CHECKING:
    import pyarrow as pa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ColumnStore(Protocol):
    """The store as this module sees it."""

    def columns(self, metric: str, window: Window | None = None, at: datetime | None = None) -> "pa.Table":
        """The rows of a metric as Arrow columns."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """requests: those that count; attempts: without cancelled ones, by provider, None where a line does not say."""

    requests: Calls = field(default_factory=Calls)
    attempts: Mapping[str | None, Calls] = field(default_factory=dict)

    def between(self, start: datetime, end: datetime) -> "Ended":
        """Those of [start, end]. Nothing is copied."""
        attempts = {provider: _cut(calls, start, end) for provider, calls in self.attempts.items()}
        return Ended(_cut(self.requests, start, end), attempts)


def read_ended(store: ColumnStore, window: Window) -> Ended:
    """The calls that ended in the window. Raises: what the store raises."""
    return Ended(
        requests_of(store.columns("requests_ended", window)), attempts_of(store.columns("attempts_ended", window))
    )


def first_after(times: Times, at: datetime) -> datetime | None:
    """The first of the ascending times that is later; None without one."""
    place = int(np.searchsorted(times, us(at), side="right"))
    return time(times[place]) if place < len(times) else None


def last_within(times: Times, start: datetime, end: datetime) -> datetime | None:
    """The last of the ascending times in [start, end]; None without one."""
    place = int(np.searchsorted(times, us(end), side="right")) - 1
    return time(times[place]) if place >= 0 and times[place] >= us(start) else None


def us(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def time(since_1970_us: int) -> datetime:
    """The moment, UTC."""
    return _EPOCH + timedelta(microseconds=int(since_1970_us))


def _cut(calls: Calls, start: datetime, end: datetime) -> Calls:
    first, last = np.searchsorted(calls.at, us(start), side="left"), np.searchsorted(calls.at, us(end), side="right")
    own = slice(int(first), int(last))
    return Calls(calls.at[own], calls.failed[own], calls.s[own], with_fallback=calls.with_fallback[own])
