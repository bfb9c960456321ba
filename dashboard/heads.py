"""How each line begins: its time, its level, and where the JSON object begins if the line is a structured one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from dashboard import arrays
from dashboard.arrays import Bytes, Flags, Numbers
from dashboard.lines import LineBatch
from dashboard.parsing_queries import NO_PREFIX, Queries
from dashboard.plain import LEVEL_CODES
from dashboard.prefixes import TIME_BYTES, Prefixes, usual_prefixes

_AFTER_LEVEL = np.frombuffer(b":| ]\t", np.uint8)


@dataclass(frozen=True, slots=True)
class Heads:
    """One value for each line of a batch.

    at: microseconds since 1970, UTC; timed: whether the line has a time; level: a place in plain.LEVEL_NAMES, -1
    without one; object_at: the place in the batch's bytes of what must be its object if it is structured, else -1.
    """

    at: Numbers
    timed: Flags
    level: npt.NDArray[np.int8]
    object_at: Numbers


def read_heads(queries: Queries, batch: LineBatch) -> Heads:
    """The heads of the batch's lines: the usual ones by their bytes, all others by a query."""
    data, bounds = arrays.to_bytes(batch.lines)
    starts, ends = bounds[:-1], bounds[1:]
    count = len(batch)
    heads = Heads(np.zeros(count, np.int64), np.zeros(count, np.bool_), np.full(count, -1, np.int8), np.full(count, -1))
    others = np.ones(count, np.bool_)
    for usual in usual_prefixes(data, starts, ends):
        others[usual.rows] = False
        heads.at[usual.rows], heads.timed[usual.rows], heads.level[usual.rows] = usual.at, True, usual.level
        heads.object_at[usual.rows] = _objects(queries, batch, usual, starts, ends)
    rows = np.flatnonzero(others)
    asked = rows[ends[rows] - starts[rows] >= arrays.SHORTEST_VIEW]
    found = queries.heads(arrays.views(batch.lines, starts[asked], ends[asked]))
    heads.at[asked] = arrays.to_numbers(found["at"])
    heads.timed[asked] = arrays.to_flags(pc.is_valid(found["at"]))
    heads.level[asked] = arrays.to_small_numbers(found["level"])
    object_at = arrays.to_numbers(found["object_at"])
    heads.object_at[asked] = _opened(data, starts[asked] + object_at, ends[asked], object_at >= 0)
    level_at = starts.copy()
    level_at[asked[object_at != NO_PREFIX]] += TIME_BYTES + 1
    _fill_levels(heads.level, data, rows, level_at[rows])
    return heads


def _objects(queries: Queries, batch: LineBatch, usual: Prefixes, starts: Numbers, ends: Numbers) -> Numbers:
    """Where the objects of lines with the core's prefix begin: at their first `{`, if no double quote is before it."""
    data, _ = arrays.to_bytes(batch.lines)
    own = usual.message_at >= 0
    if not own.any():
        return np.full(len(own), -1)
    braces = np.append(np.flatnonzero(data == ord("{")), len(data))
    places = braces[np.searchsorted(braces, usual.message_at)]
    found = own & (places < ends[usual.rows]) & (arrays.byte_at(data, places - 1) == ord(" "))
    rows = np.flatnonzero(found)
    quoted = queries.quoted(arrays.views(batch.lines, starts[usual.rows[rows]], places[rows]))
    found[rows[quoted]] = False
    return _opened(data, places, ends[usual.rows], found)


def _opened(data: Bytes, places: Numbers, ends: Numbers, candidates: Flags) -> Numbers:
    """The places where a `{` is followed by a double quote or nothing, -1 for the others."""
    opened = (arrays.byte_at(data, places + 1) == ord('"')) | (places + 1 == ends)
    return np.where(candidates & (places < ends) & opened, places, -1)


def _fill_levels(level: npt.NDArray[np.int8], data: Bytes, rows: Numbers, places: Numbers) -> None:
    """Sets the levels of lines that have a level's word at their place, perhaps in brackets."""
    words = arrays.word_at(data, places)
    bracketed = np.flatnonzero((words & 0xFF) == ord("["))
    places[bracketed] += 1
    words[bracketed] = arrays.word_at(data, places[bracketed])
    for word, code in LEVEL_CODES.items():
        size = len(word)
        found = np.flatnonzero((words & ((1 << 8 * size) - 1)) == int.from_bytes(word.encode(), "little"))
        after = (words[found] >> 8 * size) & 0xFF if size < 8 else arrays.byte_at(data, places[found] + size)
        level[rows[found[np.isin(after, _AFTER_LEVEL)]]] = code
