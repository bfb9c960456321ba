"""What-if predictions against the truth: `python -m tests.bench.whatif_truth [CASES] [FIRST] [-v]`.

Each case is an incident drawn at random, played under a policy A and again, with the same callers and the same
providers, under a policy B. B's numbers are predicted from A's log alone and compared with B's own.
"""

import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.whatif.prediction import Interval, predicted, reality
from dashboard.whatif.summary import Summary
from resilience.replay import Past, lives, past
from resilience.simulator.profiles import PROFILES
from resilience.simulator.scenario import Scenario
from tests.resilience.random_incidents import FOR_GOOD, USUAL, drawn_scenario, fated

CASES = 200
FIRST = 2000
"""Earlier ones were used to choose the constants of drawing.py, these were not."""
DURATION_S = 400.0
RPS = 0.5
LITTLE = 0.01
NUMBERS = ("success_rate", "p95_ms", "fallback_rate", "wasted_s", "openings")


@dataclass(frozen=True)
class Case:
    """One prediction and its truth."""

    seed: int
    changes: dict[str, str]
    order: tuple[str, ...]
    before: Summary
    truth: Summary
    numbers: dict[str, Interval]
    drawn: float
    unknown: float

    def holds(self, name: str) -> bool:
        """Whether the interval holds the truth; a thousandth of it is no miss."""
        told, value = self.numbers[name], getattr(self.truth, name)
        if told.low is None or told.high is None or value is None:
            return value is None
        return told.low - 1e-3 * abs(value) <= value <= told.high + 1e-3 * abs(value)


def policies(rng: random.Random) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """Policy A, what B changes of it, and B's order if it is another one."""
    choices = {
        "METIS_LLM_CIRCUIT_THRESHOLD": ("1", "2", "3", "5", "8"),
        "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": ("10", "30", "60", "120"),
        "METIS_LLM_TIMEOUT_SECONDS": ("10", "20", "45"),
        "METIS_LLM_MAX_RETRIES": ("0", "1", "3"),
        "METIS_LLM_RETRY_BASE_DELAY": ("0.5", "1", "2"),
    }
    before = {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.5}
    after = {name: rng.choice(choices[name]) for name in rng.sample(sorted(choices), rng.randint(1, 2))}
    order = tuple(rng.sample(sorted(PROFILES), len(PROFILES))) if rng.random() < 0.2 else ()
    return before, after, order


def case(seed: int, draws: int = 20, duration_s: float = DURATION_S, rps: float = RPS) -> Case:
    """One case, the same for the same seed."""
    rng = random.Random(f"whatif:{seed}")
    scenario = drawn_scenario(rng, duration_s, rps, [name for name in USUAL if name not in FOR_GOOD], elsewhere=1)
    before, changes, order = policies(rng)
    ordered = {"METIS_LLM_PROVIDER_ORDER": ",".join(order)} if order else {}
    recorded = _past(scenario, seed, before)
    truth = reality([_past(scenario, seed, before | changes | ordered)])
    told = predicted([recorded], changes, order, draws=draws, seed=seed)
    return Case(seed, changes, order, told.reality, truth, dict(told.numbers), told.drawn, told.unknown)


def _past(scenario: Scenario, seed: int, settings: dict[str, str]) -> Past:
    [life] = lives(fated(scenario, seed, settings))
    return past(life)


def report(cases: list[Case]) -> Iterator[str]:
    """The figures of docs/whatif.md: of all cases, and of those about which hardly anything was unknown."""
    known = [each for each in cases if each.unknown <= LITTLE]
    yield f"{len(cases)} cases, {sum(bool(each.order) for each in cases)} of them with another order"
    yield from (figures(cases, name) for name in NUMBERS)
    yield f"{len(known)} of them with at most {LITTLE:.0%} of the calls unknown"
    yield from (figures(known, name) for name in NUMBERS)


def figures(cases: list[Case], name: str) -> str:
    """Of one number: error of the prediction, error of supposing that nothing changes, coverage, width."""
    pairs = [(each.numbers[name], getattr(each.truth, name), getattr(each.before, name)) for each in cases]
    told = [(each, truth, before) for each, truth, before in pairs if None not in (each.low, truth, before)]
    errors = [abs(each.middle - truth) for each, truth, _ in told]
    nothing = [abs(before - truth) for _, truth, before in told]
    widths = [each.high - each.low for each, _, _ in told]
    held = statistics.mean(each.holds(name) for each in cases)
    return (
        f"  {name}: error median {statistics.median(errors):.4g}, mean {statistics.mean(errors):.4g}, 9 of 10 below "
        f"{statistics.quantiles(errors, n=10)[-1]:.4g}; if nothing changed: mean {statistics.mean(nothing):.4g}, "
        f"9 of 10 below {statistics.quantiles(nothing, n=10)[-1]:.4g}; held {held:.1%}; "
        f"width median {statistics.median(widths):.4g}, mean {statistics.mean(widths):.4g}"
    )


def main() -> None:
    """All cases; the figures, and each case that an interval misses."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    count, first = [*numbers, CASES, FIRST][:2] if len(numbers) != 1 else (numbers[0], FIRST)
    cases = [case(seed) for seed in range(first, first + count)]
    for line in report(cases):
        print(line)
    if "-v" in sys.argv:
        for each in cases:
            missed = [name for name in NUMBERS if not each.holds(name)]
            if missed:
                print(each.seed, each.changes, each.order, f"{each.drawn:.3f} {each.unknown:.3f}")
                for name in missed:
                    print("   ", name, getattr(each.before, name), each.numbers[name], getattr(each.truth, name))


if __name__ == "__main__":
    main()
