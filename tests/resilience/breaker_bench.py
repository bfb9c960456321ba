"""A breaker with both clocks in hand, and crowds of tasks and threads to call it."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from resilience.breaker import Breaker
from resilience.circuit import Outcome, Permit, Rejection
from resilience.events import Cause, CircuitChanged, Event, State
from resilience.policy import CircuitPolicy

CROWD = 1000
JOIN_S = 20.0
WALL_S = 1_760_000_000.0


class Bench:
    """A breaker with both clocks in hand and every event kept."""

    def __init__(self, listener: Callable[[Event], None] | None = None, **policy: float) -> None:
        self.clock_s = 500.0
        self.wall_s = WALL_S
        self.events: list[CircuitChanged] = []
        self._listener = listener
        self.policy = CircuitPolicy(**policy)
        self.breaker = Breaker("openrouter", self.policy, self.heard, lambda: self.clock_s, lambda: self.wall_s)

    def heard(self, event: Event) -> None:
        self.events.append(event)
        if self._listener is not None:
            self._listener(event)

    def causes(self) -> list[Cause]:
        return [event.cause for event in self.events]

    def state(self) -> State:
        return self.breaker.view().state

    def fail(self, times: int) -> None:
        for i in range(times):
            permit = self.breaker.acquire(f"f{i}")
            assert isinstance(permit, Permit)
            self.breaker.settle(permit, Outcome.FAILURE)

    def open_and_cool(self) -> None:
        self.fail(self.policy.threshold)
        assert self.state() is State.OPEN
        self.clock_s += self.policy.cooldown_s


async def call(breaker: Breaker, work: asyncio.Event, request_id: str = "") -> bool:
    """One call as a client makes it: True if admitted; anything but an answer is neutral."""
    permit = breaker.acquire(request_id)
    if isinstance(permit, Rejection):
        return False
    outcome = Outcome.NEUTRAL
    try:
        await work.wait()
        outcome = Outcome.SUCCESS
    finally:
        breaker.settle(permit, outcome)
    return True


@contextmanager
def hasty_switches() -> Iterator[None]:
    """Threads change places as often as the interpreter allows, so that a missing lock shows."""
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)


def run_threads(count: int, work: Callable[[int], None]) -> None:
    """Run `work(i)` in `count` threads that start together; any error in one fails the test."""
    errors: list[Exception] = []
    start = threading.Barrier(count)

    def body(i: int) -> None:
        try:
            start.wait(JOIN_S)
            work(i)
        except Exception as exc:  # noqa: BLE001 (handed to the test's own thread)
            errors.append(exc)

    threads = [threading.Thread(target=body, args=(i,), daemon=True) for i in range(count)]
    with hasty_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(JOIN_S)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    assert errors == []
