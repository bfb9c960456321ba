"""The circuit against an independent model, under any history of questions, ends and waits."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from resilience.circuit import Circuit, Outcome, Permit, Rejection
from resilience.events import State
from resilience.policy import CircuitPolicy
from tests.resilience.circuit_model import Model, Ticket

# Whole seconds only, so that a boundary is hit exactly and no rounding hides behind it.
SECONDS = st.integers(0, 40)
POLICIES = st.builds(
    CircuitPolicy,
    threshold=st.integers(1, 4),
    cooldown_s=st.integers(1, 20),
    probes=st.integers(1, 4),
    probe_timeout_s=st.integers(1, 30),
    max_cooldown_s=st.integers(1, 60),
    recovery_successes=st.integers(1, 3),
)
REQUEST_IDS = st.sampled_from(["r1", "r2", "r3", "r4"])  # few, so that one request fails more than once


class CircuitAgainstModel(RuleBasedStateMachine):
    """Any history of questions, ends and waits gives the same answers from both."""

    calls = Bundle("calls")

    # Half of the histories begin after an outage, because that is where the rules are.
    @initialize(policy=POLICIES, already=st.sampled_from([State.CLOSED, State.OPEN, State.HALF_OPEN, State.HALF_OPEN]))
    def begin(self, policy: CircuitPolicy, already: State) -> None:
        self.now_s = 1000
        self.model = Model(policy)
        self.circuit = Circuit(policy)
        self.running: list[tuple[Permit, Ticket]] = []
        if already is not State.CLOSED:
            for _ in range(policy.threshold):
                self.a_call_is_made("r0", Outcome.FAILURE)
        if already is State.HALF_OPEN:
            self.the_cooldown_runs_out(before_s=0)
            self.ask("r5")

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.now_s += seconds

    @precondition(lambda self: self.model.state is State.OPEN)
    @rule(before_s=st.integers(0, 1))
    def the_cooldown_runs_out(self, before_s: int) -> None:
        self.now_s = max(self.now_s, self.model.open_until_s - before_s)

    @precondition(lambda self: self.model.state is State.HALF_OPEN and self.model.out)
    @rule(before_s=st.integers(0, 1))
    def a_probe_hangs_until_its_bound(self, before_s: int) -> None:
        self.now_s = max(self.now_s, self.model.ask_again_at_s() - before_s)

    @rule(target=calls, request_ids=st.lists(REQUEST_IDS, min_size=1, max_size=4))
    def calls_are_asked_for(self, request_ids: list[str]):
        calls = [self.ask(request_id) for request_id in request_ids]
        return multiple(*(call for call in calls if call is not None))

    @rule(request_id=REQUEST_IDS, outcome=st.sampled_from(Outcome))
    def a_call_is_made(self, request_id: str, outcome: Outcome) -> None:
        call = self.ask(request_id)
        if call is not None:
            self.settle(call, outcome)

    @precondition(lambda self: self.running)
    @rule(outcome=st.sampled_from(Outcome), which=st.integers(0, 7))
    def a_running_call_ends(self, outcome: Outcome, which: int) -> None:
        self.settle(self.running[which % len(self.running)], outcome)

    # Not consumed: the same permit may come back again, late, and in any order.
    @rule(call=calls, outcome=st.sampled_from(Outcome))
    def any_call_ends(self, call: tuple[Permit, Ticket], outcome: Outcome) -> None:
        self.settle(call, outcome)

    @rule()
    def somebody_resets_it(self) -> None:
        assert self.circuit.reset() == self.model.close()
        self.drop_calls_that_no_longer_count()

    @rule(seconds=st.integers(1, 60))
    def somebody_isolates_it(self, seconds: int) -> None:
        assert self.circuit.isolate(self.now_s, self.now_s + seconds) == self.model.hold(
            self.now_s + seconds, self.now_s
        )
        self.drop_calls_that_no_longer_count()

    @rule()
    def somebody_releases_it(self) -> None:
        assert self.circuit.release(self.now_s) == self.model.let_go(self.now_s)
        self.drop_calls_that_no_longer_count()

    @precondition(lambda self: self.model.isolated)
    @rule()
    def a_forced_probe_finds_an_isolated_circuit_shut(self) -> None:
        if self.model.seen_at(self.now_s) is State.OPEN:
            assert isinstance(self.circuit.force(self.now_s, "r9"), Rejection)

    @rule(policy=POLICIES)
    def it_gets_another_policy(self, policy: CircuitPolicy) -> None:
        self.circuit.obey(policy)
        self.model.follow(policy)

    def drop_calls_that_no_longer_count(self) -> None:
        self.running = [call for call in self.running if call[1].counts]

    def ask(self, request_id: str) -> tuple[Permit, Ticket] | None:
        ticket, transition = self.model.ask(request_id, self.now_s)
        self.running = [call for call in self.running if call[1].counts]

        answer = self.circuit.acquire(self.now_s, request_id)

        assert answer.transition == transition
        assert answer.state is self.model.state
        if ticket is None:
            assert isinstance(answer, Rejection)
            assert answer.retry_at == self.model.ask_again_at_s()
            return None
        assert isinstance(answer, Permit)
        assert answer.request_id == request_id
        self.running.append((answer, ticket))
        return answer, ticket

    def settle(self, call: tuple[Permit, Ticket], outcome: Outcome) -> None:
        permit, ticket = call
        counts, before = ticket.counts, self.visible()
        would_open = self.circuit.opens_on_failure(permit)
        transition = self.model.report(ticket, outcome, self.now_s)

        assert self.circuit.settle(permit, outcome, self.now_s) == transition
        if outcome is Outcome.FAILURE:
            assert would_open == (transition is not None)
        self.running = [call for call in self.running if call[1].counts]
        if not counts:
            assert self.visible() == before

    @invariant()
    def both_show_the_same(self) -> None:
        in_a_row = len(self.model.failed_in_a_row)
        assert self.visible() == (self.model.seen_at(self.now_s), self.model.open_until_s, in_a_row)
        assert self.circuit.isolated == self.model.isolated

    def visible(self) -> tuple[State, float | None, int]:
        return self.circuit.state(self.now_s), self.circuit.open_until, self.circuit.failures


class ProbeBudget(RuleBasedStateMachine):
    """HALF_OPEN never has more probes out than its budget, counted from the permits alone."""

    calls = Bundle("calls")

    @initialize(policy=POLICIES)
    def begin(self, policy: CircuitPolicy) -> None:
        self.now_s = 0
        self.policy = policy
        self.circuit = Circuit(policy)
        self.out: set[Permit] = set()
        for _ in range(policy.threshold):
            self.circuit.settle(self.circuit.acquire(self.now_s), Outcome.FAILURE, self.now_s)
        assert self.circuit.state(self.now_s) is State.OPEN

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.now_s += seconds

    @rule(target=calls, callers=st.integers(1, 12))
    def many_ask_at_once(self, callers: int):
        admitted = []
        for _ in range(callers):
            may_probe = self.circuit.state(self.now_s) is State.HALF_OPEN and not self.out
            answer = self.circuit.acquire(self.now_s)
            assert isinstance(answer, Permit) or not may_probe
            if answer.transition is not None:
                self.out.clear()
            if isinstance(answer, Permit) and answer.state is State.HALF_OPEN:
                self.out.add(answer)
                admitted.append(answer)
            assert len(self.out) <= self.policy.probes + self.policy.recovery_successes - 1
        return multiple(*admitted)

    @rule(permit=calls, outcome=st.sampled_from(Outcome))
    def one_ends(self, permit: Permit, outcome: Outcome) -> None:
        self.out.discard(permit)
        if self.circuit.settle(permit, outcome, self.now_s) is not None:
            self.out.clear()


TestCircuitAgainstModel = CircuitAgainstModel.TestCase
TestCircuitAgainstModel.settings = settings(max_examples=250, stateful_step_count=30, deadline=None)
TestProbeBudget = ProbeBudget.TestCase
TestProbeBudget.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
