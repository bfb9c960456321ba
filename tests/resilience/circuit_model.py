"""The circuit once more, by docs/events.md and ARCHITECTURE.md alone, and naive on purpose.

The model keeps what a person would write down: the failures in a row, who is out on a probe and since when,
and which permits still count. It knows no generations: a permit counts as long as nobody has crossed it out.
"""

from dataclasses import dataclass, field

from resilience.circuit import Outcome, Transition
from resilience.events import Cause, State
from resilience.policy import CircuitPolicy


@dataclass
class Ticket:
    """The model's permit: who asked, when, in which state; `counts` until a transition crosses it out."""

    request_id: str
    at_s: float
    state: State
    counts: bool = True


@dataclass
class Model:
    """The circuit as a list of facts. A transition names the requests whose calls, or whose asking, caused it."""

    policy: CircuitPolicy
    state: State = State.CLOSED
    failed_in_a_row: list[str] = field(default_factory=list)
    open_until_s: float | None = None
    out: list[Ticket] = field(default_factory=list)
    lost_probes: int = 0  # openings by a probe since the circuit was last CLOSED
    good_probes: int = 0  # of this HALF_OPEN
    opened_s: float = 0.0
    isolated: bool = False

    def seen_at(self, now_s: float) -> State:
        """The state that an observer is shown: a cooldown that has run out is no longer OPEN."""
        if self.state is State.OPEN and now_s >= self.open_until_s:
            return State.HALF_OPEN
        return self.state

    def ask(self, request_id: str, now_s: float) -> tuple[Ticket | None, Transition | None]:
        """A ticket, or None for a rejection; and the transition that the question caused."""
        transition = None
        if self.state is State.OPEN and now_s >= self.open_until_s:
            transition = self._move(State.HALF_OPEN, Cause.COOLDOWN_ELAPSED, (request_id,))
        elif hung := self._hung(now_s):
            self.failed_in_a_row += [ticket.request_id for ticket in hung]
            transition = self._open(now_s, Cause.PROBE_TIMED_OUT, tuple(ticket.request_id for ticket in hung))
        if self.state is State.OPEN:
            return None, transition
        if self.state is State.HALF_OPEN and len(self.out) >= self.policy.probes + self.good_probes:
            return None, transition
        ticket = Ticket(request_id, now_s, self.state)
        self.out.append(ticket)
        return ticket, transition

    def ask_again_at_s(self) -> float:
        """The soonest time at which a rejected caller can hope for another answer."""
        if self.state is State.OPEN:
            return self.open_until_s
        return min(ticket.at_s for ticket in self.out) + self.policy.probe_timeout_s

    def report(self, ticket: Ticket, outcome: Outcome, now_s: float) -> Transition | None:
        """What a call's end changes; nothing at all for a ticket that no longer counts."""
        if not ticket.counts:
            return None
        ticket.counts = False
        self.out.remove(ticket)
        if outcome is Outcome.NEUTRAL:
            return None
        if outcome is Outcome.SUCCESS:
            self.failed_in_a_row = []
            if self.state is State.CLOSED:
                return None
            self.good_probes += 1
            if self.good_probes < self.policy.recovery_successes:
                return None
            return self._move(State.CLOSED, Cause.PROBE_SUCCEEDED, (ticket.request_id,))
        self.failed_in_a_row.append(ticket.request_id)
        if self.state is State.HALF_OPEN:
            return self._open(now_s, Cause.PROBE_FAILED, (ticket.request_id,))
        if len(self.failed_in_a_row) >= self.policy.threshold:
            return self._open(now_s, Cause.THRESHOLD, tuple(self.failed_in_a_row))
        return None

    def close(self) -> Transition | None:
        """Somebody resets it: CLOSED, and all is forgotten; the calls of a CLOSED circuit go on counting."""
        self.failed_in_a_row = []
        return None if self.state is State.CLOSED else self._move(State.CLOSED, Cause.MANUAL_RESET, ())

    def hold(self, until_s: float, now_s: float) -> Transition:
        """Somebody isolates it."""
        self.open_until_s, self.opened_s = until_s, now_s
        transition = self._move(State.OPEN, Cause.ISOLATED, ())
        self.isolated = True
        return transition

    def let_go(self, now_s: float) -> Transition | None:
        """Somebody ends the isolation, if there still is one."""
        if not (self.isolated and now_s < self.open_until_s):
            return None
        return self._move(State.HALF_OPEN, Cause.RELEASED, ())

    def follow(self, policy: CircuitPolicy) -> None:
        """Another policy: what is OPEN by its own failures never stays so for longer than the new one says."""
        self.policy = policy
        if self.state is State.OPEN and not self.isolated:
            self.open_until_s = min(self.open_until_s, self.opened_s + self._wait_s())

    def _hung(self, now_s: float) -> list[Ticket]:
        if self.state is not State.HALF_OPEN:
            return []
        return [ticket for ticket in self.out if now_s - ticket.at_s >= self.policy.probe_timeout_s]

    def _open(self, now_s: float, cause: Cause, request_ids: tuple[str, ...]) -> Transition:
        self.lost_probes += cause is not Cause.THRESHOLD
        self.opened_s = now_s
        self.open_until_s = now_s + self._wait_s()
        return self._move(State.OPEN, cause, request_ids)

    def _wait_s(self) -> float:
        wait_s = self.policy.cooldown_s
        for _ in range(self.lost_probes):
            wait_s = min(wait_s * 2, max(self.policy.max_cooldown_s, self.policy.cooldown_s))
        return wait_s

    def _move(self, to: State, cause: Cause, request_ids: tuple[str, ...]) -> Transition:
        came_from, self.state = self.state, to
        self.isolated = False
        if to is not State.OPEN:
            self.open_until_s = None
        if to is State.CLOSED:
            self.lost_probes = 0
        for ticket in self.out:
            ticket.counts = False
        self.out = []
        self.good_probes = 0
        once_each = tuple(dict.fromkeys(request_ids))
        return Transition(came_from, to, cause, len(self.failed_in_a_row), self.open_until_s, once_each)
