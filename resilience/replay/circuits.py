"""The circuits of one process made again from its log: the same attempts, in the same order, give the same transitions.

The log tells an attempt when it ends; its beginning is that time less its length. Which state of the circuit an attempt
began in, the line says itself, and the time only picks one of several such states. The order of the lines decides the
rest. What no line tells (a call under way at the log's end that became the probe; whoever found a probe hung) is taken
from the transition that it caused; docs/whatif.md lists these.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from resilience.circuit import Circuit, Outcome, Permit, Rejection, Transition
from resilience.errors import Failure
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    Event,
    FellBack,
    Origin,
    ProvidersExhausted,
    Reason,
    State,
)
from resilience.policy import AllOpen
from resilience.replay.life import Life
from resilience.replay.settings import UNKNOWN
from resilience.retry import treatment

NEAR_S = 0.05
"""A line is written a little after what it tells, with its time cut to milliseconds: nearer than this, the log's word on
whether a call was let through counts more than its times."""

_BY_HAND = (Cause.MANUAL_RESET, Cause.ISOLATED, Cause.RELEASED, Cause.ADOPTED)


@dataclass(frozen=True, slots=True)
class Change:
    """One transition, as logged or as made again. Times are seconds since the epoch."""

    provider: str
    from_: State
    to: State
    cause: Cause
    failures: int
    trigger_request_ids: tuple[str, ...]
    at_s: float = field(compare=False)
    open_until_s: float | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The transitions of one process as logged and as made again, in order.

    left_out: logged ones before the state of their circuit is known (the log's beginning is missing); known: the log
    says the settings.
    """

    origin: Origin
    logged: tuple[Change, ...]
    made: tuple[Change, ...]
    left_out: int
    known: bool

    @property
    def exact(self) -> bool:
        """Whether both are the same but for their times."""
        return self.logged == self.made

    @property
    def first_difference(self) -> tuple[Change | None, Change | None] | None:
        """The first pair (logged, made) that differs, None in the place of one that is missing."""
        for logged, made in zip(self.logged, self.made, strict=False):
            if logged != made:
                return logged, made
        shared = min(len(self.logged), len(self.made))
        if len(self.logged) == len(self.made):
            return None
        return next(iter(self.logged[shared:]), None), next(iter(self.made[shared:]), None)

    @property
    def farthest_s(self) -> float:
        """The greatest distance in time of a pair, of its end of OPEN too, in seconds."""
        pairs = [(a.at_s, b.at_s) for a, b in zip(self.logged, self.made, strict=False)]
        pairs += [
            (a.open_until_s, b.open_until_s)
            for a, b in zip(self.logged, self.made, strict=False)
            if a.open_until_s is not None and b.open_until_s is not None
        ]
        return max((abs(a - b) for a, b in pairs), default=0.0)


def reproduced(life: Life) -> Reproduction:
    """The process's circuits, made again under the settings that its log tells."""
    lines = [(position, record.at.timestamp(), record.event) for position, record in enumerate(life.records)]
    names = dict.fromkeys(name for _, _, event in lines for name in _concerned(event))
    logged: list[tuple[int, Change]] = []
    made: list[tuple[int, Change]] = []
    left_out = 0
    for name in names:
        again = _Again(name, lines, whole=life.whole)
        again.run()
        logged += again.logged
        made += again.made
        left_out += again.left_out
    in_force = UNKNOWN
    for _, _, event in lines:
        in_force = in_force.after(event)
    return Reproduction(life.origin, _ordered(logged), _ordered(made), left_out, in_force.known)


def _ordered(changes: list[tuple[int, Change]]) -> tuple[Change, ...]:
    return tuple(change for _, change in sorted(changes, key=lambda item: item[0]))


def _concerned(event: Event) -> Iterator[str]:
    match event:
        case AttemptFinished() | CircuitChanged():
            yield event.provider
        case FellBack(reason=Reason.CIRCUIT_OPEN):
            yield event.from_provider


@dataclass(eq=False, slots=True)
class _Call:
    """An attempt of the log. place: how many logged transitions came before its call."""

    position: int
    begin_s: float
    event: AttemptFinished
    place: int
    permit: Permit | None = None
    begun: bool = False


class _Again:
    """One provider's circuit, fed line by line."""

    def __init__(self, provider: str, lines: Sequence[tuple[int, float, Event]], *, whole: bool) -> None:
        self.logged: list[tuple[int, Change]] = []
        self.made: list[tuple[int, Change]] = []
        self.left_out = 0
        self._provider = provider
        self._lines = lines
        self._in_force = UNKNOWN
        self._config = UNKNOWN.config()
        self._circuit = Circuit(self._config.circuit)
        self._sure = whole  # whether the circuit is known to be as it was
        self._lost = False
        self._place = 0
        self._calls = {call.position: call for call in _placed(provider, lines)}
        self._waiting: dict[int, list[_Call]] = {}
        for call in sorted(self._calls.values(), key=lambda call: call.begin_s):
            self._waiting.setdefault(call.place, []).append(call)

    def run(self) -> None:
        """All lines, in order."""
        for position, at_s, event in self._lines:
            match event:
                case AttemptFinished() if event.provider == self._provider:
                    self._ended(position, at_s)
                case CircuitChanged() if event.provider == self._provider:
                    self._changed(position, at_s, event)
                case FellBack(from_provider=self._provider, reason=Reason.CIRCUIT_OPEN):
                    self._refused(position, at_s, event.request_id)
                case ProvidersExhausted() if _refused_last(event) == self._provider:
                    self._refused(position, at_s, event.request_id)
                case _:
                    self._follow(event)

    def _follow(self, event: Event) -> None:
        in_force = self._in_force.after(event)
        if in_force is not self._in_force:
            self._in_force, self._config = in_force, in_force.config()
            self._circuit.obey(self._config.circuit)

    def _ended(self, position: int, at_s: float) -> None:
        if self._lost:
            return
        self._begin_until(position, at_s)
        call = self._calls[position]
        if not call.begun and call.place == self._place:
            self._begin(call, position)
        if call.permit is None:
            return
        outcome = _outcome(call.event)
        self._sure = self._sure or (outcome is Outcome.SUCCESS and call.permit.state is State.CLOSED)
        self._keep(position, at_s, self._circuit.settle(call.permit, outcome, at_s))

    def _refused(self, position: int, at_s: float, request_id: str) -> None:
        if self._lost:
            return
        self._begin_until(position, at_s)
        open_until = self._circuit.open_until
        if open_until is not None and open_until <= at_s < open_until + NEAR_S:
            return  # too near to say: the log says that it was still OPEN
        answer = self._circuit.acquire(at_s, request_id)
        self._keep(position, at_s, answer.transition)
        if isinstance(answer, Permit):
            self._circuit.settle(answer, Outcome.NEUTRAL, at_s)

    def _changed(self, position: int, at_s: float, event: CircuitChanged) -> None:
        if not self._sure:
            self.left_out += 1
            self.made.clear()
            self._lost, self._place = True, self._place + 1
            if event.to is State.CLOSED:  # nothing is counted then: from here on it is known
                self._circuit = Circuit(self._config.circuit)
                self._sure, self._lost = True, False
            return
        self.logged.append((position, _logged(event, at_s)))
        self._begin_until(position, float("inf"))
        match event.cause:
            case Cause.COOLDOWN_ELAPSED | Cause.ALL_OPEN:
                self._probe(position, at_s, event)
            case Cause.PROBE_TIMED_OUT:
                answer = self._circuit.acquire(at_s)
                if isinstance(answer, Rejection) and answer.transition is None:
                    answer = self._circuit.acquire(at_s + NEAR_S)
                self._keep(position, at_s, answer.transition)
            case cause if cause in _BY_HAND:
                self._keep(position, at_s, self._by_hand(at_s, event), event)
        self._place += 1

    def _probe(self, position: int, at_s: float, event: CircuitChanged) -> None:
        """The call that became the first probe; its line comes later, or never."""
        for call in self._waiting.get(self._place + 1, ()):
            if call.event.request_id in event.trigger_request_ids:
                self._begin(call, position)
                return
        for request_id in event.trigger_request_ids[:1]:
            self._keep(position, at_s, self._ask(at_s, request_id).transition)

    def _by_hand(self, at_s: float, event: CircuitChanged) -> Transition | None:
        until_s = at_s if event.open_until is None else event.open_until.timestamp()
        match event.cause:
            case Cause.MANUAL_RESET:
                return self._circuit.reset()
            case Cause.ISOLATED:
                return self._circuit.isolate(at_s, until_s)
            case Cause.RELEASED:
                return self._circuit.release(at_s)
        isolated = event.actor is not None and until_s > at_s  # of what is kept, only isolations have an actor
        return self._circuit.adopt(at_s, until_s, event.failures, isolated=isolated)

    def _begin_until(self, position: int, at_s: float) -> None:
        waiting = self._waiting.get(self._place, [])
        for call in waiting:
            if call.begin_s > at_s:
                break
            self._begin(call, position)
        self._waiting[self._place] = [call for call in waiting if not call.begun]

    def _begin(self, call: _Call, position: int) -> None:
        if call.begun:
            return
        answer = self._ask(call.begin_s, call.event.request_id)
        self._keep(position, call.begin_s, answer.transition)
        if isinstance(answer, Permit):  # else once more after the next line: a slot may be free by then
            call.permit, call.begun = answer, True

    def _ask(self, at_s: float, request_id: str) -> Permit | Rejection:
        """A call that the log says was let through."""
        open_until = self._circuit.open_until
        if open_until is not None and open_until - NEAR_S < at_s < open_until:
            at_s = open_until
        if self._config.choices.all_open is AllOpen.PROBE:
            return self._circuit.force(at_s, request_id)
        return self._circuit.acquire(at_s, request_id)

    def _keep(
        self, position: int, at_s: float, transition: Transition | None, by_hand: CircuitChanged | None = None
    ) -> None:
        if transition is None:
            return
        change = Change(
            provider=self._provider,
            from_=transition.from_,
            to=transition.to,
            cause=transition.cause,
            failures=transition.failures,
            # Who takes over an OPEN names the requests of its cause, which an earlier process saw.
            trigger_request_ids=by_hand.trigger_request_ids if by_hand else transition.trigger_request_ids,
            at_s=at_s,
            open_until_s=transition.open_until,
        )
        self.made.append((position, change))


def _placed(provider: str, lines: Sequence[tuple[int, float, Event]]) -> Iterator[_Call]:
    """The provider's attempts, each with the state of its circuit that it began in."""
    changes = [
        (position, at_s, event.to)
        for position, at_s, event in lines
        if isinstance(event, CircuitChanged) and event.provider == provider
    ]
    states = [State.CLOSED, *(to for _, _, to in changes)]
    positions = [-1, *(position for position, _, _ in changes)]
    times = [float("-inf"), *(at_s for _, at_s, _ in changes), float("inf")]
    spans = list(pairwise(times))
    for position, at_s, event in lines:
        if isinstance(event, AttemptFinished) and event.provider == provider:
            begin_s = at_s - event.generation_time_ms / 1000
            last = bisect_right(positions, position) - 1
            yield _Call(position, begin_s, event, _place(begin_s, event.circuit, spans, states, last))


def _place(
    begin_s: float, state: State, spans: Sequence[tuple[float, float]], states: Sequence[State], last: int
) -> int:
    best, distance = last, float("inf")
    for place in range(last, -1, -1):
        start_s, end_s = spans[place]
        if states[place] is state:
            away_s = max(start_s - begin_s, begin_s - end_s, 0.0)
            if away_s < distance:
                best, distance = place, away_s
        if begin_s - start_s > distance:  # earlier ones are farther away
            break
        if distance == 0.0:
            break
    return best


def _refused_last(event: ProvidersExhausted) -> str | None:
    """The provider whose circuit ended this walk; earlier refusals have a FALLBACK line of their own."""
    tried = [step for step in event.tried if step.reason is not Reason.MISSING_API_KEY]
    return tried[-1].provider if tried and tried[-1].reason is Reason.CIRCUIT_OPEN else None


def _logged(event: CircuitChanged, at_s: float) -> Change:
    until_s = None if event.open_until is None else event.open_until.timestamp()
    return Change(
        event.provider, event.from_, event.to, event.cause, event.failures, event.trigger_request_ids, at_s, until_s
    )


def _outcome(event: AttemptFinished) -> Outcome:
    match event.status:
        case AttemptStatus.SUCCESS:
            return Outcome.SUCCESS
        case AttemptStatus.CANCELLED:
            return Outcome.NEUTRAL
    return treatment(Failure(event.reason or Reason.SERVER_ERROR, event.http_status)).outcome
