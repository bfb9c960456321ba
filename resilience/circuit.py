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
- A permit counts once; settling it again does nothing.
- HALF_OPEN has `probes` slots. A neutral outcome (the call was cancelled, or the request itself was at
  fault) gives the slot back and counts neither way. A probe older than probe_timeout_s counts as failed:
  the next acquire opens the circuit again.
- Each probe that fails in a row doubles the next cooldown, up to max_cooldown_s.
- With recovery_successes above one, HALF_OPEN closes after that many probes; each success lets one more call
  through at once, so a provider that has just recovered is not met by everybody.
- `force` lets one probe through before the cooldown has ended, for a caller with nowhere else to go.
- By hand: `reset` closes it; `isolate` holds it OPEN until a time, whatever asks, `force` too; `release` ends that and
  lets the next call probe; `adopt` takes over an OPEN of an earlier process. `policy` may be replaced at any time:
  counts stay, and an OPEN that the new cooldown would have ended sooner ends sooner, never later.
- A transition names the requests that caused it: the failures in a row, or the probes, each once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

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


class Permit(NamedTuple):  # one is made per call, and a tuple is made in a quarter of a dataclass's time
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
        "_isolated",
        "_next_slot",
        "_open_until",
        "_opened_at",
        "_out",
        "_policy",
        "_recovered",
        "_reopened",
        "_state",
    )

    def __init__(self, policy: CircuitPolicy) -> None:
        self._policy = policy
        self._state = State.CLOSED
        self._generation = 0
        self._failures = 0
        self._failed_ids: list[str] = []  # of the failures in a row since the last transition
        self._open_until = 0.0
        self._opened_at = 0.0
        self._isolated = False
        self._reopened = 0  # probes failed in a row
        self._recovered = 0  # probes succeeded in this HALF_OPEN
        self._out: dict[int, tuple[float, str]] = {}  # slot -> when its call began, for which request
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
    def isolated(self) -> bool:
        """Whether somebody holds it OPEN; that ends at `open_until`, too."""
        return self._isolated

    @property
    def failures(self) -> int:
        """Consecutive failures counted so far."""
        return self._failures

    def opens_on_failure(self, permit: Permit) -> bool:
        """Whether settling this permit as a failure would open the circuit."""
        if permit.slot not in self._out:
            return False  # of an earlier state, or settled before
        return self._state is State.HALF_OPEN or self._failures + 1 >= self._policy.threshold

    def acquire(self, now: float, request_id: str = "") -> Permit | Rejection:
        """Ask for one call at `now`; either answer may carry the transition that asking caused."""
        transition = None
        if self._state is not State.CLOSED:
            gate = self._pass_gate(now, request_id)
            if isinstance(gate, Rejection):
                return gate
            transition = gate
        return self._admit(now, request_id, transition)

    def force(self, now: float, request_id: str = "") -> Permit | Rejection:
        """Like `acquire`, but an OPEN circuit whose cooldown has not ended lets this one call probe it."""
        if self._state is not State.OPEN or now >= self._open_until or self._isolated:
            return self.acquire(now, request_id)
        transition = self._move(State.HALF_OPEN, Cause.ALL_OPEN, [request_id])
        return self._admit(now, request_id, transition)

    def settle(self, permit: Permit, outcome: Outcome, now: float) -> Transition | None:
        """Hand a permit back with its outcome; settling a permit of an earlier generation does nothing."""
        if permit.generation != self._generation or self._out.pop(permit.slot, None) is None:
            return None  # of an earlier state, or settled before
        if outcome is Outcome.SUCCESS:
            self._failures = 0
            self._failed_ids.clear()
            if self._state is State.HALF_OPEN:
                self._recovered += 1
                if self._recovered >= self._policy.recovery_successes:
                    self._reopened = 0
                    return self._move(State.CLOSED, Cause.PROBE_SUCCEEDED, [permit.request_id])
        elif outcome is Outcome.FAILURE:
            self._failures += 1
            self._failed_ids.append(permit.request_id)
            if self._state is State.HALF_OPEN:
                self._reopened += 1
                return self._open(now, Cause.PROBE_FAILED, self._failed_ids)
            if self._failures >= self._policy.threshold:
                return self._open(now, Cause.THRESHOLD, self._failed_ids)
        return None

    def reset(self) -> Transition | None:
        """CLOSED from now on, with nothing counted; None if it was CLOSED already."""
        self._failures = 0
        self._failed_ids.clear()
        self._reopened = 0
        return None if self._state is State.CLOSED else self._move(State.CLOSED, Cause.MANUAL_RESET, ())

    def isolate(self, now: float, until: float) -> Transition:
        """OPEN until then, whatever the calls under way say; again with another time if it is isolated."""
        self._opened_at, self._open_until = now, until
        return self._move(State.OPEN, Cause.ISOLATED, ())

    def release(self, now: float) -> Transition | None:
        """End an isolation: the next call probes. None if it is not isolated (any more)."""
        if not self._isolated or self.state(now) is not State.OPEN:
            return None
        return self._move(State.HALF_OPEN, Cause.RELEASED, ())

    def adopt(self, now: float, open_until: float, failures: int, *, isolated: bool) -> Transition:
        """Go on with the OPEN of an earlier process; one that is over lets the next call probe."""
        self._failures = failures
        self._opened_at, self._open_until = now, open_until
        transition = self._move(State.OPEN, Cause.ADOPTED, ())
        self._isolated = isolated
        return transition

    def obey(self, policy: CircuitPolicy) -> None:
        """Follow another policy from now on."""
        self._policy = policy
        if self._state is State.OPEN and not self._isolated:
            self._open_until = min(self._open_until, self._opened_at + policy.cooldown_after_s(self._reopened))

    def _admit(self, now: float, request_id: str, transition: Transition | None) -> Permit:
        self._next_slot += 1
        self._out[self._next_slot] = (now, request_id)
        return Permit(self._generation, self._next_slot, request_id, self._state, transition)

    def _pass_gate(self, now: float, request_id: str) -> Transition | Rejection | None:
        # OPEN or HALF_OPEN: None, or the transition to HALF_OPEN, lets one probe through.
        if self._state is State.OPEN:
            if now < self._open_until:
                return Rejection(State.OPEN, self._open_until)
            return self._move(State.HALF_OPEN, Cause.COOLDOWN_ELAPSED, [request_id])
        bound = self._policy.probe_timeout_s
        hung = [probe_id for began, probe_id in self._out.values() if now - began >= bound]
        if hung:
            self._failures += len(hung)
            self._reopened += 1
            transition = self._open(now, Cause.PROBE_TIMED_OUT, hung)
            return Rejection(State.OPEN, self._open_until, transition)
        if len(self._out) >= self._policy.probes + self._recovered:
            return Rejection(State.HALF_OPEN, min(self._out.values())[0] + bound)
        return None

    def _open(self, now: float, cause: Cause, request_ids: Iterable[str]) -> Transition:
        self._opened_at = now
        self._open_until = now + self._policy.cooldown_after_s(self._reopened)
        return self._move(State.OPEN, cause, request_ids)

    def _move(self, to: State, cause: Cause, request_ids: Iterable[str]) -> Transition:
        from_, self._state = self._state, to
        transition = Transition(
            from_=from_,
            to=to,
            cause=cause,
            failures=self._failures,
            open_until=self._open_until if to is State.OPEN else None,
            trigger_request_ids=tuple(dict.fromkeys(request_ids)),
        )
        self._generation += 1
        self._isolated = cause is Cause.ISOLATED
        self._recovered = 0
        self._out.clear()
        self._failed_ids.clear()
        return transition
