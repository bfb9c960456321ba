"""The queries of parsing, prepared once: planning them takes longer than running them on a few lines."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from dashboard import arrays
from dashboard.columns import KINDS
from dashboard.litellm import litellm_rows
from dashboard.plain import LEVEL_CODES, LEVELS, LOGGER, MAY_BE_PLAIN, TIME, plain_events
from dashboard.structured import PREFIX, broken_rules, events_of_kind

_DATE, _CLOCK, _FRACTION, _ZONE = TIME
_LEVEL_AFTER_TIME = rf"^\S+[T ]\S+(?: (?:{_ZONE})\]?)?\s*(?:- {LOGGER} - |[\[|(]?\s*)({LEVELS})\b"
_LEVEL_CODES = " ".join(f"WHEN '{word}' THEN {code}" for word, code in LEVEL_CODES.items())
NO_PREFIX, NO_OBJECT = -2, -1
_HEADS = f"""
    SELECT
        CASE
            WHEN head IS NULL THEN {NO_PREFIX}
            WHEN ends_with(head, ' ') AND NOT contains(head, '"') AND strlen(head) < strlen(text) THEN strlen(head)
            ELSE {NO_OBJECT}
        END AS object_at,
        CASE
            WHEN head IS NOT NULL THEN try_cast(substr(text, 1, 23) AS TIMESTAMP)
            WHEN t.date <> '' THEN make_timestamp(epoch_us(try_cast(
                concat(t.date, ' ', t.clock, '.', t.fraction, '0', coalesce(nullif(t.zone, ''), 'Z')) AS TIMESTAMPTZ)))
        END AS "at",
        CASE WHEN t.date <> '' THEN
            CASE regexp_extract(left(text, 200), '{_LEVEL_AFTER_TIME}', 1) {_LEVEL_CODES} END
        END::TINYINT AS level
    FROM (
        SELECT *,
            CASE WHEN head IS NULL AND (starts_with(text, '2') OR starts_with(text, '[2')) THEN regexp_extract(
                text[:48],
                '^\\[?({_DATE})[T ]({_CLOCK})(?:[.,]({_FRACTION}))?(?: ?({_ZONE})\\b)?',
                ['date', 'clock', 'fraction', 'zone']) END AS t
        FROM (
            SELECT text, CASE WHEN starts_with(text, '2') AND regexp_matches(text, '{PREFIX}')
                THEN split_part(text, '{{', 1) END AS head
            FROM texts
        )
    )
"""


class _Feed:
    """Hands DuckDB the current table at each scan, so that a prepared query can be run on one batch after another."""

    def __init__(self, **types: Any) -> None:
        self.table = pa.table({column: pa.nulls(0, kind) for column, kind in types.items()})

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class Queries:
    """The prepared queries, for one thread at a time. Results are Arrow tables."""

    def __init__(self) -> None:
        place = {"offset": pa.int64(), "at": arrays.TIME}
        self._texts = _Feed(text=pa.string_view())
        self._objects = _Feed(**place, object=pa.string_view())
        self._rejects = _Feed(**place, text=pa.large_string())
        self._lines = _Feed(**place, at_inferred=pa.bool_(), text=pa.string_view())
        self._payloads = _Feed(offset=pa.int64(), text=pa.string_view())
        self._reads_payloads = False
        self._nothing: dict[str, Any] = {}  # what a query gives for no rows
        self._connection = duckdb.connect(config={"threads": 1})
        atexit.register(self._connection.close)  # DuckDB complains about what is still registered at the end
        for name in ("texts", "objects", "rejects", "lines", "payloads"):
            self._connection.register(name, getattr(self, f"_{name}"))
        self._prepare("heads", _HEADS)
        self._prepare("quoted", """SELECT contains(text, '"') AS found FROM texts""")
        self._prepare("may_be_plain", f"SELECT {MAY_BE_PLAIN} AS found FROM texts")
        for number, kind in enumerate(KINDS):
            self._prepare(f"events_{number}", events_of_kind(kind))
        self._prepare("broken", broken_rules())
        self._prepare("plain", plain_events("lines"))

    def heads(self, texts: Any) -> Any:
        """For each text, in order: object_at (bytes before what may be its object; NO_PREFIX for a line without the
        core's, NO_OBJECT for one that has no more), at (NULL without a time), level (of a line that begins with another
        time than the core's: a place in plain.LEVEL_NAMES).
        """
        return self._result("heads", self._texts, pa.table({"text": texts}))

    def quoted(self, texts: Any) -> arrays.Flags:
        """For each text, in order: whether it has a double quote in it."""
        return self._flags("quoted", texts)

    def may_be_plain(self, texts: Any) -> arrays.Flags:
        """For each text, in order: whether `plain` can find an event in it."""
        return self._flags("may_be_plain", texts)

    def events(self, kind: str, objects: Any) -> Any:
        """Those of the objects (offset, at, object) that are events of a kind of columns.KINDS."""
        return self._result(f"events_{list(KINDS).index(kind)}", self._objects, objects)

    def broken(self, lines: Any) -> Any:
        """For each of the lines (offset, at, text) with a prefix that are no events, by offset: offset and reason."""
        return self._result("broken", self._rejects, lines)

    def plain(self, lines: Any) -> Any:
        """The events among the lines (offset, at, at_inferred, text) that may be plain ones."""
        return self._result("plain", self._lines, lines)

    def payloads(self, texts: Any) -> Any:
        """LiteLLM's lines among these (offset, text), by offset: as litellm.litellm_rows gives them."""
        if not self._reads_payloads:  # most logs hold none, and planning this takes a while
            self._prepare("payloads", litellm_rows())
            self._reads_payloads = True
        return self._result("payloads", self._payloads, texts)

    def _prepare(self, name: str, sql: str) -> None:
        self._connection.execute(f"PREPARE {name} AS {sql}")

    def _flags(self, name: str, texts: Any) -> arrays.Flags:
        return arrays.to_flags(self._result(name, self._texts, pa.table({"text": texts}))["found"])

    def _result(self, name: str, feed: _Feed, rows: Any) -> Any:
        # Planning takes milliseconds, and nearly all batches have nothing for half of the queries.
        if rows.num_rows or name not in self._nothing:
            feed.table = rows
            found = self._connection.sql(f"EXECUTE {name}").to_arrow_table()
            if rows.num_rows:
                return found
            self._nothing[name] = found
        return self._nothing[name]


_idle: list[Queries] = []


@contextmanager
def prepared_queries() -> Iterator[Queries]:
    """Queries that no other thread uses meanwhile."""
    try:
        queries = _idle.pop()
    except IndexError:
        queries = Queries()
    yield queries
    _idle.append(queries)  # not after an exception: who knows how it left them
