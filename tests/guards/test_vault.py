"""What is hidden comes back as it was, in whatever pieces, and shows nowhere else."""

import copy
import pickle
import traceback
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.guards.vault import LOOKED_UP_MAX, Restorer, Vault
from tests.guards.test_pii import TEXTS


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_hiding_and_restoring_gives_back_any_text(text: str) -> None:
    vault = Vault()

    hidden = vault.hide(text)

    assert vault.restore(hidden) == text
    assert vault.hide(hidden) == hidden


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_texts_hidden_together_all_come_back(texts: list[str]) -> None:
    vault = Vault()

    assert [vault.restore(hidden) for hidden in vault.hide_all(texts)] == texts


def test_one_value_has_one_placeholder_in_all_messages() -> None:
    vault = Vault()

    first, second = (
        vault.hide("jane@example.com, joe@example.com"),
        vault.hide("joe@example.com called from +49 30 901820"),
    )

    assert (first, second) == ("[EMAIL_1], [EMAIL_2]", "[EMAIL_2] called from [PHONE_1]")
    assert vault.counts == {"EMAIL": 3, "PHONE": 1}


@pytest.mark.parametrize("theirs", ["[EMAIL_1]", "[email_1]", r"\[EMAIL\_1\]", r"\[EMAIL_1\]"])
def test_a_placeholder_of_the_text_itself_comes_back_unchanged(theirs: str) -> None:
    vault = Vault()

    hidden = vault.hide(f"{theirs} is jane@example.com")

    assert hidden == f"{theirs} is [EMAIL_2]"
    assert vault.restore(hidden) == f"{theirs} is jane@example.com"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("**[EMAIL_1]**", "**jane@example.com**"),
        ("[email_1] `[Email_1]`", "jane@example.com `jane@example.com`"),
        (r"[EMAIL\_1] \[EMAIL\_1\] \[EMAIL_1\]", "jane@example.com jane@example.com jane@example.com"),
        ("[EMAIL_2] EMAIL_1 [EMAIL 1] [EMAIL_10]", "[EMAIL_2] EMAIL_1 [EMAIL 1] [EMAIL_10]"),
    ],
)
def test_a_placeholder_is_known_in_the_ways_that_models_write_it(answer: str, shown: str) -> None:
    vault = Vault()
    vault.hide("jane@example.com")

    assert vault.restore(answer) == shown


def test_a_stream_is_restored_wherever_it_is_cut() -> None:
    vault = Vault()
    vault.hide("jane@example.com and joe@example.com")
    answer = r"[a] [[EMAIL_1], \[EMAIL\_2\], \[EMAIL_2\] and [EMA [email_2]] [EMAIL_3] \ [EMAIL_1"

    for first in range(len(answer) + 1):
        for second in range(first, len(answer) + 1):
            restorer = Restorer(vault)
            pieces = [restorer.feed(piece) for piece in (answer[:first], answer[first:second], answer[second:])]
            assert "".join([*pieces, restorer.end()]) == vault.restore(answer)


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 60), max_size=5))
def test_any_text_comes_back_as_a_stream(text: str, cuts: list[int]) -> None:
    vault = Vault()
    hidden = vault.hide(text)
    restorer = Restorer(vault)

    places = sorted({0, *(min(cut, len(hidden)) for cut in cuts), len(hidden)})
    pieces = [restorer.feed(hidden[start:end]) for start, end in pairwise(places)]

    assert "".join([*pieces, restorer.end()]) == text


def test_only_the_beginning_of_a_placeholder_is_held_back() -> None:
    vault = Vault()
    vault.hide("jane@example.com")
    restorer = Restorer(vault)

    assert [restorer.feed(piece) for piece in ("a [", "E", "X", " [EMAIL_", "1", "] b [3")] == [
        "a ",
        "",
        "[EX",
        " ",
        "",
        "jane@example.com b [3",
    ]


@pytest.mark.parametrize(
    "show",
    [repr, str, lambda vault: f"{vault!r:>99}", lambda vault: repr(Restorer(vault)), lambda vault: repr(vault.counts)],
)
def test_a_vault_shows_no_value(show: object) -> None:
    vault = Vault()
    vault.hide("jane@example.com")

    assert "jane" not in show(vault)  # type: ignore[operator]


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_vault_cannot_be_taken_away(take: object) -> None:
    vault = Vault()
    vault.hide("jane@example.com")

    for one in (vault, Restorer(vault)):
        with pytest.raises(TypeError, match="stays in memory") as refused:
            take(one)  # type: ignore[operator]
        assert "jane" not in "".join(traceback.format_exception(refused.value))


def test_an_answer_of_very_many_values_is_looked_up_in_part() -> None:
    vault = Vault()
    vault.hide("we sell 668-5702 and jane@example.com")
    answer = " ".join(f"u{number}@example.com" for number in range(LOOKED_UP_MAX)) + " call 668-5702, jane@example.com"

    assert (
        len(vault.new_findings(answer)) == LOOKED_UP_MAX + 1
    )  # the number comes too late to be looked up; what was hidden is known


def test_only_what_no_text_held_is_new_in_an_answer() -> None:
    vault = Vault()
    vault.hide("jane@example.com or 0309018200 in the evening, key 668-5702")
    answer = "jane@example.com, JANE@example.com, call (030) 901 82 00 or 6685702, mallory@example.com, [EMAIL_1]"

    new = vault.new_findings(answer)

    assert [answer[one.start : one.end] for one in new] == ["mallory@example.com"]
