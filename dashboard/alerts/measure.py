"""The numbers of a rule at given moments, from a history: pure, and the same for now and for last week."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.alerts.history import OPEN, UNKNOWN, Calls, Circuit, Flags, History, Times, Values
from dashboard.alerts.rule import Metric, Rule

Counts = npt.NDArray[np.int64]
_S = 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Measured:
    """One value per moment, NaN where there is no data, and how many requests, attempts or circuits it rests on."""

    value: Values
    count: Counts


def measured(rule: Rule, history: History, moments: Times) -> Measured:
    """The rule's numbers at the moments (ascending), each from what happened up to it and not later.

    A window of w seconds before t holds what ended after t - w, up to and including t.
    """
    return _MEASURES[rule.metric](rule, history, moments)


def _counted(
    rule: Rule, calls: Calls, moments: Times, of: Callable[["_Stretch"], Values], window_s: int = 0
) -> Measured:
    found = _Stretch(calls, moments, window_s or rule.window_s)
    enough = np.flatnonzero(found.count >= rule.minimum_count)
    value = np.full(len(moments), np.nan)
    value[enough] = of(_Stretch(calls, moments[enough], window_s or rule.window_s))
    return Measured(value, found.count)


class _Stretch:
    """The calls of a window before each of several moments."""

    def __init__(self, calls: Calls, moments: Times, window_s: int) -> None:
        self.calls = calls
        self.first = np.searchsorted(calls.at, moments - window_s * _S, side="right")
        self.last = np.searchsorted(calls.at, moments, side="right")
        self.count: Counts = self.last - self.first

    def number(self, flags: Flags) -> Counts:
        """How many of the calls have the flag."""
        so_far = np.concatenate(([0], np.cumsum(flags)))
        found: Counts = so_far[self.last] - so_far[self.first]
        return found

    def p95_s(self) -> Values:
        """The 95th percentile of how long they took, by linear interpolation."""
        spans = zip(self.first.tolist(), self.last.tolist(), strict=True)
        return np.array([np.quantile(self.calls.s[a:b], 0.95) for a, b in spans], np.float64)


def _exhausted(rule: Rule, history: History, moments: Times) -> Measured:
    calls = history.requests
    return _counted(rule, calls, moments, lambda found: found.number(calls.exhausted).astype(np.float64))


def _error_rate(rule: Rule, history: History, moments: Times) -> Measured:
    return _failure_rate(rule, history.requests, moments)


def _failure_rate(rule: Rule, calls: Calls, moments: Times, window_s: int = 0) -> Measured:
    return _counted(rule, calls, moments, lambda found: found.number(calls.failed) / found.count, window_s)


def _fallback_rate(rule: Rule, history: History, moments: Times) -> Measured:
    calls = history.requests
    return _counted(rule, calls, moments, lambda found: found.number(calls.with_fallback) / found.count)


def _response_time(rule: Rule, history: History, moments: Times) -> Measured:
    return _counted(rule, history.requests, moments, _Stretch.p95_s)


def _burn_rate(rule: Rule, history: History, moments: Times) -> Measured:
    slow = _failure_rate(rule, history.requests, moments)
    fast = _failure_rate(rule, history.requests, moments, rule.fast_window_s)
    return Measured(np.minimum(slow.value, fast.value) / (1 - rule.objective), slow.count)


def _provider_failure_rate(rule: Rule, history: History, moments: Times) -> Measured:
    return _failure_rate(rule, _attempts(rule, history), moments)


def _provider_p95(rule: Rule, history: History, moments: Times) -> Measured:
    return _counted(rule, _attempts(rule, history), moments, _Stretch.p95_s)


def _attempts(rule: Rule, history: History) -> Calls:
    return history.attempts.get(rule.provider or "", Calls())


def _provider_open(rule: Rule, history: History, moments: Times) -> Measured:
    states = _states(history.circuits.get(rule.provider or ""), moments)
    value = np.where(states == UNKNOWN, np.nan, states == OPEN)
    return Measured(value, (states != UNKNOWN).astype(np.int64))


def _primary_open(rule: Rule, history: History, moments: Times) -> Measured:
    del rule
    return _over_orders(history, moments, lambda order: order[:1])


def _open_circuits(rule: Rule, history: History, moments: Times) -> Measured:
    del rule
    return _over_orders(history, moments, lambda order: order)


def _over_orders(history: History, moments: Times, asked: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Measured:
    """The share of circuits that are open, of those that are asked about in the order in force at each moment.

    NaN where none of them is known.
    """
    value, count = np.full(len(moments), np.nan), np.zeros(len(moments), np.int64)
    since = np.array([at for at, _ in history.orders], np.int64)
    in_force = np.searchsorted(since, moments, side="right") - 1
    for number, (_, order) in enumerate(history.orders):
        rows = np.flatnonzero(in_force == number)
        if not len(rows) or not order:
            continue
        states = np.array([_states(history.circuits.get(name), moments[rows]) for name in asked(order)])
        known = (states != UNKNOWN).any(axis=0)
        value[rows] = np.where(known, (states == OPEN).mean(axis=0), np.nan)
        count[rows] = len(states)
    return Measured(value, count)


def _states(circuit: Circuit | None, moments: Times) -> npt.NDArray[np.int8]:
    if circuit is None:
        return np.full(len(moments), UNKNOWN, np.int8)
    places = np.searchsorted(circuit.at, moments, side="right") - 1
    return np.where(places < 0, np.int8(UNKNOWN), circuit.state[places])


def _log_age(rule: Rule, history: History, moments: Times) -> Measured:
    del rule
    places = np.searchsorted(history.events, moments, side="right") - 1
    known = places >= 0
    if not known.any():
        return Measured(np.full(len(moments), np.nan), np.zeros(len(moments), np.int64))
    return Measured(np.where(known, (moments - history.events[places]) / _S, np.nan), known.astype(np.int64))


_MEASURES: Mapping[Metric, Callable[[Rule, History, Times], Measured]] = {
    Metric.EXHAUSTED_REQUESTS: _exhausted,
    Metric.ERROR_RATE: _error_rate,
    Metric.FALLBACK_RATE: _fallback_rate,
    Metric.RESPONSE_TIME_P95_S: _response_time,
    Metric.BURN_RATE: _burn_rate,
    Metric.OPEN_CIRCUITS: _open_circuits,
    Metric.PRIMARY_OPEN: _primary_open,
    Metric.LOG_AGE_S: _log_age,
    Metric.PROVIDER_FAILURE_RATE: _provider_failure_rate,
    Metric.PROVIDER_P95_S: _provider_p95,
    Metric.PROVIDER_OPEN: _provider_open,
}
