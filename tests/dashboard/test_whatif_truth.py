"""Predictions against the truth, in few and small cases; `python -m tests.bench.whatif_truth` takes 200."""

import statistics

from tests.bench.whatif_truth import case


def test_twenty_predictions_hold_the_truth_of_another_policy() -> None:
    cases = [case(seed, duration_s=120.0) for seed in range(20)]

    for name in ("success_rate", "p95_ms"):
        assert sum(each.holds(name) for each in cases) >= 17, name
    errors = [abs(each.numbers["success_rate"].middle - each.truth.success_rate) for each in cases if not each.order]
    assert statistics.median(errors) < 0.01
    assert any(each.drawn > 0 for each in cases)
