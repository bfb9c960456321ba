"""What a sentence puts in the place of its quote's words: another name, number, unit or small word, among words that are the same.

Seen only where a sentence follows its quote closely; a paraphrase has no places to compare.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz.distance import LCSseq

from resilience.guards.folding import words
from resilience.guards.issues import Kind
from resilience.guards.language import FUNCTION_WORDS, NEGATIONS, TURNING, UNITS, is_number
from resilience.guards.quantities import mentions

_MAX_WORDS = 400  # the comparison takes words times words
_MAX_PLACE = 3  # words; what is longer says something else anyway
_MIN_FLANK = 2  # equal words on both sides of a place, together
_MIN_SAME = 0.6  # the share of a sentence's words that stand in its quote in this order, if it follows it closely
_CAPITAL = re.compile(r"(?:(?<=[\w,;:)] )|(?<=[\w\s][(\"'“‘/-]))[^\W\d_a-z][\w'’-]*")
_NEGATED_WITHIN = 4  # words

# Words of a sentence, those of the quote in their place, and how many equal words stand around.
Place = tuple[Sequence[str], Sequence[str], int]


@dataclass(frozen=True, slots=True)
class _Comparison:
    same: int
    places: list[Place]
    left_out: set[str]  # words of the quote


def altered(
    text: str, spoken: Sequence[str], quotes: Sequence[str], quoted: Sequence[Sequence[str]]
) -> tuple[Kind, str] | None:
    """How the sentence alters the quote that it follows, and the words by which it does; None if it does not.

    spoken, quoted: the words of the text and of each quote.
    """
    spoken = spoken[:_MAX_WORDS]
    codes: dict[str, str] = {}
    coded = _coded(spoken, codes)
    compared = [_compared(spoken, coded, there[:_MAX_WORDS], codes) for there in quoted]
    best = max(range(len(compared)), key=lambda at: compared[at].same)
    if compared[best].same < _MIN_SAME * len(spoken):
        return None
    names = _names(text) | _names(quotes[best])
    for said, other, flank in compared[best].places:
        if flank < _MIN_FLANK or len(said) > _MAX_PLACE or len(other) > _MAX_PLACE:
            continue
        if NEGATIONS.isdisjoint(said) != NEGATIONS.isdisjoint(other):
            return Kind.NEGATION_UNCITED, " ".join(said)
        if _differs(said, other, names):
            return Kind.WORD_UNCITED, " ".join(said)
    moved = _moved(compared[best], names)
    return (Kind.WORD_UNCITED, moved) if moved else None


def turned(spoken: Sequence[str], quoted: Sequence[Sequence[str]]) -> str:
    """A word that the sentence denies and its quotes affirm, or the other way round; empty if there is none."""
    if NEGATIONS.isdisjoint(spoken) and all(map(NEGATIONS.isdisjoint, quoted)):
        return ""
    denied, affirmed = _polarity(spoken)
    denied_there: set[str] = set()
    affirmed_there: set[str] = set()
    for quote in quoted:
        denies, affirms = _polarity(quote)
        denied_there |= denies
        affirmed_there |= affirms
    return min(
        (denied & affirmed_there - denied_there) | (affirmed & denied_there - affirmed_there - denied), default=""
    )


def _names(text: str) -> set[str]:
    return {word for name in _CAPITAL.findall(text) for word in words(name)} - FUNCTION_WORDS


def _differs(said: Sequence[str], other: Sequence[str], names: set[str]) -> bool:
    if not names.isdisjoint(said) and not names.isdisjoint(other):
        return True
    for table in (UNITS, TURNING):
        mine, theirs = ({table[word] for word in some if word in table} for some in (said, other))
        if mine and theirs and mine.isdisjoint(theirs):
            return True
    number, its = ({value for _, values in mentions(some) for value in values} for some in (said, other))
    return bool(number and its) and number.isdisjoint(its)


def _moved(compared: _Comparison, names: set[str]) -> str:
    """A name that stands elsewhere in the sentence than in its quote, by itself or with what it does: not "in May"."""
    for said, other, _ in compared.places:
        moved = names.intersection(said) & compared.left_out
        others = [word for word in said if word not in names]
        if moved and not other and (not others or any(map(_is_content, others))):
            return min(moved)
    return ""


def _coded(some: Sequence[str], codes: dict[str, str]) -> str:
    """The words as characters, one for each different word."""
    return "".join([codes.setdefault(word, chr(0xE000 + len(codes))) for word in some])


def _compared(spoken: Sequence[str], coded: str, there: Sequence[str], codes: dict[str, str]) -> _Comparison:
    blocks = LCSseq.opcodes(coded, _coded(there, codes)).as_matching_blocks()[:-1]
    if not blocks:
        return _Comparison(0, [], set())
    first, last = blocks[0], blocks[-1]
    head, tail = spoken[: first.a], spoken[last.a + last.size :]
    places: list[Place] = [
        (head, there[max(0, first.b - len(head)) : first.b], first.size),
        (tail, there[last.b + last.size :][: len(tail)], last.size),
    ]
    for a, b in pairwise(blocks):
        places.append((spoken[a.a + a.size : b.a], there[a.b + a.size : b.b], a.size + b.size))
    kept = {at for block in blocks for at in range(block.b, block.b + block.size)}
    left_out = {word for at, word in enumerate(there) if at not in kept}
    return _Comparison(len(kept), places, left_out)


def _polarity(some: Sequence[str]) -> tuple[set[str], set[str]]:
    """The content words that are denied, those just after a negation, and the rest of them."""
    denied_at = set()
    for at, word in enumerate(some):
        if word not in NEGATIONS or some[at + 1 : at + 2] == ["only"] or is_number("".join(some[at + 1 : at + 2])):
            continue
        within = range(at + 1, min(at + 1 + _NEGATED_WITHIN, len(some)))
        denied_at.add(next((place for place in within if _is_content(some[place])), None))
    content = {at: word for at, word in enumerate(some) if _is_content(word)}
    denied = {word for at, word in content.items() if at in denied_at}
    return denied, {word for at, word in content.items() if at not in denied_at}


def _is_content(word: str) -> bool:
    return word not in FUNCTION_WORDS and word[-1].isalpha() and not is_number(word)
