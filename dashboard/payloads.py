"""LiteLLM's lines of a batch: found by their first byte, read by a query, as rows like those of any other line."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard import arrays
from dashboard.columns import KINDS
from dashboard.heads import Heads
from dashboard.lines import LineBatch
from dashboard.objects import REJECT_START_CHARACTERS
from dashboard.parsing_queries import Queries
from dashboard.plain import LEVEL_CODES

_SHORTEST = len('{"timestamp":"2026-03-02"}')


def payload_rows(queries: Queries, batch: LineBatch, heads: Heads) -> tuple[dict[str, Any], Any]:
    """Tables of the events by kind, and the table of rejects without their times; the lines' heads are filled in.

    Nothing and None if there is no such line.

    No other line begins with a brace: the core's and plain ones begin with a time, a level or a word. So a log
    without LiteLLM's lines costs a look at one byte of each line.
    """
    data, bounds = arrays.to_bytes(batch.lines)
    rows = np.flatnonzero((arrays.byte_at(data, bounds[:-1]) == ord("{")) & (np.diff(bounds) >= _SHORTEST))
    if not len(rows):
        return {}, None
    texts = {"offset": arrays.to_arrow(batch.offsets[rows])}
    texts["text"] = arrays.views(batch.lines, bounds[rows], bounds[rows + 1])
    found = queries.payloads(pa.table(texts))
    places = np.searchsorted(batch.offsets, arrays.to_numbers(found["offset"]))
    _fill(heads, places, found)

    kinds = arrays.to_numbers(found["kind"].fill_null(-1))
    events = {kind: found.filter(arrays.flags_to_arrow(kinds == number)) for number, kind in enumerate(KINDS)}
    broken = arrays.to_flags(pc.is_valid(found["reject"]))
    texts_of_broken = pc.take(batch.lines, arrays.to_arrow(places[broken]))
    rejects = {
        "offset": arrays.to_arrow(batch.offsets[places[broken]]),
        "reason": found.filter(arrays.flags_to_arrow(broken))["reject"],
        "start": pc.utf8_slice_codeunits(texts_of_broken, 0, REJECT_START_CHARACTERS),
    }
    return events, pa.table(rejects)


def _fill(heads: Heads, places: arrays.Numbers, found: Any) -> None:
    timed = arrays.to_flags(pc.is_valid(found["at"]))
    heads.at[places[timed]] = arrays.to_numbers(found["at"])[timed]
    heads.timed[places[timed]] = True
    for word, code in LEVEL_CODES.items():
        heads.level[places[arrays.to_flags(pc.fill_null(pc.equal(found["level"], word), False))]] = code
