"""The store: once per line, one transaction with the place, and no trouble with its file is an error."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dashboard.lines import Checkpoint, LineSplitter
from dashboard.parsing import Batch, parse
from dashboard.store import Store

READ_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LINE = "2026-03-02 11:59:{:02d},000 INFO:app:LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s\n"
DATA = "".join(LINE.format(n) for n in range(10)).encode()


def batch(data: bytes, at: int = 0) -> Batch:
    lines = LineSplitter("s", at).feed(data, at, read_at=READ_AT, live=False)
    assert lines is not None
    return parse(lines)


def place(offset: int) -> Checkpoint:
    return Checkpoint("s", "fingerprint", offset, offset)


def test_what_is_read_twice_is_there_once() -> None:
    store = Store.open(None)

    store.append(batch(DATA), place(len(DATA)))
    store.append(batch(DATA), place(len(DATA)))

    assert store.counts() == (10, 0)
    store.close()


def test_a_part_that_was_stored_is_passed_over_and_the_rest_taken() -> None:
    store = Store.open(None)
    half = len(DATA) // 2

    store.append(batch(DATA[:half]), place(half))
    store.append(batch(DATA), place(len(DATA)))

    assert store.counts() == (10, 0)
    store.close()


def test_rows_and_place_survive_closing(tmp_path: Path) -> None:
    file = tmp_path / "store.duckdb"
    store = Store.open(file)
    store.append(batch(DATA), place(len(DATA)))
    store.close()

    again = Store.open(file)

    assert again.counts() == (10, 0)
    assert again.checkpoints() == {"s": place(len(DATA))}
    assert again.notice is None
    again.close()


def test_a_damaged_file_is_begun_anew_with_a_message(tmp_path: Path) -> None:
    file = tmp_path / "store.duckdb"
    file.write_bytes(b"not a database" * 1000)

    store = Store.open(file)
    store.append(batch(DATA), place(len(DATA)))

    assert store.counts() == (10, 0)
    assert "could not be used" in (store.notice or "")
    store.close()


def test_a_file_of_another_schema_is_begun_anew_with_a_message(tmp_path: Path) -> None:
    file = tmp_path / "store.duckdb"
    with duckdb.connect(str(file)) as other:
        other.execute("CREATE TABLE something (x INTEGER)")

    store = Store.open(file)

    assert "it holds something else" in (store.notice or "")
    assert store.counts() == (0, 0)
    store.close()


def test_a_folder_that_cannot_be_written_means_memory_and_a_message(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    store = Store.open(blocked / "store.duckdb")
    store.append(batch(DATA), place(len(DATA)))

    assert "into memory" in (store.notice or "")
    assert store.counts() == (10, 0)
    store.close()


def test_the_version_rises_with_each_batch_and_readers_see_it_at_once() -> None:
    store = Store.open(None)
    before = store.version

    store.append(batch(DATA), place(len(DATA)))

    assert store.version > before
    assert len(store.run(store.events)) == 10
    store.close()
