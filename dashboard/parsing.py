"""Lines to rows: which lines are events, which are rejects, and when each was written.

A batch of lines goes through queries of an in-memory DuckDB, with no Python per line: one reads times and levels of all
lines, others the JSON objects of structured lines (structured.py), the runbook's messages in plain lines (plain.py), and
the JSON lines of a LiteLLM proxy (litellm.py).
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
from dashboard.heads import Heads, read_heads
from dashboard.lines import LineBatch
from dashboard.objects import Objects, structured_rows
from dashboard.parsing_queries import Queries, prepared_queries
from dashboard.payloads import payload_rows
from dashboard.plain import LEVEL_NAMES


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
    with prepared_queries() as queries:
        heads = read_heads(queries, batch)
        payloads, broken_payloads = payload_rows(queries, batch, heads)
        at, inferred = _times(heads, batch)
        structured, rejects = structured_rows(queries, Objects(batch, heads), at)
        plain = queries.plain(_perhaps_plain(queries, heads, batch, at))
    if broken_payloads is not None:
        rejects = _with_rejects(rejects, broken_payloads, at, batch)
    for number, kind in enumerate(KINDS):
        structured[kind] += [payloads[kind]] if kind in payloads else []
        structured[kind].append(plain.filter(arrays.flags_to_arrow(arrays.to_numbers(plain["kind"]) == number)))
    events = {kind: _with_columns(structured[kind], columns) for kind, columns in KINDS.items()}
    level = pa.DictionaryArray.from_arrays(
        arrays.to_arrow(heads.level, known=heads.level >= 0), arrays.texts(LEVEL_NAMES)
    )
    lines = {"offset": arrays.to_arrow(batch.offsets), "at": at, "at_inferred": inferred, "level": level}
    lines |= {"event": _names(events, batch), "text": batch.lines.cast(pa.string_view())}
    return Batch(batch.source, batch.read_at, pa.table(lines), events, rejects)


def _times(heads: Heads, batch: LineBatch) -> tuple[Any, Any]:
    """Each line's time, and whether it is inferred."""
    inferred = arrays.flags_to_arrow(~heads.timed)
    if batch.live:
        at = np.where(heads.timed, heads.at, arrays.microseconds(batch.read_at))
        return arrays.to_arrow(at).cast(arrays.TIME), inferred
    # The place of the newest line with a time, carried forward; 0 is right as long as there is none.
    newest = np.maximum.accumulate(np.where(heads.timed, np.arange(len(batch)), 0))
    return arrays.to_arrow(heads.at[newest], known=heads.timed[newest]).cast(arrays.TIME), inferred


def _with_rejects(rejects: Any, more: Any, at: Any, batch: LineBatch) -> Any:
    """All rejects, with the times of their lines."""
    places = np.searchsorted(batch.offsets, arrays.to_numbers(more["offset"]))
    more = more.append_column("at", pc.take(at, arrays.to_arrow(places))).select(rejects.column_names)
    return pa.concat_tables([rejects, more.cast(rejects.schema)])


def _perhaps_plain(queries: Queries, heads: Heads, batch: LineBatch, at: Any) -> Any:
    """The lines that may be plain events, as Queries.plain takes them."""
    _, bounds = arrays.to_bytes(batch.lines)
    places = np.flatnonzero((heads.object_at < 0) & (np.diff(bounds) >= arrays.SHORTEST_VIEW))
    places = places[queries.may_be_plain(arrays.views(batch.lines, bounds[places], bounds[places + 1]))]
    rows = arrays.to_arrow(places)
    return pa.table(
        {
            "offset": arrays.to_arrow(batch.offsets[places]),
            "at": pc.take(at, rows),
            "at_inferred": arrays.flags_to_arrow(~heads.timed[places]),
            "text": arrays.views(batch.lines, bounds[places], bounds[places + 1]),
        }
    )


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
