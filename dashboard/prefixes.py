"""The usual beginnings of lines, told by comparing bytes: the core's own prefix, and Python's usual time and level.

    2025-10-19T02:41:07.123Z INFO:src.integrations.llm.unified_client:
    2025-10-19 02:41:07,123 WARNING:some.logger:

Nearly all lines begin like that to the letter. Eight bytes of all lines are compared at once, which takes a fifth of the
time of a regular expression; a line that is spelled otherwise, or whose time cannot be, is left to the query in
parsing_queries.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard import arrays
from dashboard.arrays import Bytes, Flags, Numbers, Words
from dashboard.plain import LEVEL_CODES
from resilience.events import LOGGER

TIME_BYTES = len("2025-10-19T02:41:07.123Z")
SHORTEST = TIME_BYTES + len(" WARNING:")

# Eight bytes each; a 0 is any digit.
_CORE_TIME = (b"2000-00-", b"00T00:00", b":00.000Z")
_PYTHON_TIME = (b"2000-00-", b"00 00:00", b":00,000 ")
_LEVELS = ("INFO", "ERROR", "WARNING", "DEBUG")
_LOGGER = f"{LOGGER}:".encode()
_DAYS_OF_MONTH = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The lines with such a beginning: which they are, their times (microseconds since 1970), level codes, and the
    places of the messages after the core's own prefix, -1 without it.
    """

    rows: Numbers
    at: Numbers
    level: npt.NDArray[np.int8]
    message_at: Numbers


def usual_prefixes(data: Bytes, starts: Numbers, ends: Numbers) -> tuple[Prefixes, Prefixes]:
    """The usual beginnings among the lines that lie at starts..ends in `data`: the core's, and Python's."""
    long = np.flatnonzero(ends - starts >= SHORTEST)
    core, level_ends = _found(data, long, starts, _CORE_TIME, gap=1)
    message_at = _messages(data, level_ends, ends[core.rows])
    spaced = arrays.byte_at(data, starts[core.rows] + TIME_BYTES) == ord(" ")
    own = spaced & (message_at >= 0)  # another logger may be the core's all the same: that is for the query
    core = Prefixes(core.rows[own], core.at[own], core.level[own], message_at[own])
    return core, _found(data, long, starts, _PYTHON_TIME, gap=0)[0]


def _found(data: Bytes, rows: Numbers, starts: Numbers, spelled: Sequence[bytes], gap: int) -> tuple[Prefixes, Numbers]:
    """Those of the rows with a time and a level, without messages; and where the levels end."""
    rows, at = _timed(data, rows, starts, spelled)
    level, level_ends = _levels(data, starts[rows] + TIME_BYTES + gap)
    known = level >= 0
    return Prefixes(rows[known], at[known], level[known], np.full(known.sum(), -1)), level_ends[known]


def _timed(data: Bytes, rows: Numbers, starts: Numbers, spelled: Sequence[bytes]) -> tuple[Numbers, Numbers]:
    """Those of the rows that begin with a time of this spelling, and the times."""
    words: list[Words] = []
    for number, expected in enumerate(spelled):
        words.append(arrays.word_at(data, starts[rows] + 8 * number))
        kept = _is_time(words[-1], expected)
        rows, words = rows[kept], [column[kept] for column in words]
    at, known = _microseconds(*words)
    return rows[known], at[known]


def _levels(data: Bytes, places: Numbers) -> tuple[npt.NDArray[np.int8], Numbers]:
    """The codes of the level words at the places, -1 where none is followed by a colon, and where they end."""
    codes, ends = np.full(len(places), -1, np.int8), places.copy()
    words = arrays.word_at(data, places)
    for name in _LEVELS:
        spelled = f"{name}:".encode()
        found = np.flatnonzero((words & _ones(len(spelled))) == _word(spelled))
        codes[found] = LEVEL_CODES[name]
        ends[found] += len(spelled)
    return codes, ends


def _messages(data: Bytes, places: Numbers, ends: Numbers) -> Numbers:
    """Where the messages begin of which the core's logger stands at the places, -1 where it does not."""
    own = places + len(_LOGGER) < ends
    for start in (*range(0, len(_LOGGER) - 8, 8), len(_LOGGER) - 8):
        own[own] = arrays.word_at(data, places[own] + start) == _word(_LOGGER[start : start + 8])
    return np.where(own, places + len(_LOGGER), -1)


def _is_time(words: Words, spelled: bytes) -> Flags:
    digits = bytes(letter == ord("0") for letter in spelled)
    compared = _word(bytes(0xF0 if digit else 0xFF for digit in digits))
    expected = _word(spelled) & compared
    # A digit is 0x30 to 0x39: its upper half says 3, and still does when 6 is added.
    six_more = words + _word(bytes(6 * digit for digit in digits))
    time: Flags = ((words & compared) == expected) & ((six_more & compared) == expected)
    return time


def _microseconds(date: Words, clock: Words, seconds: Words) -> tuple[Numbers, Flags]:
    """The time of three words, and whether there is such a time."""

    def number(words: Words, *places: int) -> Numbers:
        value = np.zeros(len(words), np.int64)
        for place in places:
            value = value * 10 + ((words >> 8 * place) & 0xF).astype(np.int64)
        return value

    year, month, day = number(date, 0, 1, 2, 3), number(date, 5, 6), number(clock, 0, 1)
    hour, minute = number(clock, 3, 4), number(clock, 6, 7)
    second, millisecond = number(seconds, 1, 2), number(seconds, 4, 5, 6)
    known = (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    month = np.where(known, month, 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    known &= (day >= 1) & (day <= _DAYS_OF_MONTH[month] - ((month == 2) & ~leap))
    # Days since 1970 of a date: years begin in March, so that the leap day is the last.
    year -= month <= 2
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = year * 365 + year // 4 - year // 100 + year // 400 + day_of_year - 719_468
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + millisecond * 1000, known


def _word(spelled: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(spelled, "little"))


def _ones(size: int) -> np.uint64:
    return np.uint64((1 << 8 * size) - 1)
