"""The frames of a window, and the guards' numbers, read from the store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

import pandas as pd

from dashboard.inert import provider_label
from dashboard.live.circuits import as_seen
from dashboard.live.frames import RECENT, Frames
from dashboard.live.guards import GuardNumbers
from dashboard.store import Store
from dashboard.window import Window

_OF_WINDOW = (
    "actions",
    "attempts_by_bucket",
    "failures_by_reason",
    "fallbacks_by_reason",
    "provider_summary",
    "requests_by_bucket",
)


class FrameStore(Protocol):
    """The store as this module sees it."""

    def read(self, metric: str, window: Window | None = None, at: datetime | None = None) -> pd.DataFrame:
        """The rows of a metric."""
        ...


def read_frames(store: FrameStore, window: Window, at: datetime, oldest: datetime) -> Frames:
    """The frames of a window. at: the moment shown as now; oldest: the log's first event. Raises: what the store raises."""
    read = store.read
    whole, recent = Window.of(min(oldest, window.start), max(at, window.end)), Window.of(at - RECENT, at)
    # The engine works outside Python's lock, so the questions are asked side by side.
    with ThreadPoolExecutor(max_workers=4) as pool:
        order = pool.submit(read, "order_now", at=at)
        intervals = pool.submit(read, "circuit_intervals", whole, at)
        transitions = pool.submit(read, "circuit_transitions", whole)
        latest = pool.submit(read, "request_summary", recent)
        of_window = {name: pool.submit(read, name, window) for name in _OF_WINDOW}
    requests = latest.result()
    if not requests["total"].any():
        requests = read("request_summary", window)
    return Frames(
        order=tuple(dict.fromkeys(map(provider_label, order.result()["provider"]))),
        circuit_intervals=as_seen(intervals.result()),
        circuit_transitions=transitions.result(),
        recent=latest.result(),
        derived=bool(requests["derived"].any()),
        **{name: found.result() for name, found in of_window.items()},
    )


def read_guards(store: Store, window: Window) -> GuardNumbers:
    """What the guards did in a window. Raises: what the store raises."""
    (summary,), actions = store.rows("guard_summary", window), store.rows("guard_actions", window)
    if not actions:  # as in most windows of most logs: nothing more to ask
        return GuardNumbers(summary)
    (grounding,) = store.rows("grounding_failures", window)
    findings, by_bucket = (store.rows(name, window) for name in ("guard_findings", "guard_actions_by_bucket"))
    return GuardNumbers(summary, actions, findings, by_bucket, grounding)
