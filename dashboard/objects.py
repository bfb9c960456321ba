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
from dashboard.lines import LineBatch
from dashboard.parsing_queries import Queries

REJECT_START_CHARACTERS = 200
"""How much of a reject's text is kept beside its reason; the line keeps all of it."""

_GUESSES = {"LLM_ATTEMPT": (2, b"generati"), "LLM_REQUEST": (16, b"LLM_REQU"), "FALLBACK": (16, b"FALLBACK")}
"""Where in an object of a kind which bytes stand: `{"generation_time_ms":`, `{"v":1,"event":"LLM_REQUEST"`."""


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

    shaped: which lines of the batch are structured, by their shape; rows are numbered from 0 over these lines.
    heads: of Queries.heads.
    """

    def __init__(self, batch: LineBatch, heads: Any) -> None:
        self._batch = batch
        self._data, bounds = arrays.to_bytes(batch.lines)
        object_at = arrays.to_numbers(heads["object_at"])
        starts = bounds[:-1] + object_at
        ends = bounds[1:]
        opened = (arrays.byte_at(self._data, starts + 1) == ord('"')) | (starts + 1 == ends)
        self.shaped = (object_at >= 0) & (starts < ends) & opened
        self.places = np.flatnonzero(self.shaped)
        self._starts, self._ends = starts[self.places], ends[self.places]
        self._offsets = batch.offsets[self.places]
        self._at = arrays.to_numbers(heads["at"])[self.places]
        self._timed = arrays.to_flags(pc.is_valid(heads["at"]))[self.places]

    def length(self, rows: Numbers) -> Numbers:
        """In bytes."""
        return self._ends[rows] - self._starts[rows]

    def too_short(self) -> Numbers:
        """Rows that can be no event, and that `table` does not take."""
        return np.flatnonzero(self._ends - self._starts < arrays.SHORTEST_VIEW)

    def guessed(self) -> list[tuple[str, Numbers]]:
        """All other rows, by kind."""
        kinds = np.full(len(self.places), list(KINDS).index(""))
        for kind, (place, spelled) in _GUESSES.items():
            kinds[arrays.word_at(self._data, self._starts + place, 8) == int.from_bytes(spelled, "little")] = list(KINDS).index(kind)
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
