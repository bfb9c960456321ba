import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard import watch_files
from dashboard.watch_files import IDLE_S, POLLING_S, DirectoryWatch

BOUND_S = 20.0


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def watch(woken: threading.Event) -> Iterator[DirectoryWatch]:
    watch = DirectoryWatch(woken.set)
    yield watch
    watch.stop()


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"line\n")


def test_writing_renaming_and_truncating_wake(tmp_path: Path, watch: DirectoryWatch, woken: threading.Event) -> None:
    log = tmp_path / "backend_live.log"
    watch.update({tmp_path}, ("backend_live",))

    for change in (
        lambda: append(log),
        lambda: append(log),
        lambda: log.write_bytes(b""),
        lambda: log.rename(tmp_path / "backend_live.log.1"),
        lambda: log.symlink_to(tmp_path / "backend_live.log.1"),
        lambda: log.unlink(),
    ):
        woken.clear()
        change()
        assert woken.wait(BOUND_S)

    assert watch.interval_s == IDLE_S


def test_other_names_and_own_reads_do_not_wake(tmp_path: Path, watch: DirectoryWatch, woken: threading.Event) -> None:
    log = tmp_path / "backend_live.log"
    append(log)
    watch.update({tmp_path}, ("backend_live", "last"))
    seen: list[str] = []
    watch._handler._wake = lambda: (seen.append("woken"), woken.set())  # type: ignore[assignment, func-returns-value]

    log.read_bytes()
    append(tmp_path / "other.log")
    append(tmp_path / "last.log")
    assert woken.wait(BOUND_S)

    assert log.read_bytes()
    assert set(seen) == {"woken"}
    assert len(seen) <= 2  # created and modified; events come in order, so the earlier ones have been passed over


def test_a_directory_that_is_replaced_is_watched_anew(
    tmp_path: Path, watch: DirectoryWatch, woken: threading.Event
) -> None:
    place = tmp_path / "logs"
    place.mkdir()
    watch.update({place}, ("log",))

    place.rename(tmp_path / "old")
    place.mkdir()
    watch.update({place}, ("log",))
    woken.clear()
    append(place / "log")

    assert woken.wait(BOUND_S)


def test_without_inotify_the_reader_looks_more_often(
    tmp_path: Path, watch: DirectoryWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError(28, "inotify watch limit reached")

    with monkeypatch.context() as patch:
        patch.setattr(watch_files, "Observer", refused)
        watch.update({tmp_path}, ("log",))
        refused_interval_s = watch.interval_s
    watch.update({tmp_path}, ("log",))

    assert (refused_interval_s, watch.interval_s) == (POLLING_S, IDLE_S)


def test_a_directory_that_is_not_there_is_no_error(tmp_path: Path, watch: DirectoryWatch) -> None:
    watch.update({tmp_path / "later"}, ("log",))

    assert watch.interval_s == POLLING_S
