"""acquire + settle of one circuit, bare and behind its lock. Target: 2 us for the circuit.

The median of many batches, beside an empty method call of the same run, so that machines can be compared.
"""

import statistics
import time
import timeit

from resilience.breaker import Breaker
from resilience.circuit import Circuit, Outcome, Permit
from resilience.policy import CircuitPolicy

CALLS = 20_000
BATCHES = 15


class Nothing:
    """The yardstick."""

    def call(self) -> None:
        """Do nothing."""


def median_us(statement: object) -> float:
    """Median microseconds of one call."""
    return statistics.median(timeit.repeat(statement, number=CALLS, repeat=BATCHES)) / CALLS * 1e6  # type: ignore[call-overload]  # a callable


def main() -> None:
    """Measure and print."""
    circuit = Circuit(CircuitPolicy())
    breaker = Breaker("openrouter", CircuitPolicy(), lambda event: None, time.monotonic, time.time)

    def bare() -> None:
        permit = circuit.acquire(1.0, "r")
        if isinstance(permit, Permit):
            circuit.settle(permit, Outcome.SUCCESS, 1.0)

    def shared() -> None:
        permit = breaker.acquire("r")
        if isinstance(permit, Permit):
            breaker.settle(permit, Outcome.SUCCESS)

    nothing_us = median_us(Nothing().call)
    bare_us, shared_us = median_us(bare), median_us(shared)
    print(
        f"circuit: acquire + settle {bare_us:.2f} us (target 2), with lock and clock {shared_us:.2f} us, "
        f"ratio to an empty method call {bare_us / nothing_us:.0f} and {shared_us / nothing_us:.0f}"
    )


if __name__ == "__main__":
    main()
