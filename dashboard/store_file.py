"""The store's file: opened if it can be used, begun anew if not.

It is an index that can be made anew from the logs at any time, so no trouble with it is an error: one that is damaged or
of another schema is put aside, one that another process uses is left alone, and where none can be written the store is
in memory. What was done comes back as a notice for people.
"""

from pathlib import Path

import duckdb

from dashboard.columns import KINDS, LINES, PLACES, REJECTS, TABLES, events_view

SCHEMA = 2
"""Raised whenever the meaning of a stored row changes; a file of another number is begun anew."""

_COLUMNS = {"lines": LINES, "rejects": REJECTS, "places": PLACES} | {TABLES[kind]: KINDS[kind] for kind in KINDS}


class _OtherSchemaError(Exception):
    pass


def connect(path: Path | None) -> tuple[duckdb.DuckDBPyConnection, str | None]:
    """A connection to a database with the store's tables, and a notice if it is not the one asked for.

    path: the file, which need not exist; None for one in memory.
    """
    if path is None:
        return _in_memory(), None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _in_file(path), None
    except OSError as exc:
        return _in_memory(), f"{path} cannot be used ({exc.strerror}): reading the logs into memory"
    except _OtherSchemaError as exc:
        return _anew(path, str(exc))
    except duckdb.Error as exc:
        text = str(exc).splitlines()[0]
        if "lock" in text:
            return _in_memory(), f"{path} is in use by another process: reading the logs into memory"
        return _anew(path, text)


def _anew(path: Path, trouble: str) -> tuple[duckdb.DuckDBPyConnection, str]:
    aside = path.with_name(f"{path.name}.unusable")
    try:
        path.replace(aside)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        return _in_file(path), f"{path} could not be used ({trouble}): reading the logs anew, the file is now {aside}"
    except (OSError, duckdb.Error):
        return _in_memory(), f"{path} could not be used ({trouble}): reading the logs into memory"


def _in_memory() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    _create(connection)
    return connection


def _in_file(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path)
    try:
        tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if not tables:
            _create(connection)
        elif tables != {*_COLUMNS, "schema"}:
            raise _OtherSchemaError("it holds something else")
        found = connection.execute('SELECT "version", columns FROM schema').fetchall()
        if found != [_schema()]:
            raise _OtherSchemaError("it was written by another version")
        for name in _COLUMNS:
            connection.execute(f"SELECT * FROM {name} LIMIT 1").fetchall()  # damage shows here
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("BEGIN")
    for name, columns in _COLUMNS.items():
        # zstd halves the time of writing text, and takes a fifth of the space.
        listed = ", ".join(
            f'"{column}" {kind}' + (" USING COMPRESSION zstd" if column == "text" else "")
            for column, kind in columns.items()
        )
        connection.execute(f"CREATE TABLE {name} ({listed})")
    connection.execute(f"CREATE VIEW events AS {events_view()}")
    connection.execute('CREATE TABLE schema ("version" INTEGER, columns VARCHAR)')
    connection.execute("INSERT INTO schema VALUES (?, ?)", list(_schema()))
    connection.execute("COMMIT")


def _schema() -> tuple[int, str]:
    return SCHEMA, repr({name: dict(columns) for name, columns in _COLUMNS.items()})
