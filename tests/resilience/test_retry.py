"""The table of treatments and the waits between tries."""

import random
from pathlib import Path

from resilience.events import Reason
from resilience.policy import RetryPolicy
from resilience.retry import TREATMENTS, backoff_delay_s


def test_each_reason_has_its_row() -> None:
    assert set(TREATMENTS) == set(Reason)


def test_waits_are_drawn_from_zero_to_a_doubling_ceiling() -> None:
    policy = RetryPolicy(max_retries=8, base_delay_s=1.0, max_delay_s=30.0)
    rng = random.Random(7)

    for retry, ceiling in enumerate([1, 2, 4, 8, 16, 30, 30], start=1):
        waits = [backoff_delay_s(policy, retry, rng) for _ in range(2000)]

        assert 0 <= min(waits) < 0.05 * ceiling
        assert 0.95 * ceiling < max(waits) <= ceiling


def test_the_same_seed_gives_the_same_waits() -> None:
    policy = RetryPolicy()

    assert [backoff_delay_s(policy, n, random.Random(3)) for n in (1, 2)] == [
        backoff_delay_s(policy, n, random.Random(3)) for n in (1, 2)
    ]


def test_the_documented_table_is_the_one_in_the_code() -> None:
    text = (Path(__file__).parents[2] / "docs" / "faults.md").read_text().partition("## The catalogue")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]

    documented = {row[0]: tuple(row[2:]) for row in rows[1:]}

    assert documented == {
        str(reason): (
            "last" if t.patient else "yes" if t.retry else "no",
            "yes" if t.fall_back else "no",
            t.outcome.value,
        )
        for reason, t in TREATMENTS.items()
    }
