"""Quotes as a model might give them: faithful to a text in other typing, or changed in what they say.

Each takes a source of randomness, a sentence and the names around it, and gives the quote, or None where it does not apply.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from random import Random

Perturb = Callable[[Random, str, Sequence[str]], str | None]

_AUXILIARY = re.compile(
    r"\b(is|was|are|were|has|had|have|will|can|could|should|would|did|does|do|may|might|must)\b(?! not\b|n['’]t)"
)
_NEGATION = re.compile(r"\b(?:not|never|no|without)\s+|(?<=[a-z])n['’]t\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|million|billion)\b"
)
_NAME = re.compile(r"(?<=[\w,;] )(?!The\b|This\b|That\b)[A-Z][a-z]{2,}\b")
_UNIT = re.compile(
    r"\b(?:miles?|kilometers?|km|pounds?|kilograms?|kg|meters?|feet|dollars?|euros?|days?|weeks?|months?|years?|hours?|minutes?|percent)\b|[$€£%]"
)
_UNITS = (
    "miles",
    "kilometers",
    "pounds",
    "kilograms",
    "meters",
    "feet",
    "dollars",
    "euros",
    "days",
    "weeks",
    "months",
    "years",
)
_MONTH = re.compile(r"\b(?:January|February|March|April|June|July|August|September|October|November|December)\b")
_QUANTIFIERS = {"all": "some", "some": "all", "most": "few", "many": "few", "few": "many", "more": "less", "less": "more",
                "every": "some", "always": "sometimes", "often": "always", "only": "also", "first": "last", "last": "first",
                "before": "after", "after": "before", "above": "below", "over": "under", "increased": "decreased",
                "higher": "lower", "lower": "higher", "may": "must", "could": "will", "and": "or"}  # fmt: skip
_QUANTIFIER = re.compile(rf"\b(?:{'|'.join(_QUANTIFIERS)})\b")


def verbatim(_: Random, sentence: str, __: Sequence[str]) -> str | None:
    """Character for character."""
    return sentence


def sliced(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """Some words in a row."""
    words = sentence.split()
    if len(words) < 5:
        return None
    length = draw.randint(4, len(words))
    start = draw.randint(0, len(words) - length)
    return " ".join(words[start : start + length])


def typographic(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """Other quotation marks, dashes, spaces, hyphenation, case and Unicode forms."""
    curly = {'"': "”", "'": "’", "-": "‐", "...": "…", "fi": "ﬁ", " - ": " – "}
    straight = {"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\xa0": " "}
    changed = sentence
    for typed, other in (curly if draw.random() < 0.5 else straight).items():
        changed = changed.replace(typed, other)
    spaces = [draw.choice((" ", " ", "\xa0", "\u202f", "  ", "\n")) for _ in range(changed.count(" "))]
    pieces = changed.split(" ")
    changed = pieces[0] + "".join(space + piece for space, piece in zip(spaces, pieces[1:], strict=True))
    at = draw.randrange(len(changed))
    if changed[at - 1 : at + 1].isalpha():
        changed = changed[:at] + draw.choice(("\xad", "\u200b")) + changed[at:]
    changed = draw.choice((str, str.lower, str.upper))(changed)
    return draw.choice(("{}", "“{}”", "**{}**", "{}.")).format(
        unicodedata.normalize(draw.choice(("NFC", "NFD")), changed)
    )


def elided(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """With a middle part left out."""
    words = sentence.split()
    if len(words) < 8:
        return None
    start = draw.randint(3, len(words) // 2)
    end = draw.randint(start + 1, max(start + 1, len(words) - 3))
    return " ".join([*words[:start], draw.choice(("...", "…", "[...]", "[…]", "(...)")), *words[end:]])


def number_changed(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """One number is another one, of as many digits or as a word."""
    found = [*_NUMBER.finditer(sentence), *_NUMBER_WORD.finditer(sentence)]
    if not found:
        return None
    one = draw.choice(found)
    if one[0].isdigit():
        digits = list(one[0])
        at = draw.randrange(len(digits))
        digits[at] = draw.choice([digit for digit in "123456789" if digit != digits[at]])
        return _put(sentence, one, "".join(digits))
    words = (
        ("two", "three", "five", "seven", "nine") if len(one[0]) < 7 else ("hundred", "thousand", "million", "billion")
    )
    return _put(sentence, one, draw.choice([word for word in words if word != one[0]]))


def negation_added(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """A "not" or "n't" after an auxiliary verb."""
    found = list(_AUXILIARY.finditer(sentence))
    if not found:
        return None
    one = draw.choice(found)
    contracted = {"can": "can't", "will": "won't", "may": "may not", "might": "might not"}.get(one[0], one[0] + "n't")
    return _put(sentence, one, draw.choice((one[0] + " not", contracted)))


def negation_removed(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """Without one of its negations."""
    found = list(_NEGATION.finditer(sentence))
    return _put(sentence, draw.choice(found), "") if found else None


def name_swapped(draw: Random, sentence: str, names: Sequence[str]) -> str | None:
    """One name is another one of the same text."""
    found = list(_NAME.finditer(sentence))
    if not found:
        return None
    one = draw.choice(found)
    others = sorted({name for name in names if name.casefold() != one[0].casefold()})
    return _put(sentence, one, draw.choice(others)) if others else None


def names_exchanged(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """Two of its names have changed places: who did what to whom."""
    found = list(_NAME.finditer(sentence))
    pairs = [(a, b) for a in found for b in found if a.start() < b.start() and a[0] != b[0]]
    if not pairs:
        return None
    one, two = draw.choice(pairs)
    return _put(_put(sentence, two, one[0]), one, two[0])


def unit_changed(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """A unit or currency is another one."""
    found = list(_UNIT.finditer(sentence))
    if not found:
        return None
    one = draw.choice(found)
    others = "$€£%" if len(one[0]) == 1 else _UNITS
    return _put(sentence, one, draw.choice([unit for unit in others if unit.rstrip("s") != one[0].rstrip("s")]))


def date_changed(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """A month is another one."""
    found = list(_MONTH.finditer(sentence))
    if not found:
        return None
    one = draw.choice(found)
    return _put(sentence, one, draw.choice([month for month in ("January", "June", "October") if month != one[0]]))


def quantifier_changed(draw: Random, sentence: str, _: Sequence[str]) -> str | None:
    """A small word that turns what is said: all, before, more, may."""
    found = list(_QUANTIFIER.finditer(sentence))
    if not found:
        return None
    one = draw.choice(found)
    return _put(sentence, one, _QUANTIFIERS[one[0]])


FAITHFUL: Mapping[str, Perturb] = {
    "verbatim": verbatim,
    "verbatim, part": sliced,
    "typographic": typographic,
    "elided": elided,
}
CHANGED: Mapping[str, Perturb] = {
    "number changed": number_changed,
    "negation added": negation_added,
    "negation removed": negation_removed,
    "name swapped": name_swapped,
    "names exchanged": names_exchanged,
    "unit changed": unit_changed,
    "month changed": date_changed,
    "quantifier changed": quantifier_changed,
}


def names_in(text: str) -> list[str]:
    """The words of a text that look like names: capitals inside a sentence."""
    return _NAME.findall(text)


def _put(sentence: str, found: re.Match[str], new: str) -> str:
    return sentence[: found.start()] + new + sentence[found.end() :]
