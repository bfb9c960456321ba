"""Lines to rows: which lines are events, which are rejects, and when each was written.

A batch of lines goes through queries of an in-memory DuckDB, with no Python per line: one reads times and levels of all
lines, others the JSON objects of structured lines (structured.py) and the runbook's messages in plain lines (plain.py).
Every line stays a line; an event has a row of its own beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard import arrays
from dashboard.columns import KINDS
from dashboard.lines import LineBatch
from dashboard.objects import Objects, structured_rows
from dashboard.parsing_queries import NO_PREFIX, prepared_queries
from dashboard.plain import LEVEL_CODES, LEVEL_NAMES

CORE_TIME_BYTES = len("2025-10-19T02:41:07.123Z ")

_AFTER_LEVEL = np.frombuffer(b":| ]\t", np.uint8)


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of consecutive lines of one source.

    lines, rejects: Arrow tables with the columns of columns.LINES and REJECTS, without source; events: those of
    columns.KINDS, by kind, in no particular order. `at` is NULL in the first lines if no line of the batch up to there
    has a time: theirs is that of the line before the batch, which the store knows. read_at: UTC, as in LineBatch.
    """

    source: str
    read_at: datetime
    lines: Any  # pa.Table: pyarrow ships no types
    events: Mapping[str, Any]
    rejects: Any

    def __len__(self) -> int:
        return int(self.lines.num_rows)

    @property
    def event_count(self) -> int:
        """How many of the lines are events."""
        return sum(int(rows.num_rows) for rows in self.events.values())

    @property
    def reject_count(self) -> int:
        """How many of the lines have an event's prefix and are none."""
        return int(self.rejects.num_rows)

    @property
    def newest_event_at(self) -> datetime | None:
        """UTC; None without an event whose time is known."""
        newest = [at for rows in self.events.values() if (at := pc.max(rows["at"]).as_py()) is not None]
        return max(newest).replace(tzinfo=UTC) if newest else None


def parse(batch: LineBatch) -> Batch:
    """The rows of `batch`. It depends on nothing else, and several threads may call it.

    A line without a time takes the moment of reading when live, else the time of the line before it; both are
    marked as inferred.
    """
    text = batch.lines.cast(pa.string_view())  # the same bytes, half as dear to DuckDB
    with prepared_queries() as queries:
        heads = queries.heads(text)
        at, inferred = _times(heads, batch)
        objects = Objects(batch, heads)
        events, rejects = structured_rows(queries, objects, at)
        lines = {"offset": arrays.to_arrow(batch.offsets), "at": at, "at_inferred": inferred, "text": text}
        plain = queries.plain(pa.table(lines | {"shaped": arrays.flags_to_arrow(objects.shaped)}))
    for number, kind in enumerate(KINDS):
        events[kind].append(plain.filter(arrays.flags_to_arrow(arrays.to_numbers(plain["kind"]) == number)))
    found = {kind: _with_columns(events[kind], columns) for kind, columns in KINDS.items()}
    names = {"level": _levels(heads, batch), "event": _names(found, batch)}
    return Batch(batch.source, batch.read_at, pa.table(lines | names), found, rejects)


def _times(heads: Any, batch: LineBatch) -> tuple[Any, Any]:
    """Each line's time, and whether it is inferred."""
    own = arrays.whole(heads["at"])
    missing = pc.is_null(own)
    if batch.live:
        return pc.fill_null(own, arrays.to_moment(batch.read_at)), missing
    # The place of the newest line with a time, carried forward; 0 is right as long as there is none.
    newest = np.maximum.accumulate(np.where(arrays.to_flags(missing), 0, np.arange(len(batch))))
    return pc.take(own, arrays.to_arrow(newest)), missing


def _levels(heads: Any, batch: LineBatch) -> Any:
    """Each line's level: after the core's time, after another time, or at the beginning."""
    data, bounds = arrays.to_bytes(batch.lines)
    codes = arrays.to_small_numbers(heads["level"])
    after_time = arrays.to_numbers(heads["object_at"]) != NO_PREFIX
    places = bounds[:-1] + np.where(after_time, CORE_TIME_BYTES, 0)
    places += arrays.byte_at(data, places) == ord("[")
    words = arrays.word_at(data, places, 4)
    for word, code in LEVEL_CODES.items():
        rows = np.flatnonzero(words == int.from_bytes(word[:4].encode(), "little"))
        rest = arrays.word_at(data, places[rows], 8) & ((1 << 8 * len(word)) - 1)
        rows = rows[rest == int.from_bytes(word.encode(), "little")]
        codes[rows[np.isin(arrays.byte_at(data, places[rows] + len(word)), _AFTER_LEVEL)]] = code
    return pa.DictionaryArray.from_arrays(arrays.to_arrow(codes, known=codes >= 0), arrays.texts(LEVEL_NAMES))


def _with_columns(parts: list[Any], columns: Mapping[str, str]) -> Any:
    """The parts as one table of these columns, NULL where a part has not got one."""
    rows = pa.concat_tables(parts, promote_options="default")
    return rows.select([column for column in columns if column != "source"])


def _names(events: Mapping[str, Any], batch: LineBatch) -> Any:
    """The name of each line's event, NULL where it is none."""
    known = [kind for kind in KINDS if kind]
    names = pa.concat_arrays([arrays.texts(known), arrays.whole(events[""]["event"])])
    codes = np.full(len(batch), -1)
    for kind, rows in events.items():
        places = np.searchsorted(batch.offsets, arrays.to_numbers(rows["offset"]))
        codes[places] = known.index(kind) if kind else np.arange(len(places)) + len(known)
    return pa.DictionaryArray.from_arrays(arrays.to_arrow(codes, known=codes >= 0), names)
