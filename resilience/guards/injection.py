"""The injection firewall: how much a text tries to give orders to the model that are not its sender's to give.

Linear in the length of the text. It is one layer, not a boundary: docs/security.md says what it misses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from resilience.guards import normalise
from resilience.guards.decoding import decoded
from resilience.guards.rules import Rule, load
from resilience.guards.vocabulary import END

FLAG = 0.5
BLOCK = 0.8

# Weak signs count together only where they stand together, and a text of any length is read in parts of one size.
_WINDOW = 8_000
_OVERLAP = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """`score`: 0 (nothing found) to 1; `rules`: the names of those that matched, in the order of the rules' file, never text."""

    score: float
    rules: tuple[str, ...]


def check(text: str) -> Verdict:
    """The verdict over a text of any length, over what it says and what it says without its encodings.

    A part of a text weighs as much as all the rules that match in it, as if they were independent: 1 - (1 - a)(1 - b)...,
    where the weak ones together count as one that flags, so that no number of them blocks. The text weighs as much as its
    heaviest part.
    """
    smuggled = normalise.has_tags(text)
    score, found = 0.0, set[str]()
    for part in _windows(normalise.visible(text)):
        hidden = decoded(part)
        signs = {name for name, seen in (("hidden_letters", smuggled), ("many_encodings", hidden.cut)) if seen}
        for reading in (part, *hidden.readings):
            matching = _matching(reading, signs)
            score = max(score, _score(matching))
            found.update(rule.name for rule in matching)
    return Verdict(score, tuple(rule.name for rule in load().rules if rule.name in found))


def _score(matching: Sequence[Rule]) -> float:
    strong = prod(1 - rule.weight for rule in matching if rule.weight >= FLAG)
    weak = prod(1 - rule.weight for rule in matching if rule.weight < FLAG)
    return round(1 - strong * max(weak, 1 - FLAG), 4)


def _matching(reading: str, signs: set[str]) -> list[Rule]:
    known = load()
    plain = normalise.plain(reading)
    forms = {
        "words": END + known.vocabulary.letters(normalise.words(plain)),
        "marks": plain,
    }
    texts = {form: text.encode("utf-8", "replace") for form, text in forms.items()}
    return [rule for rule in known.rules if (rule.matches(texts[rule.on]) if rule.on in texts else rule.name in signs)]


def _windows(text: str) -> Iterator[str]:
    """The text in parts that overlap, so that what stands on a border stands whole in one of them."""
    step = _WINDOW - _OVERLAP
    for start in range(0, max(1, len(text) - _OVERLAP), step):
        yield text[start : start + _WINDOW]
