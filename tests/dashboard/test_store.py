"""The store: once per line, one transaction with the place, and no trouble with its file is an error."""

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

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


def test_a_line_that_was_not_finished_is_replaced_when_its_rest_comes() -> None:
    store = Store.open(None)
    whole, cut = DATA[: 3 * len(LINE.format(0))], DATA[: 3 * len(LINE.format(0)) - 40]
    splitter = LineSplitter("s")
    lines = splitter.feed(cut, 0, read_at=READ_AT, live=False)
    unfinished = splitter.unfinished(read_at=READ_AT)
    assert lines is not None
    assert unfinished is not None

    store.append(parse(lines), place(splitter.position))
    store.append(parse(unfinished), place(splitter.position))
    before = texts(store)
    rest = splitter.feed(whole[len(cut) :], len(cut), read_at=READ_AT, live=False)
    assert rest is not None
    store.append(parse(rest), place(splitter.position))

    assert before == [*whole.decode().splitlines()[:2], cut.decode().splitlines()[2]]
    assert texts(store) == whole.decode().splitlines()
    assert store.counts() == (3, 0)
    store.close()


def texts(store: Store) -> list[str]:
    return [str(text) for text in store.run(store.lines.order_by("offset"))["text"]]


def test_a_time_is_carried_from_batch_to_batch_and_over_closing(tmp_path: Path) -> None:
    timed, untimed = LINE.format(7).encode(), b"a line without a time\n"
    store = Store.open(tmp_path / "store.duckdb")
    store.append(batch(timed), place(len(timed)))
    store.append(batch(untimed, len(timed)), place(len(timed + untimed)))
    store.close()

    store = Store.open(tmp_path / "store.duckdb")
    at = len(timed + untimed)
    store.append(batch(untimed, at), place(at + len(untimed)))

    found = store.run(store.lines.order_by("offset"))
    assert list(found["at"]) == [datetime(2026, 3, 2, 11, 59, 7, tzinfo=UTC)] * 3
    assert list(found["at_inferred"]) == [False, True, True]
    store.close()


def test_lines_before_the_first_time_take_it_and_a_log_without_times_that_of_reading() -> None:
    store = Store.open(None)

    store.append(batch(b"first words\n" + LINE.format(7).encode()), place(200))
    timeless = LineSplitter("t").feed(b"no time at all\n", 0, read_at=READ_AT, live=False)
    assert timeless is not None
    store.append(parse(timeless), Checkpoint("t", "f", 15, 15))

    found = store.run(store.lines.order_by("source", "offset"))
    assert list(found["at"]) == [READ_AT - timedelta(seconds=53), READ_AT - timedelta(seconds=53), READ_AT]
    store.close()


def test_large_batches_are_collected_and_read_all_the_same(tmp_path: Path) -> None:
    lines = 25_000
    data = LINE.format(1).encode() * lines
    store = Store.open(tmp_path / "store.duckdb")

    store.append(batch(data), place(len(data)))
    store.append(batch(data, len(data)), place(2 * len(data)))

    assert store.checkpoints() == {"s": place(2 * len(data))}
    assert store.counts() == (2 * lines, 0)
    store.close()


def test_a_file_that_another_process_uses_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "store.duckdb"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()",
            file,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    store = Store.open(file)
    store.append(batch(DATA), place(len(DATA)))

    assert "in use by another process" in (store.notice or "")
    assert store.counts() == (10, 0)
    store.close()
    holder.communicate(b"\n")
    assert not file.with_name("store.duckdb.unusable").exists()


def test_what_cannot_be_written_is_not_taken() -> None:
    store = Store.open(None)
    store.append(batch(DATA), place(len(DATA)))
    store._writer.execute(
        "ALTER TABLE places RENAME TO elsewhere"
    )  # whatever goes wrong in the middle of a transaction

    with pytest.raises(duckdb.Error):
        store.append(batch(b"x" + DATA, len(DATA)), place(2 * len(DATA)))

    assert store.checkpoints() == {"s": place(len(DATA))}
    assert len(texts(store)) == 10
    store.close()


def test_many_threads_read_while_one_writes(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.duckdb")
    counts: list[int] = []
    written = threading.Event()

    def read() -> None:
        while not written.is_set():
            counts.append(store.counts()[0])

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(20):
        store.append(batch(DATA, number * len(DATA)), place((number + 1) * len(DATA)))
    written.set()
    for reader in readers:
        reader.join()

    assert store.counts() == (200, 0)
    assert all(count % 10 == 0 for count in counts)
    store.close()
