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
    """A circuit as an observer sees it now; `open_until` is UTC, None unless OPEN; `last`: how it came to be so."""

    provider: str
    state: State
    open_until: datetime | None
    failures: int
    isolated: bool = False
    last: "Change | None" = None


@dataclass(frozen=True, slots=True)
class Change:
    """A circuit's last transition as it went to the log, and when (UTC)."""

    event: CircuitChanged
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What of an OPEN circuit outlives the process. Times are UTC."""

    open_until: datetime
    failures: int
    isolated: bool
    since: datetime
    actor: str | None = None
    reason: str | None = None
    trigger_request_ids: tuple[str, ...] = ()


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
        self._last: Change | None = None

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

    def reset(self, actor: str, reason: str, request_id: str | None = None) -> bool:
        """CLOSED from now on, with nothing counted. False if it was CLOSED already. request_id: of who asked for it."""
        return self._act(lambda _: self._circuit.reset(), actor, reason, request_id)

    def isolate(self, for_s: float, actor: str, reason: str, request_id: str | None = None) -> bool:
        """OPEN for so long, whatever the calls say; always True. request_id: of who asked for it."""
        return self._act(lambda now: self._circuit.isolate(now, now + for_s), actor, reason, request_id)

    def release(self, actor: str, reason: str, request_id: str | None = None) -> bool:
        """End an isolation: the next call probes. False if it is not isolated. request_id: of who asked for it."""
        return self._act(self._circuit.release, actor, reason, request_id)

    def adopt(self, kept: Kept) -> None:
        """Go on where an earlier process ended."""

        def act(now: float) -> Transition:
            open_until = now + kept.open_until.timestamp() - self._wall()
            return self._circuit.adopt(now, open_until, kept.failures, isolated=kept.isolated)

        self._act(act, kept.actor, kept.reason, kept=kept)

    def obey(self, policy: CircuitPolicy) -> None:
        """Follow another policy from now on; what is counted stays counted."""
        with self._lock:
            self._circuit.obey(policy)

    def kept(self) -> Kept | None:
        """What a later process has to know, None of a circuit that is CLOSED."""
        with self._lock:
            now = self._clock()
            last, open_until = self._last, self._circuit.open_until
            if last is None or last.event.to is State.CLOSED:
                return None
            # HALF_OPEN is kept as an OPEN that is over: the next process probes as well.
            until = self._utc(now if open_until is None else open_until, now)
            assert until is not None  # noqa: S101 (it was given a time)
            event = last.event
            return Kept(
                until,
                self._circuit.failures,
                self._circuit.isolated,
                last.at,
                event.actor,
                event.reason,
                event.trigger_request_ids,
            )

    def state(self) -> State:
        """The state now, as in `view`, for callers that need no more."""
        with self._lock:
            return self._circuit.state(self._clock())

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
            isolated = self._circuit.isolated and state is State.OPEN
            last = self._last
        return CircuitView(self._provider, state, self._utc(open_until, now), failures, isolated, last)

    def _act(
        self,
        action: Callable[[float], Transition | None],
        actor: str | None,
        reason: str | None,
        request_id: str | None = None,
        kept: Kept | None = None,
    ) -> bool:
        with self._lock:
            now = self._clock()
            transition = action(now)
            if transition is not None:
                self._post(transition, now, actor, reason, request_id, kept)
        self._drain()
        return transition is not None

    def _post(
        self,
        transition: Transition,
        now: float,
        actor: str | None = None,
        reason: str | None = None,
        request_id: str | None = None,
        kept: Kept | None = None,
    ) -> None:
        event = CircuitChanged(
            provider=self._provider,
            from_=transition.from_,
            to=transition.to,
            cause=transition.cause,
            failures=transition.failures,
            open_until=self._utc(transition.open_until, now),
            trigger_request_ids=kept.trigger_request_ids if kept else transition.trigger_request_ids,
            actor=actor,
            reason=reason,
            request_id=request_id,
        )
        since = kept.since if kept else datetime.fromtimestamp(self._wall(), UTC)
        self._last = Change(event, since)
        self._outbox.append(event)

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
