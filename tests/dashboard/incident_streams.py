"""Random incidents, each as one stream of events, read in two ways: by the service's own /metrics and by our rules.

Durations are such that a percentile means the same interpolated between calls (ours) and between a histogram's edges
(Prometheus's): up to 2 s, or from 120 to 150 s. With s slow ones of n, both are above 10 s for 20 s > n (ours is 0.1 of
the way to a slow one, 12 s, at least) and below for 20 s <= n (0.05 of the way, 9.4 s, at most). Or all are exactly 1 s
or 10 s, where both end at 10 s.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dashboard.alerts.history import CLOSED, OPEN, Calls, Circuit, History
from resilience.breaker import CircuitView
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    Event,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    State,
)
from resilience.service.metrics import Metrics

PROVIDERS = ("openrouter", "anthropic", "deepseek", "openai")
STEP_S = 10
_S = 1_000_000  # microseconds
_FAILED = (RequestStatus.EXHAUSTED, RequestStatus.DEADLINE, RequestStatus.ERROR)
_NOT_COUNTED = (RequestStatus.CANCELLED, RequestStatus.BLOCKED, RequestStatus.REJECTED)

Timed = tuple[int, Event]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], list[float | None]]


@dataclass(frozen=True)
class Stream:
    """What happened from 0 to length_s, in order; times are microseconds. The first event is the chain's start."""

    length_s: int
    events: list[Timed]


def stream(rng: random.Random, length_s: int, staying: str = PROVIDERS[0]) -> Stream:
    """Stretches of no traffic, of an exact rhythm and of random traffic; circuits and orders that change.

    staying: the provider that is in every order. /metrics has the circuits of the chain only, the log also tells of
    those that have left it, so a rule about a single circuit agrees as long as it is in the chain.
    """
    events = [*_traffic(rng, length_s), *_circuits(rng, length_s), *_orders(rng, length_s, staying)]
    if rng.random() < 0.4:  # nobody there, nothing happens
        silent_us = rng.randint(0, length_s) * _S
        events = [timed for timed in events if not silent_us < timed[0] < silent_us + 800 * _S]
    first = (0, ProvidersInitialized(order=PROVIDERS))
    return Stream(length_s, [first, *sorted(events, key=lambda timed: timed[0])])


def samples(found: Stream, names: set[str]) -> Samples:
    """The series of these names as /metrics has them at each multiple of STEP_S; None where a series is not there."""
    order: tuple[str, ...] = ()
    states = dict.fromkeys(PROVIDERS, State.CLOSED)
    now_s = 0.0
    metrics = Metrics("1", lambda: [CircuitView(name, states[name], None, 0) for name in order], wall=lambda: now_s)
    series: Samples = {}
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    left = iter([*found.events, (1 << 62, None)])
    at_us, event = next(left)
    for step in range(found.length_s // STEP_S + 1):
        changed = False
        while at_us <= step * STEP_S * _S:
            now_s = at_us / _S
            assert event is not None
            match event:
                case CircuitChanged():
                    states[event.provider] = event.to
                case ProvidersInitialized():
                    order = event.order
            metrics.observe(event)
            changed = True
            at_us, event = next(left)
        if changed:
            seen = {
                (sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for family in metrics.registry.collect()
                for sample in family.samples
                if sample.name in names
            }
        for key, value in seen.items():
            series.setdefault(key, [None] * step).append(value)
        for values in series.values():
            values.extend([None] * (step + 1 - len(values)))
    return series


def history(found: Stream) -> History:
    """The same as our rules see it."""
    requests = [(at, event) for at, event in found.events if isinstance(event, RequestFinished)]
    counted = [(at, event) for at, event in requests if event.status not in _NOT_COUNTED]
    attempts = [(at, event) for at, event in found.events if isinstance(event, AttemptFinished)]
    return History(
        requests=Calls(
            at=np.array([at for at, _ in counted], np.int64),
            failed=np.array([event.status is not RequestStatus.SUCCESS for _, event in counted], np.bool_),
            s=np.array([event.total_ms / 1000 for _, event in counted], np.float64),
            exhausted=np.array([event.status is RequestStatus.EXHAUSTED for _, event in counted], np.bool_),
            with_fallback=np.array([event.fallbacks > 0 for _, event in counted], np.bool_),
        ),
        attempts={name: _calls(attempts, name) for name in PROVIDERS},
        circuits={name: _circuit(found, name) for name in PROVIDERS},
        orders=tuple((at, event.order) for at, event in found.events if isinstance(event, ProvidersInitialized)),
        events=np.array([at for at, _ in found.events], np.int64),
    )


def _calls(attempts: list[tuple[int, AttemptFinished]], provider: str) -> Calls:
    own = [
        (at, event)
        for at, event in attempts
        if event.provider == provider and event.status is not AttemptStatus.CANCELLED
    ]
    return Calls(
        at=np.array([at for at, _ in own], np.int64),
        failed=np.array([event.status is AttemptStatus.FAILED for _, event in own], np.bool_),
        s=np.array([event.generation_time_ms / 1000 for _, event in own], np.float64),
    )


def _circuit(found: Stream, provider: str) -> Circuit:
    changes = [
        (at, event) for at, event in found.events if isinstance(event, CircuitChanged) and event.provider == provider
    ]
    return Circuit(
        at=np.array([0, *(at for at, _ in changes)], np.int64),
        state=np.array([CLOSED, *(CLOSED if event.to is State.CLOSED else OPEN for _, event in changes)], np.int8),
    )


def _traffic(rng: random.Random, length_s: int) -> Iterator[Timed]:
    exactly_10_s = rng.random() < 0.2
    start_s = rng.choice([1, 10, 25, 60])
    while start_s < length_s:
        end_s = min(length_s, start_s + rng.choice([20, 60, 70, 120, 300, 360, 420, 600]))
        kind = rng.choice(["nothing", "rhythm", "rhythm", "random", "random", "incident", "incident"])
        if kind == "incident":
            end_s = min(length_s, start_s + rng.choice([370, 400, 500]))
        if kind == "rhythm":
            # n in each period and the same ones bad: every window of whole periods has exactly that share.
            period_s = rng.choice([60, 60, 30])
            number = rng.choice([5, 10, 10, 20])
            offsets = sorted(rng.sample(range(0, period_s * 1000, 500), number))
            bad = set(rng.sample(range(number), rng.choice([0, number // 10, number // 10, number // 5])))
            moved = set(rng.sample(range(number), rng.choice([0, number // 4, number // 2])))
            for base_s in range(start_s, end_s, period_s):
                for place, offset_ms in enumerate(offsets):
                    at_ms = base_s * 1000 + offset_ms
                    if at_ms <= end_s * 1000:
                        slow = place == 0 and number == 20 and not exactly_10_s
                        yield from _request(rng, at_ms, place in bad, place in moved, slow, exactly_10_s)
        elif kind != "nothing":
            per_s = rng.choice([0.02, 0.08, 0.1, 0.3, 0.5]) if kind == "random" else rng.choice([0.2, 0.4])
            failing = rng.choice([0, 0.08, 0.12, 0.5, 1]) if kind == "random" else rng.choice([0.5, 0.8])
            falling, slow = rng.random(), rng.choice([0, 0, 0.05, 0.3])
            at_s = start_s + rng.expovariate(per_s)
            while at_s < end_s:
                at_ms = round(at_s * 1000)
                if rng.random() < 0.3:
                    at_ms = round(at_s / STEP_S) * STEP_S * 1000  # at the very moment of a scrape
                dawdles = not exactly_10_s and rng.random() < slow
                yield from _request(rng, at_ms, rng.random() < failing, rng.random() < falling, dawdles, exactly_10_s)
                at_s += rng.expovariate(per_s)
        start_s = end_s


def _request(
    rng: random.Random, at_ms: int, failed: bool, fallback: bool, slow: bool, exactly_10_s: bool
) -> Iterator[Timed]:
    took_ms = rng.uniform(120_000, 150_000) if slow else rng.choice([1000.0, 10_000.0])
    if not slow and not exactly_10_s:
        took_ms = rng.uniform(10, 2000)
    status = rng.choice(_FAILED) if failed else RequestStatus.SUCCESS
    at_us = max(1, at_ms) * 1000
    provider = rng.choice(PROVIDERS)
    yield (
        at_us,
        AttemptFinished(
            generation_time_ms=took_ms,
            request_id="r",
            provider=provider,
            model="m",
            attempt=1,
            chain_position=0,
            status=AttemptStatus.FAILED if failed else AttemptStatus.SUCCESS,
            reason=rng.choice([Reason.TIMEOUT, Reason.SERVER_ERROR, Reason.RATE_LIMITED]) if failed else None,
            circuit=State.CLOSED,
        ),
    )
    yield at_us, _ended(status, took_ms, rng.randint(1, 3) if fallback else 0)
    if rng.random() < 0.1:  # counts nowhere in the rules
        yield at_us, _ended(rng.choice(_NOT_COUNTED), 500_000.0, rng.randint(0, 1))


def _ended(status: RequestStatus, total_ms: float, fallbacks: int) -> RequestFinished:
    return RequestFinished(
        request_id="r",
        status=status,
        provider=PROVIDERS[0],
        attempts=1 + fallbacks,
        fallbacks=fallbacks,
        total_ms=total_ms,
        wasted_ms=0.0,
    )


def _circuits(rng: random.Random, length_s: int) -> Iterator[Timed]:
    at_s = rng.uniform(0, 600)
    while at_s < length_s:
        down = PROVIDERS if rng.random() < 0.5 else rng.sample(PROVIDERS, rng.randint(1, 3))
        back_s = at_s + rng.choice([20, 60, 290, 300, 310, 320, 400])
        if rng.random() < 0.5:
            at_s, back_s = round(at_s / STEP_S) * STEP_S, round(back_s / STEP_S) * STEP_S
        for provider in down:
            states = [State.OPEN, *([State.HALF_OPEN, State.OPEN] * rng.randint(0, 2)), State.HALF_OPEN, State.CLOSED]
            last = State.CLOSED
            for number, state in enumerate(states):
                at_us = round((at_s + (back_s - at_s) * number / (len(states) - 1)) * _S)
                if 0 < at_us <= length_s * _S:
                    yield (
                        at_us,
                        CircuitChanged(provider=provider, from_=last, to=state, cause=Cause.THRESHOLD, failures=3),
                    )
                last = state
        at_s = back_s + rng.choice([15, 40, 200, 700])


def _orders(rng: random.Random, length_s: int, staying: str) -> Iterator[Timed]:
    for _ in range(rng.randint(0, 3)):
        others = [name for name in PROVIDERS if name != staying]
        order = [staying, *rng.sample(others, rng.randint(0, 3))]
        rng.shuffle(order)
        yield rng.randint(1, length_s * 100) * 10_000, ProvidersInitialized(order=tuple(order))
