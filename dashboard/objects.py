"""The JSON objects of structured lines, taken to the queries that read them, without copying their text.

Nearly all objects are of three kinds, and each kind has a query that reads nothing but its fields. Which kind an object
is of is guessed from its first bytes, as the core writes them, and decided by the query: what the guess got wrong is
asked of all kinds.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard import arrays
from dashboard.arrays import Numbers
from dashboard.columns import KINDS
from dashboard.heads import Heads
from dashboard.lines import LineBatch
from dashboard.parsing_queries import Queries

REJECT_START_CHARACTERS = 200
"""How much of a reject's text is kept beside its reason; the line keeps all of it."""

_GUESS_AT = 16
_GUESSES = {"LLM_ATTEMPT": b"e_ms", "LLM_REQUEST": b"LLM_", "FALLBACK": b"FALL"}
"""Which bytes stand at _GUESS_AT: `{"generation_time_ms":`, `{"v":1,"event":"LLM_REQUEST"`."""


def structured_rows(queries: Queries, objects: "Objects", at: Any) -> tuple[dict[str, list[Any]], Any]:
    """Tables of the structured lines that are events, by kind, and the table of those that are none.

    at: each line's time, with those inferred.
    """
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    wrong = [objects.too_short()]
    for kind, rows in objects.guessed():
        found[kind].append(queries.events(kind, objects.table(rows)))
        wrong.append(objects.others(rows, found[kind][-1]))
    left = np.sort(np.concatenate(wrong))
    for kind in KINDS:
        rows = left[objects.length(left) >= arrays.SHORTEST_VIEW]
        found[kind].append(queries.events(kind, objects.table(rows)))
        left = objects.others(left, found[kind][-1])

    lines = objects.lines(left)
    start = pc.utf8_slice_codeunits(lines["text"], 0, REJECT_START_CHARACTERS)
    inferred = pc.take(at, arrays.to_arrow(objects.places[left]))
    rejects = {"offset": lines["offset"], "at": inferred, "reason": queries.broken(lines)["reason"], "start": start}
    return found, pa.table(rejects)


class Objects:
    """Where the objects of a batch's structured lines begin and end.

    places: which lines of the batch these are; rows are numbered from 0 over these lines.
    """

    def __init__(self, batch: LineBatch, heads: Heads) -> None:
        self._batch = batch
        self._data, bounds = arrays.to_bytes(batch.lines)
        self.places = np.flatnonzero(heads.object_at >= 0)
        self._starts, self._ends = heads.object_at[self.places], bounds[1:][self.places]
        self._offsets = batch.offsets[self.places]
        self._at, self._timed = heads.at[self.places], heads.timed[self.places]

    def length(self, rows: Numbers) -> Numbers:
        """In bytes."""
        return self._ends[rows] - self._starts[rows]

    def too_short(self) -> Numbers:
        """Rows that can be no event, and that `table` does not take."""
        return np.flatnonzero(self._ends - self._starts < arrays.SHORTEST_VIEW)

    def guessed(self) -> list[tuple[str, Numbers]]:
        """All other rows, by kind."""
        order = list(KINDS)
        kinds = np.full(len(self.places), order.index(""))
        found = arrays.word_at(self._data, self._starts + _GUESS_AT) & np.uint64(0xFFFFFFFF)
        for kind, spelled in _GUESSES.items():
            kinds[found == int.from_bytes(spelled, "little")] = order.index(kind)
        kinds[self.too_short()] = -1
        return [(kind, rows) for number, kind in enumerate(KINDS) if len(rows := np.flatnonzero(kinds == number))]

    def table(self, rows: Numbers) -> Any:
        """What Queries.events takes."""
        views = arrays.views(self._batch.lines, self._starts[rows], self._ends[rows])
        return pa.table({**self._head(rows), "object": views})

    def lines(self, rows: Numbers) -> Any:
        """What Queries.broken takes."""
        return pa.table({**self._head(rows), "text": pc.take(self._batch.lines, arrays.to_arrow(self.places[rows]))})

    def _head(self, rows: Numbers) -> dict[str, Any]:
        at = arrays.to_arrow(self._at[rows], known=self._timed[rows]).cast(arrays.TIME)
        return {"offset": arrays.to_arrow(self._offsets[rows]), "at": at}

    def others(self, rows: Numbers, events: Any) -> Numbers:
        """Those of the rows that are not among the events."""
        other = np.ones(len(self.places), np.bool_)
        other[np.searchsorted(self._offsets, arrays.to_numbers(events["offset"]))] = False
        return rows[other[rows]]
