"""Lines of the store by what they say and by what they are; one search of the page, or one of the runbook's greps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.store import Store
from dashboard.window import Window

SHOWN = 500
"""Lines that a search gives at most; it counts all of them."""
OTHER = "other lines"
"""In the place of an event's name: lines that are no event."""


@dataclass(frozen=True, slots=True)
class Search:
    """What lines must be. Empty values ask for nothing.

    provider: asked, answering, left or gone to; event: its name, or OTHER; levels: any of them; request: its id, the
    whole of it; find: text that the line contains; patterns: regular expressions that it matches, all of them.
    among_last: only so many lines at the range's end are looked at; last: only so many of those found count;
    context: so many lines before and after each, too; quoted: not the lines but what stands between their third and
    fourth double quote, the largest numbers last. These four are what the runbook does with tail, grep -A -B, awk, sort.
    """

    provider: str = ""
    event: str = ""
    reason: str = ""
    levels: tuple[str, ...] = ()
    request: str = ""
    find: str = ""
    patterns: tuple[str, ...] = ()
    among_last: int | None = None
    last: int | None = None
    context: int = 0
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line found. number: its place among all lines of the range, from 1, where the search asked for context, else
    0; provider, reason, request: of its event, None where it says none."""

    at: datetime
    at_inferred: bool
    source: str
    offset: int
    level: str | None
    event: str | None
    text: str
    number: int
    provider: str | None
    reason: str | None
    request: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """lines: the newest of those found, oldest of them first; count: how many were found (context left out)."""

    lines: tuple[Line, ...]
    count: int


def find(store: Store, search: Search, window: Window, shown: int = SHOWN) -> Found:
    """The newest `shown` lines of the window that the search asks for. Raises: duckdb.Error for a bad pattern."""
    where, given = _conditions(search)
    given |= {"start": window.start, "end": window.end, "shown": shown}
    limit = "least($shown, $last)" if search.last is not None else "$shown"
    given |= {"last": search.last} if search.last is not None else {}
    order = '"at" DESC, source DESC, "offset" DESC'
    if search.quoted:
        order = f"""coalesce(try_cast(split_part(text, '"', 4) AS DOUBLE), 0) DESC, {order}"""
    looked_at, number = "inside", "0::BIGINT AS number"
    if search.among_last is not None:
        given["among"] = search.among_last
        looked_at = '(FROM inside ORDER BY "at" DESC, source DESC, "offset" DESC LIMIT $among)'
    if search.context:
        # Numbered once: what stands around a line depends on all lines, not on those that match.
        number = "number"
        looked_at = '(SELECT *, row_number() OVER (ORDER BY "at", source, "offset") AS number FROM inside)'
    wanted = "FROM chosen" if not search.context else "FROM around"
    sql = f"""
        WITH inside AS (SELECT * FROM lines WHERE "at" >= $start AND "at" < $end),
        looked AS (SELECT *, {number} FROM {looked_at}),
        found AS MATERIALIZED (
            SELECT "at", source, "offset", number{", text" if search.quoted else ""} FROM looked WHERE {where}
        ),
        chosen AS MATERIALIZED (FROM found ORDER BY {order} LIMIT {limit}),
        around AS (SELECT looked."at", looked.source, looked."offset", looked.number FROM looked
            SEMI JOIN (SELECT number + unnest(range(-{search.context}, {search.context} + 1)) AS number FROM chosen)
            USING (number)),
        wanted AS MATERIALIZED (SELECT "at", source, "offset", number {wanted}),
        told AS (SELECT source, "offset", coalesce(provider, from_provider) AS provider, reason, request_id FROM events
            SEMI JOIN wanted USING (source, "offset"))
        SELECT lines."at", at_inferred, source, "offset", level, event, text, wanted.number, told.provider, told.reason,
            told.request_id AS request, (SELECT count(*) FROM found) AS count
        FROM lines JOIN wanted USING (source, "offset") LEFT JOIN told USING (source, "offset")
        ORDER BY lines."at", source, "offset"
    """
    rows = store.query(sql, given)
    count = rows[0]["count"] if rows else 0
    lines = [Line(**{name: value for name, value in row.items() if name != "count"}) for row in rows]
    if search.quoted:
        lines.sort(key=lambda line: _number(quoted_value(line.text)))
    return Found(tuple(lines), count if search.last is None else min(count, search.last))


def choices(store: Store, window: Window) -> Mapping[str, tuple[str, ...]]:
    """What the window's events hold, by name of a Search's field: provider, event, reason; in order."""
    found: dict[str, tuple[str, ...]] = {}
    given = {"start": window.start, "end": window.end}
    inside = '"at" >= $start AND "at" < $end'
    for name, column in (("provider", "coalesce(provider, to_provider)"), ("event", "event"), ("reason", "reason")):
        sql = f"SELECT DISTINCT {column} AS value FROM events WHERE {inside} AND {column} IS NOT NULL ORDER BY 1"
        found[name] = tuple(row["value"] for row in store.query(sql, given))
    return found


def quoted_value(text: str) -> str:
    """What `awk -F'"' '{print $4}'` prints of a line."""
    parts = text.split('"')
    return parts[3] if len(parts) > 3 else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _conditions(search: Search) -> tuple[str, dict[str, Any]]:
    """SQL over a line, with its parameters."""
    parts = ["TRUE"]
    given: dict[str, Any] = {}
    if search.levels:
        parts.append("level IN (SELECT unnest($levels))")
        given["levels"] = list(search.levels)
    if search.event == OTHER:
        parts.append("event IS NULL")
    elif search.event:
        parts.append("event = $event")
        given["event"] = search.event
    of_event = []
    for name, sql in (
        ("provider", "$provider IN (provider, from_provider, to_provider)"),
        ("reason", "reason = $reason"),
        ("request", "(request_id = $request OR list_contains(trigger_request_ids, $request))"),
    ):
        if value := getattr(search, name):
            of_event.append(sql)
            given[name] = value
    if of_event:
        parts.append(f'(source, "offset") IN (SELECT (source, "offset") FROM events WHERE {" AND ".join(of_event)})')
    if search.find:
        parts.append("contains(text, $find)")
        given["find"] = search.find
    for number, pattern in enumerate(search.patterns):
        parts.append(f"regexp_matches(text, $pattern{number})")
        given[f"pattern{number}"] = pattern
    return " AND ".join(parts), given
