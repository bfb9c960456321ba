"""The log file: whole lines, in order, over rotation, several processes and a disk that refuses."""

import multiprocessing
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resilience.eventlog import EventLog
from resilience.events import FellBack, Origin, Reason, from_line

ORIGIN = Origin("metis-backend", "test", 1)


def event(number: int, writer: str = "w") -> FellBack:
    return FellBack(
        request_id=f"{writer}-{number}", from_provider="openrouter", to_provider="anthropic", reason=Reason.TIMEOUT
    )


def ids(text: str) -> list[str]:
    records = [from_line(line) for line in text.splitlines()]
    assert None not in records
    return [record.event.request_id for record in records if record and isinstance(record.event, FellBack)]


def write_many(path: Path, writer: str, count: int) -> None:
    log = EventLog(path, ORIGIN)
    for number in range(count):
        log.emit(event(number, writer))
    log.close()


def test_events_are_lines_in_order(tmp_path: Path) -> None:
    path = tmp_path / "backend_live.log"

    write_many(path, "w", 500)

    assert ids(path.read_text()) == [f"w-{n}" for n in range(500)]


def test_several_processes_append_without_tearing_a_line(tmp_path: Path) -> None:
    path = tmp_path / "backend_live.log"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(path, f"p{n}", 1000)) for n in range(3)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    found = ids(path.read_text())
    assert len(found) == 3000
    for n in range(3):
        assert [i for i in found if i.startswith(f"p{n}-")] == [f"p{n}-{k}" for k in range(1000)]


def until_written(path: Path, text: str) -> None:
    """Wait, bounded, until the writer's thread has come so far."""
    for _ in range(10_000):
        if path.exists() and text in path.read_text():
            return
        threading.Event().wait(0.001)
    raise AssertionError(f"{text} never came")


def test_a_rename_is_followed_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "backend_live.log"
    log = EventLog(path, ORIGIN)
    for part in range(3):
        for number in range(200):
            log.emit(event(number, f"w{part}"))
            if number == 100:
                until_written(path, f"w{part}-50")
                path.rename(tmp_path / f"backend_live.log.{part}")
    log.close()

    text = "".join(file.read_text() for file in tmp_path.iterdir())
    assert sorted(ids(text)) == sorted(f"w{part}-{n}" for part in range(3) for n in range(200))


def test_copytruncate_leaves_no_hole(tmp_path: Path) -> None:
    path = tmp_path / "backend_live.log"
    log = EventLog(path, ORIGIN)
    log.emit(event(1))
    until_written(path, "w-1")
    os.truncate(path, 0)
    log.emit(event(2))
    log.close()

    assert ids(path.read_text()) == ["w-2"]


def test_emit_never_waits_for_the_disk_and_a_folder_that_comes_back_gets_every_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resilience.eventlog.RETRY_S", 0.01)
    folder = tmp_path / "logs"
    folder.mkdir()
    log = EventLog(folder / "backend_live.log", ORIGIN)
    (folder / "backend_live.log").unlink()
    folder.rmdir()

    for number in range(100):
        log.emit(event(number))
    folder.mkdir()
    log.close()

    assert ids((folder / "backend_live.log").read_text())[-1] == "w-99"
    assert len(ids((folder / "backend_live.log").read_text())) + log.dropped == 100


def test_a_full_disk_is_told_once_and_close_still_ends() -> None:
    script = """
from pathlib import Path
from resilience.eventlog import EventLog
from tests.resilience.test_eventlog import ORIGIN, event
log = EventLog(Path("/dev/full"), ORIGIN)
log.emit(event(1))
log.emit(event(2))
log.close()
print(log.dropped)
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout.strip() == "2"
    assert re.search(r"cannot write the event log: No space left on device", done.stderr)


def test_an_event_that_cannot_be_written_does_not_silence_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "backend_live.log"
    log = EventLog(path, ORIGIN)

    log.emit(FellBack(request_id="w-1", from_provider="a", to_provider="\ud800", reason=Reason.TIMEOUT))
    log.emit(event(2))
    log.close()

    assert ids(path.read_text()) == ["w-2"]
    assert log.dropped == 1
    assert "cannot write one FALLBACK" in capsys.readouterr().err


def test_a_path_that_cannot_be_written_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        EventLog(tmp_path / "missing" / "backend_live.log", ORIGIN)
