import gzip
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard import ingest as ingest_module
from dashboard import tail
from dashboard.ingest import Ingest, IngestStatus
from dashboard.lines import Checkpoint
from dashboard.parsing import Batch
from dashboard.store import Store
from dashboard.tailed_file import FileState

BOUND_S = 20.0
ROOT = Path(__file__).parents[2]


class WatchedStore:
    """A store that can be waited for, and that can refuse."""

    def __init__(self, path: Path | None = None) -> None:
        self.store = Store.open(path)
        self.appends = 0
        self.taken = 0
        self.refusals = 0
        self.changed = threading.Condition()

    def append(self, batch: Batch, checkpoint: Checkpoint) -> None:
        with self.changed:
            self.appends += 1
            if self.refusals:
                self.refusals -= 1
                raise OSError(28, "No space left on device")
            self.store.append(batch, checkpoint)
            self.taken += len(batch)
            self.changed.notify_all()

    def flush(self) -> None:
        self.store.flush()

    def checkpoints(self) -> dict[str, Checkpoint]:
        return self.store.checkpoints()

    def texts(self) -> list[str]:
        return sorted(self.store.run(self.store.lines.select("text"))["text"])

    def wait_for(self, lines: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.taken >= lines, BOUND_S), f"{self.taken} lines after {BOUND_S} s"


class Writer(threading.Thread):
    """Appends numbered lines and opens the log again only now and then, as services do after a rotation."""

    def __init__(self, log: Path, rounds: int, lines_per_round: int) -> None:
        super().__init__()
        self.log, self.rounds, self.lines_per_round = log, rounds, lines_per_round
        self.go = threading.Semaphore(0)
        self.pausing = threading.Lock()

    def run(self) -> None:
        number = 0
        for _ in range(self.rounds):
            self.go.acquire()
            for _ in range(self.lines_per_round // 50):
                with self.pausing, self.log.open("ab", buffering=0) as file:
                    for _ in range(50):
                        file.write(text(number).encode() + b"\n")
                        number += 1

    @property
    def expected(self) -> list[str]:
        return sorted(text(number) for number in range(self.rounds * self.lines_per_round))


def text(number: int) -> str:
    return f"2025-10-19T02:41:07.123Z INFO:backend:line {number:06d} ⚠️"


def append(path: Path, first: int, end: int) -> None:
    with path.open("ab") as file:
        file.write("".join(text(number) + "\n" for number in range(first, end)).encode())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "backend_live.log"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedStore]:
    monkeypatch.setattr(ingest_module, "RETRY_S", 0.01)
    store = WatchedStore()
    yield store
    store.store.close()


@pytest.fixture
def following(store: WatchedStore) -> Iterator[Callable[..., Ingest]]:
    started: list[Ingest] = []

    def follow(*paths: Path | str) -> Ingest:
        ingest = Ingest(store, [str(path) for path in paths], follow=True)
        ingest.start()
        started.append(ingest)
        return ingest

    yield follow
    for ingest in started:
        ingest.stop()


def rotate(log: Path, keep: int, *, last: Callable[[Path, Path], object]) -> None:
    for number in range(keep, 0, -1):
        old = log.with_name(f"{log.name}.{number}")
        if old.exists():
            old.rename(log.with_name(f"{log.name}.{number + 1}"))
    if log.exists():
        last(log, log.with_name(f"{log.name}.1"))


def copy_and_truncate(log: Path, rotated: Path) -> None:
    shutil.copyfile(log, rotated)
    os.truncate(log, 0)


# Reading once


def test_everything_there_is_is_read(store: WatchedStore, log: Path) -> None:
    append(log, 0, 100)
    log.with_name("backend_live.log.1.gz").write_bytes(gzip.compress("".join(f"{n}\n" for n in range(50)).encode()))

    status = Ingest(store, [f"{log}*"], follow=False).run_once()

    assert len(store.texts()) == 150
    assert [(Path(s.path).name, s.offset == s.size, s.state) for s in status.sources] == [
        ("backend_live.log", True, FileState.COMPLETE),
        ("backend_live.log.1.gz", True, FileState.COMPLETE),
    ]


def test_an_unfinished_end_counts_when_nobody_follows_and_is_replaced_by_its_whole_line(
    store: WatchedStore, log: Path
) -> None:
    log.write_bytes(b"whole\nhalf a li")
    Ingest(store, [str(log)], follow=False).run_once()
    before = store.texts()

    with log.open("ab") as file:
        file.write(b"ne\nanother\n")
    Ingest(store, [str(log)], follow=False).run_once()

    assert before == ["half a li", "whole"]
    assert store.texts() == ["another", "half a line", "whole"]


def test_progress_ends_at_the_whole(store: WatchedStore, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", 1000)
    append(log, 0, 100)
    steps: list[tuple[int, int]] = []

    Ingest(store, [str(log)], follow=False, progress=lambda done, total: steps.append((done, total))).run_once()

    assert len(steps) > 3
    assert steps == sorted(steps)
    assert steps[-1] == (log.stat().st_size, log.stat().st_size)


def test_a_second_read_changes_nothing(store: WatchedStore, log: Path) -> None:
    append(log, 0, 100)
    Ingest(store, [str(log)], follow=False).run_once()
    appends = store.appends

    Ingest(store, [str(log)], follow=False).run_once()

    assert store.appends == appends


def test_what_the_store_refuses_is_raised(store: WatchedStore, log: Path) -> None:
    append(log, 0, 100)
    store.refusals = 1

    with pytest.raises(OSError, match="No space left"):
        Ingest(store, [str(log)], follow=False).run_once()


# Following


def test_a_line_arrives_when_it_is_written(store: WatchedStore, log: Path, following: Callable[..., Ingest]) -> None:
    changes = threading.Semaphore(0)
    append(log, 0, 10)
    ingest = following(log)
    ingest.on_change = changes.release
    store.wait_for(10)

    append(log, 10, 11)

    assert changes.acquire(timeout=BOUND_S)
    store.wait_for(11)


def test_lines_that_come_fast_are_stored_together(
    store: WatchedStore, log: Path, following: Callable[..., Ingest]
) -> None:
    append(log, 0, 1)
    following(log)
    store.wait_for(1)

    for number in range(1, 2001):
        append(log, number, number + 1)
    store.wait_for(2001)

    assert store.appends < 200


def test_a_listener_that_raises_changes_nothing(
    store: WatchedStore, log: Path, following: Callable[..., Ingest], caplog: pytest.LogCaptureFixture
) -> None:
    ingest = following(log)

    def broken() -> None:
        raise RuntimeError("page closed")

    ingest.on_change = broken
    append(log, 0, 10)
    store.wait_for(10)
    append(log, 10, 20)
    store.wait_for(20)

    assert "a listener failed" in caplog.text


def test_a_full_disk_loses_nothing(
    store: WatchedStore, log: Path, following: Callable[..., Ingest], caplog: pytest.LogCaptureFixture
) -> None:
    store.refusals = 2
    append(log, 0, 100)

    following(log)
    store.wait_for(100)

    assert store.appends == 3
    assert caplog.text.count("the log cannot be stored") == 1


def test_trouble_is_told_and_forgotten(store: WatchedStore, log: Path) -> None:
    store.refusals = 1
    append(log, 0, 100)
    ingest = Ingest(store, [str(log)], follow=True)
    seen: list[IngestStatus] = []
    refuse = store.append

    def append_and_look(batch: Batch, checkpoint: Checkpoint) -> None:
        seen.append(ingest.status())
        refuse(batch, checkpoint)

    store.append = append_and_look  # type: ignore[method-assign]  # to look in between
    ingest.start()
    store.wait_for(100)
    ingest.stop()

    assert [status.trouble for status in seen] == ["", "OSError: [Errno 28] No space left on device"]
    assert ingest.status().trouble == ""


def test_inotify_that_refuses_is_replaced_by_looking(
    store: WatchedStore, log: Path, following: Callable[..., Ingest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr("dashboard.watch_files.Observer", refused)
    append(log, 0, 10)
    following(log)
    store.wait_for(10)

    append(log, 10, 20)

    store.wait_for(20)


def rounds_read(writer: Writer, store: WatchedStore) -> Iterator[None]:
    """Lets the writer write round by round; after each beginning of one has been read, and at last all of it."""
    for _ in range(writer.rounds):
        seen = store.taken
        writer.go.release()
        store.wait_for(seen + 1)
        yield
    writer.join()
    store.wait_for(len(writer.expected))


@pytest.mark.parametrize("pattern", ["", "*"])
def test_no_line_is_lost_or_doubled_while_names_rotate(
    store: WatchedStore, log: Path, following: Callable[..., Ingest], pattern: str
) -> None:
    writer = Writer(log, rounds=6, lines_per_round=1000)
    following(f"{log}{pattern}")
    writer.start()

    for _ in rounds_read(writer, store):
        rotate(log, 20, last=Path.rename)

    assert store.texts() == writer.expected


@pytest.mark.parametrize("pattern", ["", "*"])
def test_no_line_is_lost_or_doubled_while_the_log_is_copied_and_truncated(
    store: WatchedStore, log: Path, following: Callable[..., Ingest], pattern: str
) -> None:
    writer = Writer(log, rounds=6, lines_per_round=1000)
    following(f"{log}{pattern}")
    writer.start()

    for _ in rounds_read(writer, store):
        with writer.pausing:  # what is written between copying and truncating is lost to everybody
            rotate(log, 20, last=copy_and_truncate)

    assert store.texts() == writer.expected


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="logrotate is not installed")
@pytest.mark.parametrize("how", ["create", "copytruncate"])
def test_logrotate_itself(store: WatchedStore, log: Path, following: Callable[..., Ingest], how: str) -> None:
    settings = log.with_name("logrotate.conf")
    settings.write_text(f"{log} {{\n rotate 20\n compress\n {how}\n}}\n")
    writer = Writer(log, rounds=5, lines_per_round=1000)
    following(f"{log}*")
    writer.start()

    for _ in rounds_read(writer, store):
        with writer.pausing:
            state = str(log.with_name("logrotate.state"))
            subprocess.run([shutil.which("logrotate") or "", "-f", "-s", state, str(settings)], check=True)

    assert store.texts() == writer.expected


def test_stopping_and_starting_in_the_middle_loses_nothing(store: WatchedStore, log: Path) -> None:
    writer = Writer(log, rounds=8, lines_per_round=1000)
    writer.start()

    for round_ in range(writer.rounds):
        ingest = Ingest(store, [str(log)], follow=True)
        seen = store.taken
        writer.go.release()
        ingest.start()
        store.wait_for(seen + 1)
        ingest.stop()
        if round_ % 2:
            rotate(log, 20, last=Path.rename)
    writer.join()
    Ingest(store, [f"{log}*"], follow=True).run_once()

    assert store.texts() == writer.expected


FOLLOWER = """
import sys, threading
from pathlib import Path
from dashboard.ingest import Ingest
from dashboard.store import Store

store = Store.open(Path(sys.argv[1]))
assert store.notice is None, store.notice
Ingest(store, [sys.argv[2]], follow=True, on_change=lambda: print("more", flush=True)).start()
threading.Event().wait()
"""


def test_being_killed_at_any_moment_loses_and_doubles_nothing(log: Path) -> None:
    place = log.with_name("events.duckdb")
    writer = Writer(log, rounds=3, lines_per_round=5000)
    writer.start()

    for _ in range(writer.rounds):
        follower = subprocess.Popen(
            [sys.executable, "-c", FOLLOWER, str(place), str(log)], stdout=subprocess.PIPE, cwd=ROOT
        )
        writer.go.release()
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"more\n"
        follower.kill()
        follower.wait()
        follower.stdout.close()
        with writer.pausing:
            rotate(log, 20, last=Path.rename)
    writer.join()
    store = WatchedStore(place)
    Ingest(store, [str(log)], follow=True).run_once()

    assert store.store.notice is None
    assert store.texts() == writer.expected
    store.store.close()


def test_reading_once_takes_in_a_large_log_in_blocks(
    store: WatchedStore, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "BLOCK_BYTES", 16_384)
    append(log, 0, 1000)

    Ingest(store, [str(log)], follow=False).run_once()

    assert store.texts() == [text(number) for number in range(1000)]
    assert store.appends > 3
