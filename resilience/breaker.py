"""A circuit shared by tasks and threads: the state machine plus lock, clock and events."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from resilience.circuit import Circuit, Outcome, Permit, Rejection, Transition
from resilience.events import CircuitChanged, Event, State
from resilience.policy import CircuitPolicy

Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class CircuitView:
    """A circuit as an observer sees it now; `open_until` is UTC, None unless OPEN."""

    provider: str
    state: State
    open_until: datetime | None
    failures: int


class Breaker:
    """One provider's circuit, safe to share.

    clock: monotonic seconds; wall: seconds since the epoch, for the log alone. Each transition is emitted
    outside the lock, in order, and whatever `emit` raises changes no call's result.
    """

    def __init__(
        self,
        provider: str,
        policy: CircuitPolicy,
        emit: Emit,
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._provider = provider
        self._circuit = Circuit(policy)
        self._emit = emit
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._outbox: deque[CircuitChanged] = deque()
        self._draining = False

    def acquire(self, request_id: str = "") -> Permit | Rejection:
        """Leave for one call now, or the refusal with the time to ask again (on the breaker's clock)."""
        return self._ask(self._circuit.acquire, request_id)

    def force(self, request_id: str = "") -> Permit | Rejection:
        """Like `acquire`, but an OPEN circuit lets this one call probe it before its cooldown has ended."""
        return self._ask(self._circuit.force, request_id)

    def _ask(self, question: Callable[[float, str], Permit | Rejection], request_id: str) -> Permit | Rejection:
        with self._lock:
            now = self._clock()
            answer = question(now, request_id)
            if answer.transition is not None:
                self._post(answer.transition, now)
        if answer.transition is not None:
            self._drain()
        return answer

    def settle(self, permit: Permit, outcome: Outcome) -> None:
        """Hand a permit back with its outcome."""
        with self._lock:
            now = self._clock()
            transition = self._circuit.settle(permit, outcome, now)
            if transition is not None:
                self._post(transition, now)
        if transition is not None:
            self._drain()

    def opens_on_failure(self, permit: Permit) -> bool:
        """Whether a failure of this call, settled now, would open the circuit."""
        with self._lock:
            return self._circuit.opens_on_failure(permit)

    def view(self) -> CircuitView:
        """The circuit's state now, computed from its times, not from the last call."""
        with self._lock:
            now = self._clock()
            state = self._circuit.state(now)
            open_until = self._circuit.open_until if state is State.OPEN else None
            failures = self._circuit.failures
        return CircuitView(self._provider, state, self._utc(open_until, now), failures)

    def _post(self, transition: Transition, now: float) -> None:
        self._outbox.append(
            CircuitChanged(
                provider=self._provider,
                from_=transition.from_,
                to=transition.to,
                cause=transition.cause,
                failures=transition.failures,
                open_until=self._utc(transition.open_until, now),
                trigger_request_ids=transition.trigger_request_ids,
            )
        )

    def _utc(self, at: float | None, now: float) -> datetime | None:
        return None if at is None else datetime.fromtimestamp(self._wall() + (at - now), UTC)

    def _drain(self) -> None:
        # One thread at a time empties the outbox, so events leave in order with no lock held while a
        # listener runs; a listener that calls back into this breaker posts and returns.
        while True:
            with self._lock:
                if self._draining or not self._outbox:
                    return
                self._draining = True
                event = self._outbox.popleft()
            try:
                with suppress(Exception):  # a listener's fault is not the caller's
                    self._emit(event)
            finally:
                with self._lock:
                    self._draining = False
