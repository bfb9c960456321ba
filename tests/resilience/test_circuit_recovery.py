"""How a circuit finds back: longer waits while probes fail, traffic step by step once they succeed."""

from resilience.circuit import Circuit, Outcome, Permit
from resilience.events import State
from resilience.policy import CircuitPolicy


def permits(circuit: Circuit, now: float) -> list[Permit]:
    """As many calls as the circuit lets through at once."""
    admitted = []
    while isinstance(permit := circuit.acquire(now), Permit):
        admitted.append(permit)
    return admitted


def opened(policy: CircuitPolicy) -> Circuit:
    circuit = Circuit(policy)
    permit = circuit.acquire(0.0)
    assert isinstance(permit, Permit)
    circuit.settle(permit, Outcome.FAILURE, 0.0)
    return circuit


def test_each_failed_probe_doubles_the_wait_up_to_the_cap() -> None:
    circuit = opened(CircuitPolicy(threshold=1, cooldown_s=60, max_cooldown_s=300))

    waits, now = [], 0.0
    for _ in range(5):
        assert circuit.open_until is not None
        waits.append(circuit.open_until - now)
        now = circuit.open_until
        [probe] = permits(circuit, now)
        circuit.settle(probe, Outcome.FAILURE, now)

    assert waits == [60, 120, 240, 300, 300]


def test_a_circuit_that_closed_begins_with_the_short_wait_again() -> None:
    circuit = opened(CircuitPolicy(threshold=1, cooldown_s=60))
    [failed] = permits(circuit, 60)
    circuit.settle(failed, Outcome.FAILURE, 60)

    [probe] = permits(circuit, 180)
    circuit.settle(probe, Outcome.SUCCESS, 180)
    permit = circuit.acquire(200)
    assert isinstance(permit, Permit)
    circuit.settle(permit, Outcome.FAILURE, 200)

    assert circuit.open_until == 260


def test_one_good_probe_gives_all_traffic_back() -> None:
    circuit = opened(CircuitPolicy(threshold=1, cooldown_s=60))

    [probe] = permits(circuit, 60)
    circuit.settle(probe, Outcome.SUCCESS, 61)

    assert circuit.state(61) is State.CLOSED


def test_by_a_setting_traffic_comes_back_step_by_step() -> None:
    circuit = opened(CircuitPolicy(threshold=1, cooldown_s=60, recovery_successes=3))

    under_way, at_once = permits(circuit, 60), []
    while circuit.state(60) is State.HALF_OPEN:
        at_once.append(len(under_way))
        circuit.settle(under_way.pop(0), Outcome.SUCCESS, 60)
        if circuit.state(60) is State.HALF_OPEN:
            under_way += permits(circuit, 60)

    assert at_once == [1, 2, 3]
    assert circuit.state(60) is State.CLOSED
