"""Costs are counted in work here, not in time: a guard that only measures lengths tells what it was given."""

import pytest

from resilience.guards.evaluation import cost
from resilience.guards.evaluation.report import Target


def test_a_median_is_taken_over_pieces_of_two_kilobytes() -> None:
    lengths: list[int] = []

    cost.median_ms(lambda text: lengths.append(len(text)), ["a" * 900] * 10)

    assert set(lengths) == {2000}
    assert len(lengths) == 1 + 4  # the first call is not counted


def test_hostile_texts_are_the_same_for_one_seed_and_all_of_one_length() -> None:
    one, same, other = (list(cost.hostile(seed, 150, 500)) for seed in (1, 1, 2))

    assert one == same
    assert one != other
    assert {len(text) for text in one} <= set(range(490, 501))


def test_the_dearest_text_is_found() -> None:
    def dear(text: str) -> int:
        return sum(range(200_000)) if text.startswith("@@") else 0

    assert cost.worst(dear, texts=80, length=100).text.startswith("@@")


def test_without_a_text_there_is_no_cost() -> None:
    with pytest.raises(ValueError, match="must hold a character"):
        cost.median_ms(len, [])


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("recall", 0.9, low=0.9), True),
        (Target("recall", 0.89, low=0.9), False),
        (Target("flagged", 0.02, high=0.01), False),
        (Target("recall", None, low=0.9), None),
    ],
)
def test_a_target_is_met_within_its_bounds(target: Target, met: bool | None) -> None:
    assert target.met is met
