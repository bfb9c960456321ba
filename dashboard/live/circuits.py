"""Each circuit's state at one moment, from the intervals of the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard.live.words import CAUSES, Level
from resilience.events import Cause, State

UNKNOWN = "UNKNOWN"

LEVELS: Mapping[str, Level] = {
    State.CLOSED: Level.OK,
    State.HALF_OPEN: Level.WARNING,
    State.OPEN: Level.CRITICAL,
    UNKNOWN: Level.NO_DATA,
}


@dataclass(frozen=True, slots=True)
class CircuitNow:
    """State of a circuit. since: None where the log does not say; probe_at: when OPEN ends; cause: in words."""

    state: str
    level: Level
    since: datetime | None = None
    cause: str = ""
    probe_at: datetime | None = None
    inferred: bool = False


def circuits_now(
    intervals: pd.DataFrame, transitions: pd.DataFrame, order: Sequence[str], at: datetime
) -> dict[str, CircuitNow]:
    """The state of each provider's circuit at `at`, in chain order.

    intervals, transitions: metrics.circuit_intervals and circuit_transitions from the log's start to `at`. A circuit
    whose cooldown is over is HALF_OPEN although the log will only say so at the next call.
    """
    last = {row["provider"]: row for row in intervals.sort_values("start_at").to_dict("records")}
    failures: dict[str, Any] = dict(transitions.sort_values("at")[["provider", "failures"]].itertuples(index=False))
    return {provider: _now(last.get(provider), failures.get(provider), at) for provider in order}


def _now(interval: Mapping[Any, Any] | None, failures: Any, at: datetime) -> CircuitNow:
    if interval is None or interval["state"] not in LEVELS or interval["state"] == UNKNOWN:
        return CircuitNow(UNKNOWN, Level.NO_DATA)
    state = str(interval["state"])
    since = pd.Timestamp(interval["start_at"]).to_pydatetime()
    cause = CAUSES.get(interval["cause"], "")
    if interval["cause"] == Cause.THRESHOLD and pd.notna(failures):
        cause = f"{failures:.0f} failures in a row"
    inferred = bool(interval["inferred"])
    if state != State.OPEN:
        return CircuitNow(state, LEVELS[state], since, cause, None, inferred)
    until = None if pd.isna(interval["open_until"]) else pd.Timestamp(interval["open_until"]).to_pydatetime()
    if until is not None and until <= at:
        return CircuitNow(
            State.HALF_OPEN, Level.WARNING, until, "cooldown over, the next call tests it", None, inferred=True
        )
    return CircuitNow(state, Level.CRITICAL, since, cause, until, inferred)
