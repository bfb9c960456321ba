import gzip
import os
import shutil
import zlib
from pathlib import Path

import pytest

from dashboard import files, tailed_file
from dashboard import tail as tail_module
from dashboard.content import PlainContent, open_content
from dashboard.lines import Checkpoint
from dashboard.tail import Tail
from dashboard.tailed_file import FileState


class Reader:
    """A tail with its reader: remembers each source's bytes, as a store would its lines."""

    def __init__(self, *paths: Path | str, follow: bool = True, known: dict[str, Checkpoint] | None = None) -> None:
        self.now = 0.0
        self.tail = Tail([str(path) for path in paths], follow=follow, known=known or {}, clock=self.clock)
        self.checkpoints = dict(known or {})
        self.bytes: dict[str, bytes] = {}
        self.order: list[str] = []
        self.live: list[bool] = []

    def clock(self) -> float:
        return self.now or 4e9  # far in the future: all files are old unless a test sets the time

    def read(self) -> bytes:
        """What is new, in the order in which it comes."""
        new = b""
        for chunk in self.tail.chunks():
            known = self.checkpoints.get(chunk.source)
            at = known.offset if known else chunk.offset
            assert chunk.offset == at, "bytes must follow one another"
            self.bytes[chunk.source] = self.bytes.get(chunk.source, b"") + chunk.data
            end = chunk.offset + len(chunk.data)
            self.checkpoints[chunk.source] = Checkpoint(chunk.source, chunk.fingerprint.to_text(), end, chunk.size)
            new += chunk.data
            if chunk.data:
                self.order.append(chunk.source)
                self.live.append(chunk.live)
        return new

    def restarted(self, *paths: Path | str, follow: bool = True) -> "Reader":
        self.tail.close()
        return Reader(*paths, follow=follow, known=self.checkpoints)

    def states(self) -> dict[str, FileState]:
        return {Path(status.path).name: status.state for status in self.tail.status()}

    def note(self, name: str) -> str:
        [note] = [status.note for status in self.tail.status() if Path(status.path).name == name]
        return note


def log_lines(begin: int, end: int) -> bytes:
    return b"".join(
        b"2025-10-19T02:41:07.123Z INFO:backend:request %06d took some time\n" % n for n in range(begin, end)
    )


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "backend_live.log"


def test_what_is_there_and_what_is_appended_is_read_once(log: Path) -> None:
    append(log, log_lines(0, 100))
    reader = Reader(log)

    first, nothing = reader.read(), reader.read()
    append(log, log_lines(100, 103))
    second = reader.read()

    assert (first, nothing, second) == (log_lines(0, 100), b"", log_lines(100, 103))
    assert reader.states() == {"backend_live.log": FileState.FOLLOWING}


def test_a_large_file_comes_in_bounded_blocks(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "BLOCK_BYTES", 1000)
    append(log, log_lines(0, 1000))
    tail = Tail([str(log)], follow=False, known={})

    sizes = [len(chunk.data) for chunk in tail.chunks()]

    assert max(sizes) == 1000
    assert sum(sizes) == log.stat().st_size


def test_a_file_that_appears_later_in_a_directory_that_appears_later(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "today" / "backend_live.log"
    reader = Reader(log)

    before = reader.read()
    waiting = reader.states()
    log.parent.mkdir(parents=True)
    append(log, log_lines(0, 3))

    assert (before, waiting) == (b"", {"backend_live.log": FileState.WAITING})
    assert reader.read() == log_lines(0, 3)


def test_several_files_and_patterns_and_new_matches(tmp_path: Path) -> None:
    one, two, three = tmp_path / "one.log", tmp_path / "a-1.txt", tmp_path / "a-2.txt"
    append(one, log_lines(0, 2))
    append(two, log_lines(10, 12))
    reader = Reader(one, tmp_path / "a-*.txt")

    reader.read()
    append(three, log_lines(20, 22))
    reader.read()

    assert sorted(reader.bytes.values()) == [log_lines(0, 2), log_lines(10, 12), log_lines(20, 22)]


def test_a_name_with_brackets_is_a_name_if_the_file_is_there(tmp_path: Path) -> None:
    append(tmp_path / "log[1].txt", b"odd name\n")

    assert Reader(tmp_path / "log[1].txt").read() == b"odd name\n"


def test_files_are_read_oldest_first(log: Path) -> None:
    for age, name in enumerate(["backend_live.log", "backend_live.log.1", "backend_live.log.2.gz"]):
        path = log.with_name(name)
        data = log_lines(100 * (3 - age), 100 * (3 - age) + 50)
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
        os.utime(path, (1e9 - age, 1e9 - age))
    reader = Reader(f"{log}*")

    everything = reader.read()

    assert everything == log_lines(100, 150) + log_lines(200, 250) + log_lines(300, 350)


# Rotation by rename


@pytest.mark.parametrize("pattern", ["", "*"])
def test_a_renamed_file_is_read_to_its_end_before_the_new_one(log: Path, pattern: str) -> None:
    append(log, log_lines(0, 100))
    reader = Reader(f"{log}{pattern}")
    reader.read()

    append(log, log_lines(100, 110))
    log.rename(log.with_name("backend_live.log.1"))
    append(log.with_name("backend_live.log.1"), log_lines(110, 120))
    append(log, log_lines(200, 205))

    assert reader.read() == log_lines(100, 120) + log_lines(200, 205)
    assert sorted(reader.bytes.values()) == [log_lines(0, 120), log_lines(200, 205)]


def test_a_writer_that_finds_out_late_is_still_heard(log: Path) -> None:
    append(log, log_lines(0, 10))
    reader = Reader(log)
    reader.read()

    with log.open("ab", buffering=0) as late:
        log.rename(log.with_name("backend_live.log.1"))
        append(log, log_lines(20, 30))
        new = reader.read()
        late.write(log_lines(10, 12))

    assert (new, reader.read()) == (log_lines(20, 30), log_lines(10, 12))


def test_rotation_of_a_whole_chain_of_names_reads_nothing_twice(log: Path) -> None:
    reader = Reader(f"{log}*")
    written = b""
    for generation in range(5):
        data = log_lines(1000 * generation, 1000 * generation + 100)
        append(log, data)
        written += data
        reader.read()
        for number in (3, 2, 1):
            old = log.with_name(f"backend_live.log.{number}")
            if old.exists():
                old.rename(log.with_name(f"backend_live.log.{number + 1}"))
        log.rename(log.with_name("backend_live.log.1"))

    assert reader.read() == b""
    assert b"".join(reader.bytes.values()) == written


def test_a_new_file_that_begins_with_the_same_lines_is_new(log: Path) -> None:
    banner = b"INFO:src.integrations.llm.unified_client:provider initialized (PRIMARY)\n"
    append(log, banner)
    reader = Reader(f"{log}*")
    reader.read()

    log.rename(log.with_name("backend_live.log.1"))
    append(log, banner)

    assert reader.read() == banner


def test_a_renamed_file_is_let_go_when_it_has_been_quiet(log: Path) -> None:
    append(log, b"whole\nunfinished")
    reader = Reader(log)
    reader.now = 1e9
    reader.read()
    log.rename(log.with_name("backend_live.log.1"))
    reader.read()

    reader.now += files.QUIET_S
    last = [chunk.last for chunk in reader.tail.chunks()]

    assert last == [True]
    assert reader.states() == {"backend_live.log": FileState.WAITING}


def test_a_deleted_file_waits_for_a_new_one(log: Path) -> None:
    append(log, log_lines(0, 10))
    reader = Reader(log)
    reader.read()

    log.unlink()
    gone = reader.read()
    append(log, log_lines(10, 20))

    assert (gone, reader.read()) == (b"", log_lines(10, 20))


def test_a_link_that_is_swapped_is_followed(tmp_path: Path) -> None:
    first, second, current = tmp_path / "a.log", tmp_path / "b.log", tmp_path / "current"
    append(first, log_lines(0, 5))
    append(second, log_lines(10, 15))
    current.symlink_to(first)
    reader = Reader(current)
    reader.read()

    (tmp_path / "new").symlink_to(second)
    (tmp_path / "new").replace(current)
    swapped = reader.read()
    append(second, log_lines(15, 17))

    assert (swapped, reader.read()) == (log_lines(10, 15), log_lines(15, 17))


# Truncation


@pytest.mark.parametrize("pattern", ["", "*"])
def test_copytruncate_finds_the_last_lines_in_the_copy(log: Path, pattern: str) -> None:
    append(log, log_lines(0, 100))
    reader = Reader(f"{log}{pattern}")
    reader.read()

    append(log, log_lines(100, 110))
    shutil.copyfile(log, log.with_name("backend_live.log.1"))
    os.truncate(log, 0)
    append(log, log_lines(200, 205))

    assert reader.read() == log_lines(100, 110) + log_lines(200, 205)
    assert sorted(reader.bytes.values()) == [log_lines(0, 110), log_lines(200, 205)]


def test_copytruncate_with_an_archive_at_once(log: Path) -> None:
    append(log, log_lines(0, 100))
    reader = Reader(log)
    reader.read()

    append(log, log_lines(100, 110))
    log.with_name("backend_live.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.truncate(log, 0)

    assert reader.read() == log_lines(100, 110)


def test_a_truncated_file_that_has_grown_past_the_old_place_is_noticed(log: Path) -> None:
    append(log, log_lines(0, 10))
    reader = Reader(log)
    reader.read()

    os.truncate(log, 0)
    append(log, log_lines(50, 100))

    assert reader.read() == log_lines(50, 100)


def test_the_same_lines_after_truncation_count_again(log: Path) -> None:
    append(log, b"no time, same line\n" * 3)
    reader = Reader(log)
    reader.read()

    os.truncate(log, 0)
    reader.read()
    append(log, b"no time, same line\n" * 2)

    assert reader.read() == b"no time, same line\n" * 2
    assert len(reader.bytes) == 2


def test_a_hole_left_by_a_writer_at_its_old_place_is_skipped(log: Path) -> None:
    append(log, log_lines(0, 100))
    reader = Reader(log)
    reader.read()

    with log.open("r+b") as writer:
        writer.seek(0, os.SEEK_END)
        os.truncate(log, 0)
        writer.write(log_lines(100, 101))

    assert reader.read() == log_lines(100, 101)


def test_a_copy_in_progress_waits_until_it_is_told_apart(log: Path) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(f"{log}*")
    reader.read()
    copy = log.with_name("backend_live.log.1")

    copy.write_bytes(log.read_bytes()[:30_000])
    in_progress = reader.read()
    copy.write_bytes(log.read_bytes())
    done = reader.read()
    states = reader.states()
    append(copy, b"a line of its own\n")
    diverged = reader.read()
    append(log, log_lines(1000, 1001))

    assert (in_progress, done, states["backend_live.log"]) == (b"", b"", FileState.FOLLOWING)
    assert diverged == b"a line of its own\n"
    assert reader.read() == log_lines(0, 1001)


# Contents


def test_two_files_that_begin_alike_are_two(tmp_path: Path) -> None:
    append(tmp_path / "one.log", log_lines(0, 500) + b"one\n")
    append(tmp_path / "two.log", log_lines(0, 500) + b"two\n" + log_lines(500, 900))
    append(tmp_path / "three.log", log_lines(0, 300) + b"three\n")
    reader = Reader(tmp_path / "*.log")

    reader.read()

    assert sorted(map(len, reader.bytes.values())) == sorted(path.stat().st_size for path in tmp_path.iterdir())


def test_a_copy_under_another_name_is_the_same(tmp_path: Path) -> None:
    append(tmp_path / "one.log", log_lines(0, 500))
    shutil.copyfile(tmp_path / "one.log", tmp_path / "two.log")
    (tmp_path / "three.log.gz").write_bytes(gzip.compress(log_lines(0, 500)))

    assert Reader(tmp_path / "*.log*").read() == log_lines(0, 500)


def test_two_logs_with_the_same_first_lines_part_when_they_differ(tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    append(one, b"INFO:backend:started\n")
    append(two, b"INFO:backend:started\n")
    reader = Reader(one, two)
    reader.read()

    append(two, b"INFO:backend:first of two\n")
    reader.read()
    append(one, b"INFO:backend:first of one\n")
    reader.read()

    assert sorted(reader.bytes.values()) == sorted([one.read_bytes(), two.read_bytes()])


# Archives


def test_an_archive_of_several_members_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "old.log.gz"
    archive.write_bytes(gzip.compress(log_lines(0, 50)) + gzip.compress(log_lines(50, 90)) + b"\0" * 512)
    reader = Reader(archive)

    assert reader.read() == log_lines(0, 90)
    assert reader.states() == {"old.log.gz": FileState.COMPLETE}


def test_a_truncated_archive_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    archive = tmp_path / "old.log.gz"
    whole = gzip.compress(os.urandom(5_000_000).hex().encode())
    archive.write_bytes(whole[:-3_000_000])
    reader = Reader(archive)

    first = reader.read()
    state, note = reader.states(), reader.note("old.log.gz")
    append(archive, whole[-3_000_000:])
    rest = reader.read()

    assert first + rest == gzip.decompress(whole)
    assert (state, note) == ({"old.log.gz": FileState.DAMAGED}, "the archive ends early, or is still being written")
    assert reader.states() == {"old.log.gz": FileState.COMPLETE}


def test_a_corrupt_archive_is_a_state_and_keeps_what_came_before(tmp_path: Path) -> None:
    archive = tmp_path / "old.log.gz"
    data = bytearray(gzip.compress(os.urandom(3_000_000).hex().encode()))
    data[len(data) // 2 : len(data) // 2 + 100] = b"\xff" * 100
    archive.write_bytes(data)
    reader = Reader(archive)

    assert len(reader.read()) > 1_000_000
    assert reader.states() == {"old.log.gz": FileState.DAMAGED}
    assert "damaged near byte" in reader.note("old.log.gz")
    assert reader.read() == b""


def test_a_file_named_gz_that_holds_text_is_a_state(tmp_path: Path) -> None:
    append(tmp_path / "old.log.gz", b"plain text\n")
    reader = Reader(tmp_path / "old.log.gz")

    assert reader.read() == b""
    assert reader.note("old.log.gz") == "the file is named .gz but holds no gzip data"


def test_a_rotated_file_that_is_packed_is_not_read_again(log: Path) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(f"{log}*")
    reader.read()
    packed = gzip.compress(log.read_bytes())
    log.rename(log.with_name("backend_live.log.1"))
    reader.read()

    archive = log.with_name("backend_live.log.1.gz")
    archive.write_bytes(packed[: len(packed) // 2])
    half = reader.read()
    archive.write_bytes(packed)
    log.with_name("backend_live.log.1").unlink()
    whole = reader.read()

    assert (half, whole) == (b"", b"")
    assert reader.states()["backend_live.log.1.gz"] is FileState.COMPLETE


# Trouble


def test_what_cannot_be_read_is_a_state(tmp_path: Path) -> None:
    (tmp_path / "folder.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    append(tmp_path / "other.log.zst", b"\x28\xb5\x2f\xfd....")
    (tmp_path / "circle.log").symlink_to("circle.log")
    names = ["folder.log", "pipe.log", "other.log.zst", "circle.log"]
    reader = Reader(*(tmp_path / name for name in names))

    assert reader.read() == b""
    assert reader.states() == dict.fromkeys(names, FileState.UNREADABLE)
    assert reader.note("folder.log") == "is a directory; name a file or a pattern such as its *.log"
    assert reader.note("pipe.log") == "not a regular file"
    assert reader.note("other.log.zst") == "compressed with zstd, which is not read; unpack it or use gzip"
    assert reader.note("circle.log") == "too many levels of symbolic links"


@pytest.mark.parametrize("path", ["~nobody-of-that-name/backend_live.log", "/proc/1/root/*/x[1].log", "["])
def test_odd_paths_are_no_errors(path: str) -> None:
    tail = Tail([path], follow=True, known={})

    assert list(tail.chunks()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_state_until_it_has_it(log: Path) -> None:
    append(log, log_lines(0, 3))
    log.chmod(0)
    reader = Reader(log)

    assert reader.read() == b""
    assert reader.note("backend_live.log") == "permission denied"
    log.chmod(0o600)
    assert reader.read() == log_lines(0, 3)


def test_an_error_while_reading_is_a_state(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(log, log_lines(0, 3))
    reader = Reader(log)

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", broken)
        assert reader.read() == b""
    assert reader.note("backend_live.log") == "input/output error"
    assert reader.read() == log_lines(0, 3)


# Restart


def test_reading_goes_on_after_a_restart(log: Path) -> None:
    append(log, log_lines(0, 100))
    reader = Reader(log)
    reader.read()

    append(log, log_lines(100, 105))
    restarted = reader.restarted(log)

    assert restarted.read() == log_lines(100, 105)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("follow", [False, True])
def test_what_was_rotated_while_nobody_read_is_found(log: Path, packed: bool, follow: bool) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(log)
    reader.read()

    append(log, log_lines(1000, 1100))
    rotated = log.with_name("backend_live.log.1.gz" if packed else "backend_live.log.1")
    rotated.write_bytes(gzip.compress(log.read_bytes()) if packed else log.read_bytes())
    os.utime(rotated, (1e9, 1e9))
    log.unlink()
    append(log, log_lines(2000, 2100))
    restarted = reader.restarted(log, follow=follow)

    # Without following, exactly the named files are read.
    assert restarted.read() == (log_lines(1000, 1100) if follow else b"") + log_lines(2000, 2100)


@pytest.mark.parametrize("first", ["backend_live.log.3", "backend_live.log-20251019"])
def test_all_rotations_since_the_last_one_seen_are_found(log: Path, first: str) -> None:
    append(log.with_name("backend_live.log.9"), log_lines(8000, 8100))  # older than the first start: not asked for
    os.utime(log.with_name("backend_live.log.9"), (1e9, 1e9))
    append(log, log_lines(0, 1000))
    reader = Reader(log)
    reader.read()

    append(log, log_lines(1000, 1100))
    names = [first, "backend_live.log.2.gz", "backend_live.log.1"]
    log.rename(log.with_name(first))
    log.with_name(names[1]).write_bytes(gzip.compress(log_lines(2000, 2100)))
    append(log.with_name(names[2]), log_lines(3000, 3100))
    append(log.with_name("backend_live.log.old.txt"), b"something else\n")
    append(log, log_lines(4000, 4100))
    for age, name in enumerate([*names, "backend_live.log.old.txt"]):
        os.utime(log.with_name(name), (2e9 + age, 2e9 + age))
    os.utime(log, (3e9, 3e9))
    restarted = reader.restarted(log)

    assert restarted.read() == b"".join(log_lines(1000 * n, 1000 * n + 100) for n in (1, 2, 3, 4))


@pytest.mark.parametrize("copied", [False, True])
def test_two_rotations_between_two_looks_lose_nothing(log: Path, copied: bool) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(log)
    reader.read()

    for generation, number in enumerate("21", start=1):
        append(log, log_lines(1000 * generation, 1000 * generation + 100))
        if copied:
            shutil.copyfile(log, log.with_name(f"backend_live.log.{number}"))
            os.truncate(log, 0)
        else:
            log.rename(log.with_name(f"backend_live.log.{number}"))
    append(log, log_lines(3000, 3100))

    assert reader.read() == b"".join(log_lines(1000 * n, 1000 * n + 100) for n in (1, 2, 3))


@pytest.mark.parametrize("new_one", [False, True])
def test_a_file_renamed_between_being_found_and_opened_is_read(
    log: Path, monkeypatch: pytest.MonkeyPatch, new_one: bool
) -> None:
    append(log, log_lines(0, 10))
    reader = Reader(log)
    reader.read()
    log.rename(log.with_name("backend_live.log.2"))
    append(log, log_lines(10, 20))

    def too_late(path: Path) -> PlainContent:
        log.rename(log.with_name("backend_live.log.1"))
        if new_one:
            append(log, log_lines(20, 30))
        return open_content(path)

    with monkeypatch.context() as patch:
        patch.setattr(tailed_file, "open_content", too_late)
        assert reader.read() == b""

    assert reader.read() == log_lines(10, 30 if new_one else 20)


def test_a_log_that_was_truncated_while_nobody_read_is_new(log: Path) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(log)
    reader.read()

    log.write_bytes(log_lines(5000, 5010))
    restarted = reader.restarted(log)

    assert restarted.read() == log_lines(5000, 5010)


def test_files_that_are_not_followed_are_taken_as_they_are(log: Path) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(log, follow=False)
    reader.read()

    log.write_bytes(log_lines(0, 500))
    restarted = reader.restarted(log, follow=False)

    assert restarted.read() == log_lines(0, 500)
    assert restarted.states() == {"backend_live.log": FileState.COMPLETE}


def test_a_known_archive_is_recognised_without_unpacking_it(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(log, log_lines(0, 1000))
    reader = Reader(log)
    reader.read()
    archive = log.with_name("backend_live.log.1.gz")
    archive.write_bytes(gzip.compress(log.read_bytes()))

    def unpacked(*_: object, **__: object) -> None:
        raise AssertionError("unpacked")

    monkeypatch.setattr(zlib, "decompressobj", unpacked)

    assert reader.restarted(archive).read() == b""


def test_a_source_can_be_read_again_from_a_place(log: Path) -> None:
    append(log, log_lines(0, 10))
    tail = Tail([str(log)], follow=True, known={})
    [chunk] = tail.chunks()

    tail.rewind(chunk.source, len(log_lines(0, 4)))

    assert [again.data for again in tail.chunks()] == [log_lines(4, 10)]


# Live


def test_only_what_is_written_while_following_is_live(log: Path) -> None:
    append(log, log_lines(0, 10))
    reader = Reader(log, log.with_name("later.log"), log.with_name("moved.log"))
    reader.now = log.stat().st_mtime
    reader.read()

    append(log, log_lines(10, 20))
    reader.read()
    append(log.with_name("later.log"), log_lines(20, 30))
    reader.read()
    append(log.with_name("moved.log"), log_lines(30, 40))
    os.utime(log.with_name("moved.log"), (reader.now - 3600, reader.now - 3600))
    reader.read()

    assert reader.live == [False, True, True, False]


def test_the_source_is_named_after_the_file_and_its_beginning(log: Path) -> None:
    append(log, log_lines(0, 10))
    reader = Reader(log)
    reader.read()

    [name] = reader.bytes

    assert name.startswith("backend_live.log#")
