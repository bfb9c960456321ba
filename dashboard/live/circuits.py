"""Each circuit's state at one moment, from the intervals of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.live.words import CAUSES, COOLDOWN_OVER, Level
from resilience.events import Cause, State

UNKNOWN = "UNKNOWN"

LEVELS: Mapping[str, Level] = {
    State.CLOSED: Level.OK,
    State.HALF_OPEN: Level.WARNING,
    State.OPEN: Level.CRITICAL,
    UNKNOWN: Level.NO_DATA,
}

_NOT_CLOSED = (State.OPEN, State.HALF_OPEN)


@dataclass(frozen=True, slots=True)
class CircuitNow:
    """State of a circuit. since: None where the log does not say; probe_at: when OPEN ends; cause: in words.

    left_closed_at: when it last ceased to be CLOSED; failed probes between then and now are of the same outage.
    """

    state: str
    level: Level
    since: datetime | None = None
    cause: str = ""
    probe_at: datetime | None = None
    inferred: bool = False
    left_closed_at: datetime | None = None


def as_seen(intervals: pd.DataFrame) -> pd.DataFrame:
    """The intervals with OPEN ending at its time: the log says HALF_OPEN only when the next call comes.

    intervals, and the answer: metrics.circuit_intervals; what is added is `inferred`, its cause COOLDOWN_OVER.
    """
    late = (intervals["state"] == State.OPEN) & (intervals["open_until"] < intervals["end_at"])
    ready = intervals[late].assign(state=State.HALF_OPEN.value, cause=COOLDOWN_OVER, inferred=True)
    ready = ready.assign(start_at=ready["open_until"], open_until=ready["open_until"].where(~ready["inferred"]))
    on_time = intervals.assign(end_at=intervals["end_at"].mask(late, intervals["open_until"]))
    return pd.concat([on_time, ready], ignore_index=True) if late.any() else intervals


def circuits_now(intervals: pd.DataFrame, transitions: pd.DataFrame, order: Sequence[str]) -> dict[str, CircuitNow]:
    """The state of each provider's circuit at the intervals' end, in chain order.

    intervals: metrics.circuit_intervals from the log's start, as seen; transitions: metrics.circuit_transitions.
    """
    ordered = intervals.sort_values("start_at").to_dict("records")
    last = {row["provider"]: row for row in ordered}
    left: dict[str, Any] = {}
    for row in ordered:
        if row["state"] not in _NOT_CLOSED:
            left.pop(row["provider"], None)
        else:
            left.setdefault(row["provider"], row["start_at"])
    failures: dict[str, Any] = dict(transitions.sort_values("at")[["provider", "failures"]].itertuples(index=False))
    return {name: _now(last.get(name), failures.get(name), left.get(name)) for name in order}


def _now(interval: Mapping[Any, Any] | None, failures: Any, left_closed_at: Any) -> CircuitNow:
    if interval is None or interval["state"] not in LEVELS or interval["state"] == UNKNOWN:
        return CircuitNow(UNKNOWN, Level.NO_DATA)
    state = str(interval["state"])
    cause = CAUSES.get(interval["cause"], "")
    if interval["cause"] == Cause.THRESHOLD and pd.notna(failures):
        cause = f"{failures:.0f} failures in a row"
    until = None if pd.isna(interval["open_until"]) else pd.Timestamp(interval["open_until"]).to_pydatetime()
    since = pd.Timestamp(interval["start_at"]).to_pydatetime()
    left = None if left_closed_at is None else pd.Timestamp(left_closed_at).to_pydatetime()
    return CircuitNow(state, LEVELS[state], since, cause, until, bool(interval["inferred"]), left)
