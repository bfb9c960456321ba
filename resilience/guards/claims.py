"""Whether a sentence says no more than its quotes: its numbers, its negations, its names, most of its words.

This proves that the quotes bear on the sentence, not that the sentence follows from them.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from resilience.guards.alterations import altered, turned
from resilience.guards.folding import words
from resilience.guards.issues import Kind
from resilience.guards.language import FUNCTION_WORDS, is_number
from resilience.guards.quantities import Value, mentions

MIN_COVER = 0.35  # the share of a sentence's content words that its quotes must have
_STEM = 5
_MIN_CONTENT = 4  # a shorter piece of a text is not looked at by itself
_NUMBERING = re.compile(r"\s*\d{1,3}[.)]\s")
_MARK = re.compile(r"\[?([A-Za-z0-9][A-Za-z0-9._-]{0,63})\]?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_LOOSE = frozenset({"one", "first", "second", "zero"})  # words that seldom stand for a number


def breaches(
    text: str, quotes: Sequence[str], quoted: Sequence[Sequence[str]], ids: Collection[str]
) -> Iterator[tuple[Kind, str]]:
    """What the sentence says beyond its quotes: a kind, and the words it is about.

    quoted: the words of each quote; ids: those of chunks, marks that do not count.
    """
    said = _without_marks(text, ids)
    spoken = words(said)
    if spoken in quoted:
        return
    missing = _numbers_missing(spoken, quoted)
    if missing:
        yield Kind.NUMBER_UNCITED, ", ".join(missing)
    if word := turned(spoken, quoted):
        yield Kind.NEGATION_UNCITED, word
    elif alteration := altered(said, spoken, quotes, quoted):
        yield alteration
    known = {word[:_STEM] for quote in quoted for word in quote}
    parts = _SENTENCE_END.split(said)
    pieces = [
        content for part in (parts if len(parts) > 1 else ()) if len(content := _content(words(part))) >= _MIN_CONTENT
    ]
    if any(_cover(content, known) < MIN_COVER for content in (_content(spoken), *pieces)):
        yield Kind.COVER_LOW, ""


def _without_marks(text: str, ids: Collection[str]) -> str:
    """The text without "[c1]", "c1" and a list's "1.": none of these numbers is said."""

    def unmarked(found: re.Match[str]) -> str:
        id_ = found[1].rstrip("._-")
        bracketed = found[0][0] == "[" and found[0][-1] == "]"
        named = bracketed or (not id_.isalpha() and not id_.isdecimal())
        return found[0].replace(id_, " ") if named and id_ in ids else found[0]

    text = _NUMBERING.sub("", text, count=1) if _NUMBERING.match(text) else text
    return _MARK.sub(unmarked, text)


def _numbers_missing(said: Sequence[str], quoted: Sequence[Sequence[str]]) -> list[str]:
    there: set[Value] = set()
    for quote in quoted:
        for _, readings in mentions(quote):
            there |= readings
    placeholders = {word for quote in quoted for word in quote if word.startswith("[")}
    missing = [
        mention
        for mention, readings in mentions(said)
        if mention not in _LOOSE and there.isdisjoint(readings) and there.isdisjoint(_negatives(readings))
    ]
    return missing + [word for word in said if word.startswith("[") and word not in placeholders]


def _negatives(readings: Collection[Value]) -> set[Value]:
    """5 may tell of -5, as in "fell by 5", but -5 not of 5."""
    return {-reading for reading in readings if isinstance(reading, float) and reading > 0}


def _content(some: Sequence[str]) -> list[str]:
    return [word for word in some if word not in FUNCTION_WORDS and (word[-1].isalpha() or is_number(word))]


def _cover(content: Sequence[str], known: Collection[str]) -> float:
    if not content:
        return 1.0
    # A number counts as covered: where it is not, that is said by itself, and it may be written in another way.
    return sum(is_number(word) or word[:_STEM] in known for word in content) / len(content)
