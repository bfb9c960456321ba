"""One provider's circuit: a state machine over values.

It holds no clock, no lock, no logging and does no I/O. Time comes in as an argument, in seconds of any
monotonic clock; whoever shares a circuit between tasks or threads holds a lock around each call (breaker.py).
The what-if replay feeds the same code with logged times.

    CLOSED ──[threshold consecutive failures]──> OPEN ──[acquire after cooldown_s]──> HALF_OPEN
      ^                                           ^                                      │
      │                                           └──[probe failed, or hung too long]────┤
      └──────────────────────────[probe succeeded]──────────────────────────────────────┘

- Each transition begins a new generation. A permit carries its generation; a result from an earlier
  one is dropped, so a slow answer from before an outage can neither close nor open anything.
- HALF_OPEN has `probes` slots. A neutral outcome (the call was cancelled, or the request itself was at
  fault) gives the slot back and counts neither way. A probe older than probe_timeout_s counts as failed:
  the next acquire opens the circuit again.
"""

from dataclasses import dataclass
from enum import Enum

from resilience.events import Cause, State
from resilience.policy import CircuitPolicy


class Outcome(Enum):
    """What a call says about the provider's health; NEUTRAL says nothing."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of state. `open_until` is on the caller's clock, None unless `to` is OPEN."""

    from_: State
    to: State
    cause: Cause
    failures: int
    open_until: float | None
    trigger_request_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; hand it back through `settle`. `state` is the circuit's state at the call."""

    generation: int
    slot: int
    request_id: str
    state: State
    transition: Transition | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """No call now. `retry_at`: the soonest useful time to ask again, on the caller's clock."""

    state: State
    retry_at: float
    transition: Transition | None = None


class Circuit:
    """The state machine described in this module's docstring."""

    __slots__ = (
        "_failed_ids",
        "_failures",
        "_generation",
        "_next_slot",
        "_open_until",
        "_policy",
        "_probes",
        "_state",
    )

    def __init__(self, policy: CircuitPolicy) -> None:
        self._policy = policy
        self._state = State.CLOSED
        self._generation = 0
        self._failures = 0
        self._failed_ids: list[str] = []  # the newest, at most `threshold` of them
        self._open_until = 0.0
        self._probes: dict[int, float] = {}  # slot -> when the probe began
        self._next_slot = 0

    def state(self, now: float) -> State:
        """The state as an observer should see it: OPEN ends at `open_until`, not at the next call."""
        if self._state is State.OPEN and now >= self._open_until:
            return State.HALF_OPEN
        return self._state

    @property
    def open_until(self) -> float | None:
        """When the current OPEN ends, on the caller's clock; None in other states."""
        return self._open_until if self._state is State.OPEN else None

    @property
    def failures(self) -> int:
        """Consecutive failures counted so far."""
        return self._failures

    def acquire(self, now: float, request_id: str = "") -> Permit | Rejection:
        """Ask for one call at `now`; either answer may carry the transition that asking caused."""
        if self._state is State.CLOSED:
            return Permit(self._generation, 0, request_id, State.CLOSED)
        transition = None
        if self._state is State.OPEN:
            if now < self._open_until:
                return Rejection(State.OPEN, self._open_until)
            transition = self._move(State.HALF_OPEN, Cause.COOLDOWN_ELAPSED)
        elif self._probes and now - min(self._probes.values()) >= self._policy.probe_timeout_s:
            transition = self._open(now, Cause.PROBE_TIMED_OUT)
            return Rejection(State.OPEN, self._open_until, transition)
        if len(self._probes) >= self._policy.probes:
            return Rejection(State.HALF_OPEN, min(self._probes.values()) + self._policy.probe_timeout_s)
        self._next_slot += 1
        self._probes[self._next_slot] = now
        return Permit(self._generation, self._next_slot, request_id, State.HALF_OPEN, transition)

    def settle(self, permit: Permit, outcome: Outcome, now: float) -> Transition | None:
        """Hand a permit back with its outcome; settling a permit of an earlier generation does nothing."""
        if permit.generation != self._generation:
            return None
        if self._state is State.CLOSED:
            if outcome is Outcome.SUCCESS:
                self._failures = 0
            elif outcome is Outcome.FAILURE:
                self._count_failure(permit)
                if self._failures >= self._policy.threshold:
                    return self._open(now, Cause.THRESHOLD)
            return None
        if self._probes.pop(permit.slot, None) is None:
            return None  # settled before
        if outcome is Outcome.SUCCESS:
            self._failures = 0
            return self._move(State.CLOSED, Cause.PROBE_SUCCEEDED)
        if outcome is Outcome.FAILURE:
            self._count_failure(permit)
            return self._open(now, Cause.PROBE_FAILED)
        return None

    def _count_failure(self, permit: Permit) -> None:
        if self._failures == 0:
            self._failed_ids.clear()
        self._failures += 1
        self._failed_ids.append(permit.request_id)
        del self._failed_ids[: -self._policy.threshold]

    def _open(self, now: float, cause: Cause) -> Transition:
        self._open_until = now + self._policy.cooldown_s
        return self._move(State.OPEN, cause)

    def _move(self, to: State, cause: Cause) -> Transition:
        from_, self._state = self._state, to
        self._generation += 1
        self._probes.clear()
        return Transition(
            from_=from_,
            to=to,
            cause=cause,
            failures=self._failures,
            open_until=self._open_until if to is State.OPEN else None,
            trigger_request_ids=tuple(dict.fromkeys(self._failed_ids)) if to is State.OPEN else (),
        )
