"""What a breaker tells others: listeners that raise, block or call back, and clocks that jump."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from resilience.breaker import Breaker
from resilience.circuit import Outcome, Permit, Rejection
from resilience.events import Cause, Event, State
from tests.resilience.breaker_bench import JOIN_S, WALL_S, Bench, call, run_threads


def test_events_leave_in_order_and_one_at_a_time_from_many_threads():
    busy = threading.Lock()
    overlaps = []

    def listener(event: Event) -> None:
        if not busy.acquire(blocking=False):
            overlaps.append(event)
            return
        sum(range(500))  # long enough for other threads to come by
        busy.release()

    bench = Bench(listener, threshold=1, cooldown_s=0.001)
    bench.breaker = Breaker("openrouter", bench.policy, bench.heard, iter_clock(), lambda: WALL_S)

    def hammer(i: int) -> None:
        for n in range(20_000):
            if len(bench.events) > 200:  # how soon is the scheduler's luck
                return
            permit = bench.breaker.acquire(f"{i}.{n}")
            if isinstance(permit, Permit):
                bench.breaker.settle(permit, Outcome.FAILURE if n % 2 else Outcome.SUCCESS)

    run_threads(8, hammer)

    assert overlaps == []
    assert len(bench.events) > 200
    assert bench.events[0].from_ is State.CLOSED
    assert [event.to for event in bench.events[:-1]] == [event.from_ for event in bench.events[1:]]


def iter_clock() -> Callable[[], float]:
    """A clock that moves on by a millisecond with each look."""
    ticks = iter(range(10**9))
    return lambda: next(ticks) / 1000


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=-3650), timedelta(days=3650)])
def test_a_wall_clock_that_jumps_changes_nothing_but_the_times_in_the_log(jump):
    bench = Bench(cooldown_s=60)
    bench.fail(3)
    opened = datetime.fromtimestamp(WALL_S, UTC)
    assert bench.events[0].open_until == opened + timedelta(seconds=60)

    bench.wall_s += jump.total_seconds()
    bench.clock_s += 59
    early = bench.breaker.acquire("early")
    seen = bench.breaker.view()
    bench.clock_s += 1
    probe = bench.breaker.acquire("probe")

    assert isinstance(early, Rejection)
    assert (seen.state, seen.open_until) == (State.OPEN, opened + jump + timedelta(seconds=1))
    assert isinstance(probe, Permit)
    assert probe.state is State.HALF_OPEN


def test_an_observer_sees_the_cooldown_end_without_a_call():
    bench = Bench(cooldown_s=60)
    bench.open_and_cool()

    view = bench.breaker.view()

    assert (view.state, view.open_until) == (State.HALF_OPEN, None)
    assert bench.causes() == [Cause.THRESHOLD]


class ListenerError(Exception):
    """What the bad listener raises."""


def test_a_listener_that_raises_changes_no_result_and_the_circuit_still_opens():
    def listener(event: Event) -> None:
        raise ListenerError(event)

    bench = Bench(listener, threshold=3, cooldown_s=60)

    bench.fail(3)
    refused = bench.breaker.acquire("refused")
    bench.clock_s += 60
    probe = bench.breaker.acquire("probe")
    bench.breaker.settle(probe, Outcome.SUCCESS)

    assert isinstance(refused, Rejection)
    assert isinstance(probe, Permit)
    assert bench.state() is State.CLOSED
    assert bench.causes() == [Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED]


def test_a_listener_that_raises_never_replaces_a_callers_own_result():
    def listener(event: Event) -> None:
        raise ListenerError(event)

    bench = Bench(listener, probes=1)
    bench.open_and_cool()

    async def succeed() -> bool:
        at_once = asyncio.Event()
        at_once.set()
        return await call(bench.breaker, at_once)

    assert asyncio.run(succeed()) is True
    assert bench.state() is State.CLOSED


def test_a_listener_may_call_back_into_the_breaker():
    asked = []

    def listener(event: Event) -> None:
        asked.append((bench.state(), type(bench.breaker.acquire("from the listener"))))

    bench = Bench(listener)
    worker = threading.Thread(target=bench.fail, args=(3,), daemon=True)

    worker.start()
    worker.join(JOIN_S)

    assert not worker.is_alive(), "the listener waits for a lock that its own thread holds"
    assert asked == [(State.OPEN, Rejection)]


def test_a_listener_that_blocks_holds_up_no_other_caller_and_keeps_the_order():
    entered, let_go = threading.Event(), threading.Event()
    inside = []

    def listener(event: Event) -> None:
        inside.append(event.cause)
        entered.set()
        assert let_go.wait(JOIN_S)

    bench = Bench(listener, cooldown_s=60)
    opener = threading.Thread(target=bench.fail, args=(3,), daemon=True)
    opener.start()
    assert entered.wait(JOIN_S)
    bench.clock_s += 60
    done = threading.Event()

    def recover() -> None:
        bench.breaker.settle(bench.breaker.acquire("probe"), Outcome.SUCCESS)
        done.set()

    other = threading.Thread(target=recover, daemon=True)
    other.start()

    assert done.wait(JOIN_S), "a caller waits for somebody else's listener"
    assert bench.state() is State.CLOSED
    assert inside == [Cause.THRESHOLD]

    let_go.set()
    opener.join(JOIN_S)
    other.join(JOIN_S)
    assert bench.causes() == [Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED]
