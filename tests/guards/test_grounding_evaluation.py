"""The measurement of the grounding check, on rows made here, and the growth of its cost."""

from random import Random

import pytest

from resilience.guards.evaluation.cost import cost_ms
from resilience.guards.evaluation.grounding import Share, _hostile, claims, evaluate, shares
from resilience.guards.evaluation.perturbations import CHANGED, FAITHFUL
from resilience.guards.folding import words

EVIDENCE = [
    "The old lighthouse of Port Ellen was built by Thomas Stevens in June 1832 for £4,200, and it was not used after the war.",
    "Three of its keepers, among them Mary Logan, could see all of the bay from the upper room, where no lamp was lit before dusk.",
    "Robert Gray told Mary Logan that the tower had never been painted, although many ships had passed within two miles.",
]
ROWS = [{"claim": "It was built in 1832.", "label": "supported", "evidence": EVIDENCE}] * 5


@pytest.fixture(scope="module")
def found() -> dict[str, Share]:
    return shares(ROWS, seed=3)


@pytest.mark.parametrize("name", FAITHFUL)
def test_faithful_quotes_are_accepted(found: dict[str, Share], name: str) -> None:
    assert found[name] == (len(ROWS), 1.0)


@pytest.mark.parametrize("name", CHANGED)
def test_changed_quotes_are_refused(found: dict[str, Share], name: str) -> None:
    assert found[name] == (len(ROWS), 0.0)


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_changes_the_words(name: str) -> None:
    made = [CHANGED[name](Random(seed), sentence, ["Peter", "Lang"]) for seed in range(20) for sentence in EVIDENCE]

    assert any(made)
    assert all(one is None or words(one) not in [words(sentence) for sentence in EVIDENCE] for one in made)


def test_the_same_seed_gives_the_same_shares(found: dict[str, Share]) -> None:
    assert shares(ROWS, seed=3) == found


def test_claims_are_counted_by_their_label() -> None:
    assert claims([*ROWS, {"claim": "It was built in 1835.", "label": "not", "evidence": EVIDENCE}]) == {
        "supported": (len(ROWS), 1.0),
        "not": (1, 0.0),
    }


def test_without_rows_every_target_is_unknown() -> None:
    assert {target.met for target in evaluate([]).targets} == {None}


@pytest.mark.parametrize("row", [{}, {"evidence": "text"}, {"evidence": [1]}])
def test_a_row_of_another_shape_is_named(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="grounding row 2: evidence must be a list of texts"):
        shares([ROWS[0], row], seed=0)


@pytest.mark.parametrize("shape", ["a ", "+0", "é\n", "not a b ", "\u0316\u0301", "1,", "... a b", "[x_1] ", "(-1"])
def test_the_cost_of_a_hostile_text_grows_with_its_length(shape: str) -> None:
    short, long = (cost_ms(_hostile, (shape * length)[:length], tries=2) for length in (5_000, 50_000))

    assert long < 10 * 4 * short  # of 100 if it were quadratic
