"""A shared circuit under crowds: tasks, threads, cancellation, hung probes and late results."""

import asyncio
import threading

import pytest

from resilience.circuit import Outcome, Permit, Rejection
from resilience.events import Cause, State
from tests.resilience.breaker_bench import CROWD, JOIN_S, Bench, call, run_threads


@pytest.mark.parametrize("probes", [1, 3, 10])
def test_a_thousand_tasks_in_half_open_get_exactly_the_probe_budget(probes):
    bench = Bench(probes=probes)
    bench.open_and_cool()

    async def crowd() -> list[bool]:
        answered = asyncio.Event()
        calls = [asyncio.create_task(call(bench.breaker, answered, f"c{i}")) for i in range(CROWD)]
        await asyncio.sleep(0)  # each task runs until it is refused or waits
        assert sum(task.done() for task in calls) == CROWD - probes
        assert bench.state() is State.HALF_OPEN
        answered.set()
        return await asyncio.gather(*calls)

    admitted = asyncio.run(crowd())

    assert sum(admitted) == probes
    assert bench.state() is State.CLOSED
    assert bench.causes() == [Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED]


@pytest.mark.parametrize("probes", [1, 3, 10])
def test_a_thousand_threads_in_half_open_get_exactly_the_probe_budget(probes):
    bench = Bench(probes=probes)
    bench.open_and_cool()
    answers: list[Permit | Rejection] = []
    everyone_has_asked = threading.Barrier(CROWD)

    def ask_and_hold(i: int) -> None:
        answer = bench.breaker.acquire(f"c{i}")
        answers.append(answer)
        everyone_has_asked.wait(JOIN_S)
        if isinstance(answer, Permit):
            bench.breaker.settle(answer, Outcome.SUCCESS)

    run_threads(CROWD, ask_and_hold)

    assert sum(isinstance(answer, Permit) for answer in answers) == probes
    assert len(answers) == CROWD
    assert bench.state() is State.CLOSED
    assert bench.causes() == [Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED]


def test_a_thousand_failures_at_once_open_the_circuit_once():
    bench = Bench(threshold=5)
    permits = [bench.breaker.acquire(f"c{i}") for i in range(CROWD)]

    run_threads(CROWD, lambda i: bench.breaker.settle(permits[i], Outcome.FAILURE))

    [opening] = bench.events
    assert (opening.from_, opening.to, opening.cause, opening.failures) == (
        State.CLOSED,
        State.OPEN,
        Cause.THRESHOLD,
        5,
    )
    assert len(set(opening.trigger_request_ids)) == 5


def test_a_cancelled_probe_gives_its_slot_back_and_counts_neither_way():
    bench = Bench(probes=1)
    bench.open_and_cool()

    async def cancel_one_and_try_another() -> tuple[bool, bool]:
        never, at_once = asyncio.Event(), asyncio.Event()
        at_once.set()
        probe = asyncio.create_task(call(bench.breaker, never))
        await asyncio.sleep(0)
        refused = await call(bench.breaker, at_once)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert bench.state() is State.HALF_OPEN
        assert bench.breaker.view().failures == 3
        return refused, await call(bench.breaker, at_once)

    assert asyncio.run(cancel_one_and_try_another()) == (False, True)
    assert bench.causes() == [Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED]


def test_a_thousand_cancelled_calls_are_no_outage_and_no_recovery():
    bench = Bench(threshold=3)
    bench.fail(2)

    async def cancel_all() -> None:
        never = asyncio.Event()
        calls = [asyncio.create_task(call(bench.breaker, never)) for _ in range(CROWD)]
        await asyncio.sleep(0)
        for task in calls:
            task.cancel()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncio.CancelledError}

    asyncio.run(cancel_all())
    assert (bench.state(), bench.breaker.view().failures) == (State.CLOSED, 2)

    bench.fail(1)
    assert bench.state() is State.OPEN


def test_a_hung_probe_is_freed_after_its_bound():
    bench = Bench(probes=2, cooldown_s=60, probe_timeout_s=90)
    bench.open_and_cool()
    asked_at_s = bench.clock_s
    hung = bench.breaker.acquire("hung")
    bench.clock_s = asked_at_s + 10
    assert isinstance(bench.breaker.acquire("slow, but not yet hung"), Permit)

    bench.clock_s = asked_at_s + 89.9
    waiting = bench.breaker.acquire("waiting")
    bench.clock_s = asked_at_s + 90
    opening = bench.breaker.acquire("finds it hung")
    bench.clock_s += 120  # twice the cooldown: a probe was lost
    next_probe = bench.breaker.acquire("next probe")
    bench.breaker.settle(hung, Outcome.SUCCESS)  # it comes back after all: an earlier generation's news

    assert waiting == Rejection(State.HALF_OPEN, retry_at=asked_at_s + 90)
    assert (opening.state, opening.retry_at) == (State.OPEN, asked_at_s + 210)
    assert isinstance(next_probe, Permit)
    assert bench.state() is State.HALF_OPEN
    timed_out = bench.events[2]
    assert (timed_out.cause, timed_out.failures) == (Cause.PROBE_TIMED_OUT, 4)
    assert timed_out.trigger_request_ids == ("hung",)
    assert bench.causes()[2:] == [Cause.PROBE_TIMED_OUT, Cause.COOLDOWN_ELAPSED]


def test_late_results_of_an_earlier_generation_change_nothing():
    bench = Bench(threshold=3, cooldown_s=60)
    late = [bench.breaker.acquire(f"late{i}") for i in range(30)]
    bench.fail(3)

    for i, outcome in enumerate(list(Outcome) * 3):
        bench.breaker.settle(late[i], outcome)
    assert (bench.state(), bench.breaker.view().failures) == (State.OPEN, 3)

    bench.clock_s += 60
    probe = bench.breaker.acquire("probe")
    for i, outcome in enumerate(list(Outcome) * 3):
        bench.breaker.settle(late[10 + i], outcome)
    assert isinstance(bench.breaker.acquire("second"), Rejection)

    bench.breaker.settle(probe, Outcome.SUCCESS)
    for permit in late[20:]:
        bench.breaker.settle(permit, Outcome.FAILURE)
    assert (bench.state(), bench.breaker.view().failures) == (State.CLOSED, 0)


def test_a_rejection_is_a_fresh_value_that_says_when_to_ask_again():
    bench = Bench(cooldown_s=60)
    bench.fail(3)

    first, second = bench.breaker.acquire("a"), bench.breaker.acquire("b")

    assert first == second == Rejection(State.OPEN, retry_at=bench.clock_s + 60)
    assert first is not second
