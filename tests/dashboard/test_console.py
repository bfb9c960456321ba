"""The SQL console answers one SELECT and can do nothing else, whoever asks."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from dashboard import console, console_child
from dashboard.console import TABLES, Answer, ConsoleError, ask
from dashboard.console_child import RefusedError, engine, needs
from dashboard.ingest import Ingest
from dashboard.store import Store
from dashboard.window import Window
from resilience.events import GuardTriggered, Origin, to_line

SAMPLE = Path(__file__).parents[2] / "sample_logs" / "primary_down.log"
COLUMNS = {table: list(columns) for table, columns in TABLES.items()}

WRITING = """
    INSERT INTO lines VALUES ('a', 1, now(), false, 'INFO', NULL, 'x')
    UPDATE attempts SET status = 'success'
    DELETE FROM events
    TRUNCATE lines
    DROP TABLE lines
    CREATE TABLE mine AS SELECT * FROM lines
    CREATE OR REPLACE VIEW events AS SELECT 1
    CREATE MACRO f(x) AS x
    CREATE SECRET s (TYPE s3)
    ALTER TABLE lines ADD COLUMN x INTEGER
    MERGE INTO lines USING attempts ON true WHEN MATCHED THEN DELETE
    COPY lines TO 'stolen.csv'
    COPY (SELECT * FROM lines) TO '/dev/tcp/127.0.0.1/1'
    COPY lines FROM '/etc/passwd'
    EXPORT DATABASE 'copy'
    IMPORT DATABASE 'copy'
    ATTACH 'other.duckdb' AS other
    ATTACH ':memory:' AS other
    DETACH memory
    USE memory
    INSTALL httpfs
    LOAD httpfs
    LOAD '/tmp/evil.duckdb_extension'
    FORCE INSTALL spatial FROM 'http://127.0.0.1/'
    SET enable_external_access = true
    SET memory_limit = '100GB'
    SET VARIABLE x = 1
    RESET lock_configuration
    PRAGMA database_list
    PRAGMA enable_profiling
    CALL pragma_database_size()
    CALL enable_logging()
    CHECKPOINT
    VACUUM
    ANALYZE
    BEGIN
    COMMIT
    PREPARE p AS SELECT 1
    EXECUTE p
    DEALLOCATE p
    EXPLAIN ANALYZE SELECT 1
    COMMENT ON TABLE lines IS 'x'
    SELECT 1; DROP TABLE lines
    SELECT 1; SELECT 2
    WITH gone AS (DELETE FROM lines RETURNING *) SELECT * FROM gone
    WITH more AS (INSERT INTO lines SELECT * FROM lines RETURNING *) SELECT * FROM more
    WITH other AS (UPDATE lines SET text = '' RETURNING *) SELECT * FROM other
    SELECT * FROM (DELETE FROM lines RETURNING *)
    WITH stolen AS (COPY lines TO 'stolen.csv') SELECT 1
    SELECT (WITH stolen AS (COPY lines TO 'stolen.csv') SELECT 1)
    PIVOT lines ON level USING count(*)
"""

READING = """
    SELECT * FROM read_csv('/etc/passwd')
    SELECT * FROM read_csv_auto('/etc/passwd')
    SELECT * FROM read_text('/etc/passwd')
    SELECT * FROM read_blob('/etc/passwd')
    SELECT * FROM read_json('/etc/passwd')
    SELECT * FROM read_ndjson_objects('/etc/passwd')
    SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')
    SELECT * FROM read_csv('s3://bucket/x.csv')
    SELECT * FROM parquet_metadata('x.parquet')
    SELECT * FROM sniff_csv('/etc/passwd')
    SELECT * FROM glob('/etc/*')
    SELECT * FROM '/etc/passwd'
    SELECT * FROM "/etc/passwd"
    SELECT * FROM 'https://127.0.0.1/x.parquet'
    SELECT (SELECT count(*) FROM '/etc/passwd')
    SELECT 1 WHERE EXISTS (FROM read_text('/etc/passwd'))
    WITH t AS (FROM glob('*')) SELECT * FROM t
    SELECT * FROM lines JOIN read_text('/etc/passwd') ON true
    SELECT * FROM lines LIMIT (SELECT count(*) FROM glob('*'))
    SELECT * FROM system.main.read_text('/etc/passwd')
    SELECT * FROM query('DROP TABLE lines')
    SELECT * FROM query_table('lines')
    SELECT * FROM json_execute_serialized_sql('{}')
    SELECT * FROM arrow_scan(1, 2, 3)
    SELECT * FROM python_arrow_scan(1, 2, 3)
    SELECT * FROM pandas_scan(1)
    SELECT * FROM duckdb_settings()
    SELECT * FROM duckdb_secrets()
    SELECT * FROM duckdb_logs()
    SELECT * FROM duckdb_tables
    SELECT * FROM pragma_storage_info('lines')
    SELECT * FROM information_schema.tables
    SELECT * FROM pg_catalog.pg_tables
    SELECT * FROM sqlite_master
    SELECT * FROM memory.main.lines
    SELECT * FROM places
    SELECT * FROM schema
    SELECT * FROM sys
    SELECT * FROM test_all_types()
    SELECT * FROM repeat(1, 10)
    SELECT getenv('HOME')
    SELECT upper(getenv('PATH')) FROM lines
    SELECT current_setting('temp_directory')
    SELECT getvariable('x')
    SELECT pg_sleep(1)
    SELECT sleep_ms(1)
    SELECT write_log('x')
    SELECT nextval('x')
    SELECT system.main.getenv('HOME')
    SELECT list_transform([1], lambda x: getenv('HOME'))
    SELECT max(level) FILTER (WHERE getenv('HOME') = 'x') FROM lines
    SELECT sum(1) OVER (ORDER BY getenv('HOME')) FROM lines
    SHOW TABLES
    SHOW ALL TABLES
    SHOW DATABASES
"""


def _each(statements: str) -> list[str]:
    return [line.strip() for line in statements.strip().splitlines()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    log = tmp_path / "backend_live.log"
    log.write_bytes(SAMPLE.read_bytes())
    store = Store.open(tmp_path / "events.duckdb")
    Ingest(store, [str(log)], follow=False).run_once()
    yield store
    store.close()


@pytest.fixture
def checked() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = engine(64)
    yield connection
    connection.close()


def _state(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_question_is_answered_from_the_store(store: Store) -> None:
    found = ask(store, "SELECT status, count(*) AS n FROM attempts GROUP BY ALL ORDER BY 1;  -- by status", None)

    grepped = {status: SAMPLE.read_text().count(f", status={status}, latency") for status in ("failed", "success")}
    assert found.columns == ("status", "n")
    assert {status: n for status, n in found.rows if status in grepped} == grepped
    assert not found.more


def test_what_the_guards_found_can_be_summed_by_kind(store: Store, tmp_path: Path) -> None:
    event = GuardTriggered(request_id="r", guard="pii", action="redacted", counts={"email": 2, "phone": 1})
    with (tmp_path / "backend_live.log").open("a") as log:
        log.writelines(to_line(event, 1_772_442_000.0 + second, Origin("m", "t", 1)) for second in range(3))
    Ingest(store, [str(tmp_path / "backend_live.log")], follow=False).run_once()

    question = """SELECT e.unnest.key AS kind, sum(e.unnest.value)::BIGINT AS n FROM events, unnest(map_entries(counts)) AS e
        WHERE event = 'GUARD_TRIGGERED' AND counts['email'] > 1 GROUP BY ALL ORDER BY 1"""
    found = ask(store, question, None)

    assert found.rows == (("email", 6), ("phone", 3))


def test_only_the_rows_of_the_range_are_asked(store: Store) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    window = Window.of(midnight, midnight + timedelta(minutes=1))

    found = ask(store, "SELECT count(*), max(\"at\") < '2026-03-02 00:01:00' FROM lines", window)

    expected = sum(line.startswith("2026-03-02T00:00:") for line in SAMPLE.read_text().splitlines())
    assert found.rows == ((expected, True),)


@pytest.mark.parametrize("statement", _each(WRITING))
def test_what_would_change_something_is_refused(checked: duckdb.DuckDBPyConnection, statement: str) -> None:
    with pytest.raises(RefusedError, match=r"only a SELECT|not SQL that can be read|one statement at a time"):
        needs(checked, statement, COLUMNS)


@pytest.mark.parametrize("statement", _each(READING))
def test_what_would_look_beyond_the_events_is_refused(checked: duckdb.DuckDBPyConnection, statement: str) -> None:
    with pytest.raises(RefusedError, match=r"not available|there is no table"):
        needs(checked, statement, COLUMNS)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM sniff_csv('{file}')",
        "COPY (SELECT 1) TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/other.duckdb' AS other",
        "EXPORT DATABASE '{folder}/copy'",
        "LOAD '{folder}/evil.duckdb_extension'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM __file__",
    ],
)
def test_behind_the_check_the_engine_refuses_too(
    checked: duckdb.DuckDBPyConnection, tmp_path: Path, statement: str
) -> None:
    (tmp_path / "secret.csv").write_text("secret\n")
    before = _state(tmp_path)
    checked.execute("SET lock_configuration = true")

    with pytest.raises(duckdb.Error):
        checked.execute(statement.format(file=tmp_path / "secret.csv", folder=tmp_path)).fetchall()

    assert _state(tmp_path) == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT count(*) FROM events a, events b, events c, events d", "took longer than 1.5 s"),
        ("WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t) SELECT max(a) FROM t", "took longer|memory"),
        ("WITH RECURSIVE t(a) AS (SELECT 'x' UNION ALL SELECT a || a FROM t) SELECT max(a) FROM t", "longer|memory"),
        ("SELECT repeat('x', 2000000000)", "took longer|memory"),
        ("SELECT length(repeat(repeat('x', 100000), 100000))", "took longer|memory|maximum"),
        ("SELECT lpad('x', 2000000000, 'y')", "took longer|memory|range"),
        ("SELECT range(1000000000)", "took longer|memory"),
        ("SELECT list_transform(range(100000000), lambda x: repeat('x', x))", "took longer|memory"),
        ("SELECT string_agg(text, ',') FROM lines, range(1000000)", "took longer|memory"),
        ("DROP TABLE lines", "only a SELECT"),
        ("SELECT * FROM read_text('/etc/passwd')", "not available"),
        ("SELECT error('\x1b[31mred')", "red"),
        ("SELECT nothing FROM lines", "nothing"),
        ("SELECT CAST(text AS INTEGER) FROM lines", "Could not convert"),
        ("", "nothing to ask"),
        ("SELECT '" + "x" * 20_000 + "'", "10,000 characters"),
        ("SELECT " + "(" * 4000 + "1" + ")" * 4000, "nested|depth"),
        ("SELECT " + "1+" * 4000 + "1", "nested|depth"),
        ("\x00SELECT 1", "only a SELECT"),
        ("SELEC 1", "not SQL"),
    ],
)
def test_too_much_of_anything_ends_in_a_message_and_changes_nothing(
    store: Store, tmp_path: Path, statement: str, said: str
) -> None:
    before, rows = _state(tmp_path), store.counts()

    with pytest.raises(ConsoleError, match=said):
        ask(store, statement, None, time_s=1.5)

    assert _state(tmp_path) == before
    assert store.counts() == rows


def test_a_billion_rows_end_at_the_limit(store: Store) -> None:
    found = ask(store, "SELECT * FROM range(1000000000)", None)

    assert (len(found.rows), found.more) == (console.ROWS, True)


def test_a_long_text_is_cut_and_says_so(store: Store) -> None:
    found = ask(store, "SELECT repeat('x', 5000)", None)

    assert found.rows == (("x" * 2000 + " … +3,000 characters",),)


def test_a_range_with_too_much_in_it_says_so(store: Store) -> None:
    with pytest.raises(ConsoleError, match="narrow it"):
        ask(store, "SELECT max(text) FROM lines", None, data_mb=0)


def test_the_process_can_write_no_file_whatever_the_engine_does(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = f"""
from dashboard import console_child
console_child.limit(64, 64, 5)
with open({str(tmp_path / "stolen")!r}, "w") as file:
    file.write("x")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "File too large" in ended.stderr
    assert (tmp_path / "stolen").read_text() == ""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT count(*) FROM lines", {"lines": ["source"]}),
        ("SELECT max(\"AT\") FROM Lines", {"lines": ["at"]}),
        ("FROM rejects", {"rejects": COLUMNS["rejects"]}),
        ("SELECT l FROM lines l", {"lines": COLUMNS["lines"]}),
        ("SELECT provider FROM attempts JOIN fallbacks USING (request_id)",
         {"attempts": ["request_id", "provider"], "fallbacks": ["request_id"]}),
        ("SELECT count(*) FROM attempts NATURAL JOIN fallbacks",
         {"attempts": COLUMNS["attempts"], "fallbacks": COLUMNS["fallbacks"]}),
        ("WITH lines AS (SELECT level FROM lines) SELECT * FROM lines", {"lines": COLUMNS["lines"]}),
        ("SELECT unnest([1, 2])", {}),
        ("SUMMARIZE fallbacks", {"fallbacks": COLUMNS["fallbacks"]}),
    ],
)  # fmt: skip
def test_a_question_gets_the_columns_that_it_names(
    checked: duckdb.DuckDBPyConnection, statement: str, expected: dict[str, list[str]]
) -> None:
    assert needs(checked, statement, COLUMNS) == expected


def test_each_table_of_the_console_can_be_asked_for_all_its_columns(store: Store) -> None:
    for table, columns in TABLES.items():
        found = ask(store, f"SELECT * FROM {table} LIMIT 1", None)

        assert isinstance(found, Answer)
        assert found.columns == columns, table


def test_functions_that_give_rows_do_not_touch_anything(checked: duckdb.DuckDBPyConnection) -> None:
    known = {name for (name,) in checked.execute("SELECT function_name FROM duckdb_functions()").fetchall()}

    assert known >= console_child.TABLE_FUNCTIONS
