"""A history for the rules, read from the store: the only place here that asks it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from dashboard.alerts.calls import attempts_of, requests_of
from dashboard.alerts.history import CLOSED, OPEN, UNKNOWN, Calls, Circuit, History, Times
from dashboard.alerts.rule import OF_A_PROVIDER, Metric, Rules
from dashboard.window import Window

if TYPE_CHECKING:
    import pyarrow as pa

_STATES: Mapping[str, int] = {"UNKNOWN": UNKNOWN, "CLOSED": CLOSED, "OPEN": OPEN, "HALF_OPEN": OPEN}


class EventStore(Protocol):
    """The store as this module sees it."""

    def read(self, metric: str, window: Window | None = None, at: datetime | None = None) -> pd.DataFrame:
        """The rows of a metric."""
        ...

    def columns(self, metric: str, window: Window | None = None, at: datetime | None = None) -> "pa.Table":
        """The same as Arrow columns."""
        ...

    def event_times(self, window: Window) -> list[datetime]:
        """The newest event's time in each bucket that has one."""
        ...

    def extent(self) -> tuple[datetime, datetime] | None:
        """Times of the oldest and the newest event."""
        ...


def read_history(store: EventStore, rules: Rules, moments: list[datetime]) -> History:
    """What the rules need for these moments (ascending, one at least). Raises: what the store raises."""
    extent = store.extent()
    if extent is None:
        return History()
    metrics = {rule.metric for rule in rules.rules}
    longest_s = max((rule.window_s for rule in rules.rules), default=0)
    end = moments[-1] + timedelta(microseconds=1)  # what happened at the last moment counts
    recent = Window(moments[0] - timedelta(seconds=longest_s), end, rules.interval_s)
    whole = Window(min(extent[0], moments[0]), end, rules.interval_s)
    return History(
        requests=requests_of(store.columns("requests_ended", recent)),
        attempts=_attempts(store, recent) if metrics & OF_A_PROVIDER else {},
        circuits=_circuits(store.read("circuit_intervals", whole, end)),
        orders=_orders(store, whole, recent),
        events=_events(store, whole, recent) if Metric.LOG_AGE_S in metrics else np.empty(0, np.int64),
    )


def _attempts(store: EventStore, window: Window) -> dict[str, Calls]:
    found = attempts_of(store.columns("attempts_ended", window))
    return {provider: calls for provider, calls in found.items() if provider is not None}


def _circuits(intervals: pd.DataFrame) -> dict[str, Circuit]:
    return {
        str(provider): Circuit(
            _us(own["start_at"]), np.array([_STATES[state] for state in own["state"]], dtype=np.int8)
        )
        for provider, own in intervals.groupby("provider")
    }


def _orders(store: EventStore, whole: Window, recent: Window) -> tuple[tuple[int, tuple[str, ...]], ...]:
    said = store.read("orders", recent)
    if not said.empty:
        chains = (tuple(map(str, chain)) for chain in said["chain_order"])
        return tuple(zip(_us(said["at"]).tolist(), chains, strict=True))
    # The log never says it: the providers called so far, each from the first moment after its first call.
    chain = list(map(str, store.read("order_now", at=whole.end)["provider"]))
    first = store.read("attempts_by_bucket", whole).groupby("provider")["bucket_at"].min()
    since = dict(zip(first.index, (_us(first) + whole.bucket_s * 1_000_000).tolist(), strict=True))
    return tuple(
        (at, tuple(name for name in chain if since.get(name, at + 1) <= at)) for at in sorted(set(since.values()))
    )


def _events(store: EventStore, whole: Window, recent: Window) -> Times:
    found = store.event_times(recent)
    if not found or found[0] > recent.start + timedelta(seconds=recent.bucket_s):
        # Nothing just before: the newest of all that came earlier.
        earlier = Window(whole.start, max(recent.start, whole.start + timedelta(microseconds=1)), recent.bucket_s)
        found = store.event_times(earlier)[-1:] + found
    return _us(pd.Series(found, dtype="datetime64[us, UTC]"))


def _us(times: "pd.Series[Any]") -> Times:
    return pd.DatetimeIndex(times).as_unit("us").asi8.astype(np.int64)


def beginning(store: EventStore) -> datetime | None:
    """The time of the log's first event, UTC; None without one."""
    extent = store.extent()
    return None if extent is None else extent[0].astimezone(UTC)
