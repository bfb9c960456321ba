"""The numbers that a text names, whichever way they are written: 1,234 and 1234, 5 million and 5,000,000, three and 3."""

import re
from collections.abc import Sequence

from resilience.guards.language import NUMBER_WORDS, SCALES, SHORT_SCALES

Value = float | str
Mention = tuple[str, frozenset[Value]]  # as it stands there, and what it may mean

_DOT_GROUPS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_COMMA_GROUPS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+")
_JOINED = re.compile(r"[/:]")
_EXACT_DIGITS = 15  # as many as a float keeps


def mentions(words: Sequence[str]) -> list[Mention]:
    """Every number among folded words, in order, with its readings; a date or a time counts as several."""
    found: list[Mention] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word[-1].isdecimal():
            at = _digits(words, at, found)
        elif word in NUMBER_WORDS:
            at = _spelled(words, at, found)
        else:
            at += 1
    return found


def _digits(words: Sequence[str], at: int, found: list[Mention]) -> int:
    word = words[at]
    after = words[at + 1] if at + 1 < len(words) else ""
    if not word.isdecimal() and len(parts := _parts(word)) > 1:
        found.extend((part, frozenset(_readings(part))) for part in parts)
        return at + 1
    readings = _readings(word)
    if after in SCALES:
        found.append((f"{word} {after}", frozenset(_times(reading, SCALES[after]) for reading in readings)))
        return at + 2
    before = words[at - 1] if at else ""
    if len(before) == 4 and len(word) == 2 and (before + word).isdecimal():  # 2018-19
        readings.add(float(before[:2] + word))
    if after in SHORT_SCALES:
        readings |= {_times(reading, SHORT_SCALES[after]) for reading in readings}
    found.append((word, frozenset(readings)))
    return at + 1


def _parts(word: str) -> list[str]:
    """The numbers in a date, a time or a version; another number is one."""
    parts = _JOINED.split(word)
    if len(parts) == 1 and word.count(".") > 1 and not _DOT_GROUPS.fullmatch(word.lstrip("-")):
        return word.split(".")
    return parts


def _readings(word: str) -> set[Value]:
    if word.isdecimal():
        return {float(word) if len(word) <= _EXACT_DIGITS else word}
    sign, bare = (-1, word[1:]) if word.startswith("-") else (1, word)
    readings: set[Value] = set()
    whole = bare.replace(".", "").replace(",", "")
    if len(whole) > _EXACT_DIGITS:
        return {word}
    if _DOT_GROUPS.fullmatch(bare) or _COMMA_GROUPS.fullmatch(bare):
        readings.add(sign * float(whole))
    last = max(bare.rfind("."), bare.rfind(","))
    if last < 0:
        readings.add(sign * float(whole))
    elif bare.count(bare[last]) == 1:
        readings.add(sign * float(f"{bare[:last].replace('.', '').replace(',', '')}.{bare[last + 1 :]}"))
    return readings or {word}


def _times(value: Value, scale: int) -> Value:
    return round(value * scale, 6) if isinstance(value, float) else f"{value}*{scale}"


def _spelled(words: Sequence[str], at: int, found: list[Mention]) -> int:
    begun, value = at, NUMBER_WORDS[words[at]]
    at += 1
    if value in range(20, 100, 10) and _unit(words, at):
        value += NUMBER_WORDS[words[at]]
        at += 1
    while at < len(words) and words[at] in SCALES:
        value *= SCALES[words[at]]
        at += 1
    found.append((" ".join(words[begun:at]), frozenset({float(value)})))
    return at


def _unit(words: Sequence[str], at: int) -> bool:
    return at < len(words) and 0 < NUMBER_WORDS.get(words[at], 0) < 10
