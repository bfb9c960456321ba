"""Whether a quote stands in a text: word for word after folding, with its elided parts in order.

A quote that is nearly there passes only if what differs is articles, accents or how words are joined: likeness alone
would pass a changed number or a negation. What differs otherwise is named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq

from resilience.guards.folding import words
from resilience.guards.issues import Kind
from resilience.guards.language import ARTICLES, NEGATIONS, SCALES, is_number

MIN_WORDS = 3
NEAR_SCORE = 92.0  # a near quote's likeness to its passage, in percent of its characters
_KIN_SCORE = 50.0  # below it, no passage is meant
_NEAR_MAX_WORDS = 200  # the search for a near passage takes words of the quote times words of the text
MIN_PART_WORDS = 2  # the longest part of an elided quote has so many, or it could be put together from any text
_MAX_PARTS = 8
_MAX_GAP_WORDS = 60  # a longer one joins the subject of one sentence with what another says
_SMALL_GAP_WORDS = 3
_MAX_PLACES = 16
_UNKNOWN = "\0"
_FIRST_CODE = 0xE000
_ELISION = re.compile(r"[(\[]?(?:\.\.\.|…|\. \. \.)\.?[)\]]?")
_UNITS = frozenset(["$", "€", "£", "¥", "₹", "%", "‰", "°", "percent"])
_CUTTING = frozenset(["not", "never", "without", "no"])


_Change = tuple[Sequence[str], Sequence[str]]  # words of a quote, and those in their place


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What is wrong with a quote. words: those of the quote that the passage does not have, folded."""

    kind: Kind
    words: tuple[str, ...] = ()


class Passage:
    """A text to look quotes up in. Each different word is one character of `coded`, so that searches run on strings."""

    __slots__ = ("_codes", "coded", "words")

    def __init__(self, text: str) -> None:
        self.words = words(text)
        self._codes = {word: chr(_FIRST_CODE + number) for number, word in enumerate(dict.fromkeys(self.words))}
        self.coded = "".join(map(self._codes.__getitem__, self.words))

    def code(self, some: Sequence[str]) -> str:
        """The words as this passage writes them; what it does not have is a character that it does not have."""
        return "".join([self._codes.get(word, _UNKNOWN) for word in some])


class Budget:
    """How many words of quotes may still be searched for nearly; each search takes as long as the text is."""

    __slots__ = ("_left",)

    def __init__(self, near_words: int = 300) -> None:
        self._left = near_words

    def take(self, count: int) -> bool:
        """Whether a search for so many words may still be made."""
        if count > min(self._left, _NEAR_MAX_WORDS):
            return False
        self._left -= count
        return True


def mismatch(quote: str, whole: Sequence[str], passage: Passage, budget: Budget) -> Mismatch | None:
    """None if the quote stands in the passage, else what is wrong with it. whole: the quote's words."""
    if not whole or (len(whole) < MIN_WORDS and whole != passage.words):
        return Mismatch(Kind.QUOTE_TOO_SHORT)
    found = _exact(whole, passage)
    if found is None:
        return None
    pieces = _ELISION.split(quote, maxsplit=_MAX_PARTS)
    parts = [part for part in map(words, pieces) if part]
    if len(parts) == 1 and found.kind is Kind.QUOTE_NOT_FOUND:
        return _near(whole, passage, budget)
    if 1 < len(parts) <= _MAX_PARTS and max(map(len, parts)) >= MIN_PART_WORDS:
        return _in_order(parts, passage, budget)
    return found


def _exact(part: Sequence[str], passage: Passage) -> Mismatch | None:
    coded = passage.code(part)
    found = Mismatch(Kind.QUOTE_NOT_FOUND)
    if _UNKNOWN in coded:
        return found
    at = -1
    for _ in range(_MAX_PLACES):
        at = passage.coded.find(coded, at + 1)
        if at < 0:
            break
        cut = _cut(passage.words, at, at + len(coded))
        if cut is None:
            return None
        found = cut
    return found


def _cut(text: Sequence[str], start: int, end: int) -> Mismatch | None:
    """What a quote of these words loses at its edges: a negation just before it, or the scale of its last number."""
    before = text[start - 1] if start else ""
    if before in _CUTTING and not (before == "no" and text[start][-1].isdecimal()):  # "No. 5"
        return Mismatch(Kind.NEGATION_CHANGED)
    if end < len(text) and text[end] in SCALES and is_number(text[end - 1]):
        return Mismatch(Kind.NUMBER_CHANGED, (text[end - 1],))
    return None


def _in_order(parts: Sequence[Sequence[str]], passage: Passage, budget: Budget) -> Mismatch | None:
    coded = [passage.code(part) for part in parts]
    for part, code in zip(parts, coded, strict=True):
        if _UNKNOWN in code or code not in passage.coded:
            return _near(part, passage, budget) or Mismatch(Kind.QUOTE_NOT_FOUND)
    found = Mismatch(Kind.QUOTE_NOT_FOUND)
    begin = 0
    for _ in range(_MAX_PLACES):
        spans = _spans(coded, passage.coded, begin)
        if spans is None:
            break
        wrong = _elided(spans, passage.words)
        if wrong is None:
            return None
        if found.kind is Kind.QUOTE_NOT_FOUND:
            found = wrong
        begin = spans[0][0] + 1
    return found


def _spans(parts: Sequence[str], text: str, begin: int) -> list[tuple[int, int]] | None:
    """The parts in order: those that end first, drawn together from the end."""
    end = begin
    for part in parts:
        at = text.find(part, end)
        if at < 0:
            return None
        end = at + len(part)
    spans = []
    for part in reversed(parts):
        at = text.rfind(part, begin, end)
        spans.append((at, at + len(part)))
        end = at
    return spans[::-1]


def _elided(spans: Sequence[tuple[int, int]], text: Sequence[str]) -> Mismatch | None:
    """What the elisions hide: too much, or a few words with a negation or a number among them."""
    for (_, gap_start), (gap_end, _) in pairwise(spans):
        gap = text[gap_start:gap_end]
        if len(gap) > _MAX_GAP_WORDS:
            return Mismatch(Kind.QUOTE_NOT_FOUND)
        if len(gap) <= _SMALL_GAP_WORDS and not NEGATIONS.isdisjoint(gap):
            return Mismatch(Kind.NEGATION_CHANGED)
        if gap and gap[0] in SCALES and is_number(text[gap_start - 1]):
            return Mismatch(Kind.NUMBER_CHANGED, (text[gap_start - 1],))
    return _cut(text, spans[0][0], spans[-1][1])


def _near(part: Sequence[str], passage: Passage, budget: Budget) -> Mismatch | None:
    if not budget.take(len(part)):
        return Mismatch(Kind.QUOTE_NOT_FOUND)
    coded = passage.code(part)
    kin = fuzz.partial_ratio_alignment(coded, passage.coded, score_cutoff=_KIN_SCORE)
    if kin is None:
        return Mismatch(Kind.QUOTE_NOT_FOUND)
    slack = 2 + len(part) // 8
    start = max(0, kin.dest_start - slack)
    blocks = LCSseq.opcodes(coded, passage.coded[start : kin.dest_end + slack]).as_matching_blocks()[:-1]
    if not blocks:
        return Mismatch(Kind.QUOTE_NOT_FOUND)
    first, last = blocks[0], blocks[-1]
    begin, begun = _widened(part[: first.a], passage.words, start + first.b, -1)
    end, ended = _widened(part[last.a + last.size :], passage.words, start + last.b + last.size, 1)
    changes = [begun, ended] + [
        (part[one.a + one.size : two.a], passage.words[start + one.b + one.size : start + two.b])
        for one, two in pairwise(blocks)
    ]
    kinds = {kind: said for said, there in changes if (kind := _kind(said, there)) is not None}
    for kind in (Kind.NUMBER_CHANGED, Kind.NEGATION_CHANGED, Kind.WORD_CHANGED):
        if kind in kinds:
            return Mismatch(kind, tuple(kinds[kind]))
    if fuzz.ratio(" ".join(part), " ".join(passage.words[begin:end])) < NEAR_SCORE:
        return Mismatch(Kind.QUOTE_NOT_FOUND)
    return _cut(passage.words, begin, end)


def _widened(said: Sequence[str], text: Sequence[str], edge: int, step: int) -> tuple[int, _Change]:
    """Where a quote ends in the text if these words of it stand beyond the last that match, and what stands there."""
    count = len(_plain(said))
    for length in (count, count + 1, max(0, count - 1)):
        other = max(0, edge + step * length)
        there = text[min(edge, other) : max(edge, other)]
        if _kind(said, there) is None:
            return other, (said, there)
    other = max(0, edge + step * count)
    return other, (said, text[min(edge, other) : max(edge, other)])


def _kind(said: Sequence[str], there: Sequence[str]) -> Kind | None:
    """How words of a quote differ from those in their place; None if they say the same."""
    plain, other = _plain(said), _plain(there)
    if plain == other:
        return None
    both = [*plain, *other]
    negated = [word for word in plain if word in NEGATIONS] != [word for word in other if word in NEGATIONS]
    if (
        "".join(plain) == "".join(other)
        and not negated
        and (all(map(str.isalpha, both)) or _grouped(plain) or _grouped(other))
    ):
        return None
    if any(is_number(word) or word in _UNITS for word in both):
        return Kind.NUMBER_CHANGED
    return Kind.NEGATION_CHANGED if negated else Kind.WORD_CHANGED


def _plain(some: Sequence[str]) -> list[str]:
    return [word for word in some if word not in ARTICLES]


def _grouped(some: Sequence[str]) -> bool:
    """Whether the words are one number with spaces between its thousands."""
    return some[0].isdecimal() and len(some[0]) < 4 and all(len(word) == 3 and word.isdecimal() for word in some[1:])
