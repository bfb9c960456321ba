"""Whose lines these are: each content with its times, and how far its clock is from the others, where that can be told.

Lines of several instances are merged by the times that they bear. A clock that is wrong is shown, never corrected: a
corrected time would be one that no log says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.store import Store
from dashboard.window import Window

FEWEST_SHARED = 3
"""Requests that two instances must share before their clocks are compared."""
SMALLEST_STEP_MS = 1000.0
"""Back in time, from one line to the next. Threads that write at once differ by less."""

LIVE, SHARED, UNKNOWN = "read live", "shared requests", "unknown"


@dataclass(frozen=True, slots=True)
class Instance:
    """One content of the store.

    names: of the processes or machines that its lines name; first, last: UTC, of its events; lines: None where the
    store keeps none. skew_ms: how far its clock is ahead of the one it was compared with, None if that cannot be told;
    basis: LIVE (against this machine's clock, from lines read as they were written; it is behind by no more than this),
    SHARED (against the instance with most events, by the ends of requests that both tell of), or UNKNOWN; set_back_ms:
    the longest step back from one line to the next, None without one of SMALLEST_STEP_MS, or not looked for.
    """

    source: str
    names: tuple[str, ...]
    first: datetime
    last: datetime
    events: int
    lines: int | None
    skew_ms: float | None
    basis: str
    set_back_ms: float | None


def instances(store: Store, window: Window, lags_ms: Mapping[str, float] | None = None) -> tuple[Instance, ...]:
    """The instances with events in the window, the one with most events first.

    lags_ms: by source, the shortest time from a line's own time to its reading, of lines read as they were written.
    """
    given = {"start": window.start, "end": window.end}
    rows = store.query(_TIMES, given)
    several = len(rows) > 1  # one alone has nothing to be compared with, and looking costs as much as the rest
    shared = (
        {row["source"]: row for row in store.query(_SHARED, given | {"reference": rows[0]["source"]})}
        if several
        else {}
    )
    steps = {row["source"]: row["back_ms"] for row in store.query(_STEPS, given)} if several else {}
    return tuple(_instance(row, shared.get(row["source"]), steps, lags_ms or {}) for row in rows)


def _instance(
    row: Mapping[str, Any], shared: Mapping[str, Any] | None, steps: Mapping[str, float], lags_ms: Mapping[str, float]
) -> Instance:
    source = row["source"]
    skew_ms, basis = None, UNKNOWN
    if source in lags_ms:
        skew_ms, basis = -lags_ms[source], LIVE
    elif shared is not None and shared["n"] >= FEWEST_SHARED:
        skew_ms, basis = shared["ahead_ms"], f"{SHARED} ({shared['n']:,})"
    back_ms = steps.get(source)
    return Instance(
        source=source,
        names=tuple(row["names"] or ()),
        first=row["first"],
        last=row["last"],
        events=row["events"],
        lines=row["lines"] or None,
        skew_ms=skew_ms,
        basis=basis,
        set_back_ms=back_ms if back_ms is not None and back_ms >= SMALLEST_STEP_MS else None,
    )


_INSIDE = '"at" >= $start AND "at" < $end'
_TIMES = f"""
    WITH told AS (SELECT source, min("at") AS first, max("at") AS last, count(*) AS events FROM events
        WHERE {_INSIDE} GROUP BY source),
    named AS (SELECT source, list_sort(list(DISTINCT instance)) AS names FROM others
        WHERE instance IS NOT NULL GROUP BY source),
    counted AS (SELECT source, count(*) AS lines FROM lines WHERE {_INSIDE} GROUP BY source)
    SELECT source, names, first, last, events, lines
    FROM told LEFT JOIN named USING (source) LEFT JOIN counted USING (source)
    ORDER BY events DESC, source
"""
_SHARED = f"""
    WITH ends AS (SELECT source, request_id, max("at") AS ended FROM events
        WHERE {_INSIDE} AND request_id IS NOT NULL GROUP BY ALL)
    SELECT other.source, count(*) AS n, median(epoch_us(other.ended) - epoch_us(mine.ended)) / 1000 AS ahead_ms
    FROM ends AS other JOIN ends AS mine USING (request_id)
    WHERE mine.source = $reference AND other.source <> $reference GROUP BY other.source
"""
_STEPS = f"""
    SELECT source, max(back_us) / 1000 AS back_ms
    FROM (SELECT source, lag(epoch_us("at")) OVER (PARTITION BY source ORDER BY "offset") - epoch_us("at") AS back_us
        FROM events WHERE {_INSIDE} AND NOT at_inferred)
    GROUP BY source
"""
