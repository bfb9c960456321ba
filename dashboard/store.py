"""The store: every line and event of the logs in a DuckDB file, which many threads read and one writes.

Rows and the place up to which their source has been read are written in one transaction, so the store never says that
it has read what it has not kept. A line is in it once, by source and offset: what comes again before that place is
passed over, what comes again after it (a line that was not finished) replaces what was there.

The file is an index, not a record: it can be made anew from the logs at any time (store_file.py).
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dashboard import arrays, queries, store_file
from dashboard.columns import EVENTS, KINDS, LINES, PLACES, REJECTS, TABLES
from dashboard.lines import Checkpoint
from dashboard.parsing import Batch
from dashboard.window import Window

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

COLLECTED_LINES = 20_000
"""A batch of so many lines is one of many: such batches are written together, up to COLLECTED_BYTES."""
COLLECTED_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a source has been taken. last_at: time of its last line; provisional: rows at or after `offset`."""

    checkpoint: Checkpoint
    last_at: datetime | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    batch: Batch
    place: _Place
    replaces: bool  # rows at or after the place before


class Store:
    """Lines, events and rejects.

    notice: what was unusual about opening it, None if nothing was; version: rises with each batch.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, notice: str | None = None, *, keeps_lines: bool = True
    ) -> None:
        self.notice = notice
        self._keeps_lines = keeps_lines
        self.version = 0
        self._connection = connection
        self._writer = connection.cursor()
        self._writer.execute("SET preserve_insertion_order = false")  # else one core writes
        self._writing = threading.RLock()
        self._places = self._stored_places()
        self._collected: list[_Taken] = []
        self._structured = (-1, False)  # of which version, and what was found

    @classmethod
    def open(cls, path: Path | None, *, keeps_lines: bool = True) -> "Store":
        """The store in the file `path`, in memory without one.

        keeps_lines: with all lines and their texts; without, half as large and sooner written, for numbers alone.
        Whatever is wrong with the file, a store comes back, and `notice` says what was done (store_file.py).
        """
        return cls(*store_file.connect(path), keeps_lines=keeps_lines)

    # Writing

    def append(self, batch: Batch, checkpoint: Checkpoint) -> None:
        """Takes the rows of `batch` and the place up to which its source has been read with them.

        Both are written in one transaction: at once, or together with the large batches that follow. Readers see them
        in either case. Raises: duckdb.Error if they cannot be written; then neither is taken.
        """
        with self._writing:
            before = self._places.get(batch.source)
            if before is not None:
                if before.provisional:
                    self.flush()
                batch = _from_offset(batch, before.checkpoint.offset)
            batch, last_at = _timed(batch, before.last_at if before else None)
            provisional = len(batch) > 0 and batch.lines["offset"][-1].as_py() >= checkpoint.offset
            place = _Place(checkpoint, last_at, provisional)
            one_of_many = len(batch) >= COLLECTED_LINES
            if not self._keeps_lines:
                batch = replace(batch, lines=pa.Table.from_batches([], batch.lines.schema))
            self._collected.append(_Taken(batch, place, replaces=before is not None and before.provisional))
            collected_bytes = sum(_size(taken.batch) for taken in self._collected)
            if not one_of_many or collected_bytes > COLLECTED_BYTES:
                try:
                    self.flush()
                except BaseException:
                    self._collected.pop()
                    raise
            self._places[batch.source] = place
            self.version += 1

    def flush(self) -> None:
        """Writes what has been collected. Raises: duckdb.Error if it cannot be; it stays collected then."""
        with self._writing:
            if not self._collected:
                return
            self._writer.execute("BEGIN")
            try:
                for source in dict.fromkeys(taken.batch.source for taken in self._collected):
                    self._write(source, [taken for taken in self._collected if taken.batch.source == source])
                self._writer.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    self._writer.execute("ROLLBACK")
                raise
            self._collected.clear()

    def _write(self, source: str, taken: Sequence[_Taken]) -> None:
        place = taken[-1].place
        if taken[0].replaces:
            from_offset = self._places[source].checkpoint.offset
            for name in ("lines", "rejects", *TABLES.values()):
                self._writer.execute(f'DELETE FROM {name} WHERE source = ? AND "offset" >= ?', [source, from_offset])
        self._insert("lines", LINES, source, [each.batch.lines for each in taken])
        self._insert("rejects", REJECTS, source, [each.batch.rejects for each in taken])
        for kind, columns in KINDS.items():
            self._insert(TABLES[kind], columns, source, [each.batch.events[kind] for each in taken])
        checkpoint = place.checkpoint
        self._writer.execute("DELETE FROM places WHERE source = ?", [source])
        self._writer.execute(
            f"INSERT INTO places VALUES ({', '.join('?' * len(PLACES))})",
            [
                *(source, checkpoint.fingerprint, checkpoint.offset, checkpoint.size),
                *(place.last_at and place.last_at.replace(tzinfo=None), place.provisional),
            ],
        )

    def _insert(self, name: str, columns: Mapping[str, str], source: str, parts: Sequence[Any]) -> None:
        rows = pa.concat_tables(parts)
        if rows.num_rows:
            listed = ", ".join(f'"{column}"' for column in columns if column != "source")
            self._writer.register("rows", rows)
            self._writer.execute(f"INSERT INTO {name} SELECT ?, {listed} FROM rows", [source])
            self._writer.unregister("rows")

    def keep_only(self, sources: Collection[str]) -> None:
        """Forgets all other sources. Raises: duckdb.Error if that cannot be written."""
        with self._writing:
            self.flush()
            gone = [source for source in self._places if source not in sources]
            for name in ("lines", "rejects", "places", *TABLES.values()) if gone else ():
                self._writer.execute(f"DELETE FROM {name} WHERE list_contains(?, source)", [gone])
            for source in gone:
                del self._places[source]
            self.version += 1

    def checkpoints(self) -> dict[str, Checkpoint]:
        """How far each source has been taken, by source."""
        with self._writing:
            return {source: place.checkpoint for source, place in self._places.items()}

    def close(self) -> None:
        """Writes what has been collected and closes the file."""
        with self._writing:
            self.flush()
            self._writer.close()
            self._connection.close()

    def _stored_places(self) -> dict[str, _Place]:
        columns = ", ".join(f'"{column}"' for column in PLACES)
        rows = self._writer.execute(f"SELECT {columns} FROM places").fetchall()
        return {
            source: _Place(Checkpoint(source, fingerprint, offset, size), last_at and _utc(last_at), provisional)
            for source, fingerprint, offset, size, last_at, provisional in rows
        }

    # Reading, from any thread

    @property
    def events(self) -> "ir.Table":
        """The events, for expressions to `run`. Columns: columns.EVENTS."""
        return queries.table("events", EVENTS)

    @property
    def lines(self) -> "ir.Table":
        """All lines, for expressions to `run`. Columns: columns.LINES."""
        return queries.table("lines", LINES)

    @property
    def rejects(self) -> "ir.Table":
        """The rejects, for expressions to `run`. Columns: columns.REJECTS."""
        return queries.table("rejects", REJECTS)

    def run(self, expression: "ir.Table") -> "pd.DataFrame":
        """The rows of an expression over events, lines and rejects; times are UTC."""
        import ibis

        return self._frame(str(ibis.to_sql(expression, dialect="duckdb")), {})

    @contextlib.contextmanager
    def batches(self, sql: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
        """The rows of a query of ours as a pyarrow.RecordBatchReader to be read inside the block: they may be many.

        sql, parameters: as in `query`.
        """
        given = {name: _naive(value) for name, value in parameters.items()}
        with self._reading() as connection:
            yield connection.sql(sql, params=given).to_arrow_reader(10_000)

    def read(self, metric: str, window: Window | None = None, at: datetime | None = None) -> "pd.DataFrame":
        """The rows of a metric, by the name of its function: the same as `run` gives, sooner. Times are UTC."""
        return self._frame(*queries.statement(metric, window, at, structured=self._is_structured()))

    def rows(self, metric: str, window: Window | None = None, at: datetime | None = None) -> list[dict[str, Any]]:
        """The same as `read` gives, as plain values, NULL as None: pandas takes longer to load than a query to run."""
        with self._reading() as connection:
            found = connection.execute(*queries.statement(metric, window, at, structured=self._is_structured()))
            names = [column[0] for column in found.description or ()]
            values = found.fetchall()
        return [dict(zip(names, map(_plain, row), strict=True)) for row in values]

    def columns(self, metric: str, window: Window | None = None, at: datetime | None = None) -> pa.Table:
        """The same as `read` gives, as Arrow columns with times without a zone: for a million rows, a tenth of the time."""
        sql, parameters = queries.statement(metric, window, at, structured=self._is_structured())
        with self._reading() as connection:
            return connection.sql(sql, params=parameters).to_arrow_table()

    def query(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The rows of a query of ours, as plain values; times are UTC, in parameters too.

        sql: never of a person's making (console.py has those); what people typed goes into parameters.
        """
        given = {name: _naive(value) for name, value in parameters.items()}
        with self._reading() as connection:
            found = connection.execute(sql, given)
            names = [column[0] for column in found.description or ()]
            values = found.fetchall()
        return [dict(zip(names, map(_plain, row), strict=True)) for row in values]

    def extent(self) -> tuple[datetime, datetime] | None:
        """Times of the oldest and the newest event, UTC; None without one."""
        with self._reading() as connection:
            oldest, newest = connection.execute('SELECT min("at"), max("at") FROM events').fetchall()[0]
        return None if oldest is None else (_utc(oldest), _utc(newest))

    def counts(self) -> tuple[int, int]:
        """How many events and how many rejects there are."""
        with self._reading() as connection:
            events, rejects = connection.execute(
                "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM rejects)"
            ).fetchall()[0]
        return int(events), int(rejects)

    def event_count(self, window: Window) -> int:
        """How many events a window holds."""
        with self._reading() as connection:
            sql = 'SELECT count(*) FROM events WHERE "at" >= ? AND "at" < ?'
            start, end = (at.astimezone(UTC).replace(tzinfo=None) for at in (window.start, window.end))
            [(count,)] = connection.execute(sql, [start, end]).fetchall()
        return int(count)

    def event_times(self, window: Window) -> list[datetime]:
        """The time of the newest event in each bucket that has one, UTC, in order."""
        sql = """SELECT max("at") FROM events WHERE "at" >= ? AND "at" < ?
            GROUP BY time_bucket(to_seconds(?), "at") ORDER BY 1"""
        start, end = (at.astimezone(UTC).replace(tzinfo=None) for at in (window.start, window.end))
        with self._reading() as connection:
            return [_utc(at) for (at,) in connection.execute(sql, [start, end, window.bucket_s]).fetchall()]

    @contextlib.contextmanager
    def stream(self, table: str, columns: Sequence[str], window: Window | None = None) -> Iterator[Any]:
        """Rows of a table, or of the view `events`, as a pyarrow.RecordBatchReader to be read inside the block.

        table, columns: names of dashboard.columns, never of a person; window: None for all rows.
        """
        listed = ", ".join(f'"{column}"' for column in columns)
        where: str = ""
        times: list[datetime] = []
        if window is not None:
            where = ' WHERE "at" >= ? AND "at" < ?'
            times = [at.astimezone(UTC).replace(tzinfo=None) for at in (window.start, window.end)]
        with self._reading() as connection:
            yield connection.sql(f"SELECT {listed} FROM {table}{where}", params=times).to_arrow_reader(100_000)

    def _is_structured(self) -> bool:
        """Whether no event is plain and every source with attempts says its requests."""
        if self._structured[0] != self.version:
            with self._reading() as connection:
                found = connection.execute(_STRUCTURED).fetchall()[0][0]
            self._structured = (self.version, bool(found))
        return self._structured[1]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._collected:
            self.flush()
        connection = self._connection.cursor()
        try:
            yield connection
        finally:
            connection.close()

    def _frame(self, sql: str, parameters: Mapping[str, Any]) -> "pd.DataFrame":
        with self._reading() as connection:
            frame: pd.DataFrame = connection.execute(sql, dict(parameters)).df()
        for column, kind in frame.dtypes.items():
            if kind.kind == "M":
                frame[column] = frame[column].dt.tz_localize("UTC")
        return frame


_STRUCTURED = """
    SELECT NOT EXISTS (SELECT 1 FROM attempts WHERE plain)
        AND NOT EXISTS (SELECT 1 FROM fallbacks WHERE plain)
        AND NOT EXISTS (SELECT 1 FROM others WHERE plain)
        AND NOT EXISTS (SELECT 1 FROM places WHERE source NOT IN (SELECT source FROM requests)
            AND source IN (SELECT source FROM attempts))
"""


def _size(batch: Batch) -> int:
    return sum(int(rows.nbytes) for rows in (batch.lines, *batch.events.values()))


def _from_offset(batch: Batch, offset: int) -> Batch:
    """The rows of lines that begin at `offset` or after it: those before it are there for good."""
    if not len(batch) or batch.lines["offset"][0].as_py() >= offset:
        return batch

    def kept(rows: Any) -> Any:
        later = arrays.to_numbers(rows["offset"]) >= offset
        if later.all():
            return rows
        # string_view, the text's type, has no kernel that takes single rows.
        text = rows.schema.get_field_index("text")
        if text >= 0:
            rows = rows.set_column(text, "text", rows["text"].cast(pa.large_string()))
        rows = rows.filter(arrays.flags_to_arrow(later))
        return rows if text < 0 else rows.set_column(text, "text", rows["text"].cast(pa.string_view()))

    return _changed(batch, kept)


def _timed(batch: Batch, last_at: datetime | None) -> tuple[Batch, datetime | None]:
    """The rows with times for the first lines too, and the last line's time."""
    if not len(batch):
        return batch, last_at
    times = batch.lines["at"]
    if not times[0].is_valid:
        if last_at is not None:
            at = arrays.to_moment(last_at)
        else:
            # A file's first lines: nothing stands before them, so the next time known, or that of reading.
            known = pc.drop_null(times)
            at = known[0] if len(known) else arrays.to_moment(batch.read_at)
        batch = _changed(batch, lambda rows: _filled(rows, at))
    return batch, _utc(batch.lines["at"][-1].as_py())


def _changed(batch: Batch, change: Callable[[Any], Any]) -> Batch:
    """The batch with each of its tables changed."""
    events = {kind: change(rows) for kind, rows in batch.events.items()}
    return Batch(batch.source, batch.read_at, change(batch.lines), events, change(batch.rejects))


def _filled(rows: Any, at: Any) -> Any:
    index = rows.schema.get_field_index("at")
    return rows.set_column(index, "at", pc.fill_null(rows["at"], at))


def _plain(value: Any) -> Any:
    return _utc(value) if isinstance(value, datetime) else value


def _naive(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
