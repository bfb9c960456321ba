"""The SQL console: one SELECT over the events of a stretch of time, in a process of its own that can change nothing.

The store is a file that this process has open for writing, and no cursor of it can be made read-only. So a question
never reaches it: another process reads the statement and says which columns of which tables it needs, gets their rows
as Arrow, and computes on those alone (console_child.py says what holds it). It is killed when its time is over.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.ipc

from dashboard.columns import EVENTS, KINDS, LINES, REJECTS
from dashboard.columns import TABLES as KEPT_IN
from dashboard.store import Store
from dashboard.window import Window

TABLES: Mapping[str, tuple[str, ...]] = {
    "events": tuple(EVENTS),
    **{KEPT_IN[kind]: tuple(columns) for kind, columns in KINDS.items()},
    "lines": tuple(LINES),
    "rejects": tuple(REJECTS),
}
"""What can be asked: columns by table."""

LONGEST_SQL = 10_000
ROWS = 1000
CELL_CHARACTERS = 2000
MEMORY_MB = 512
DATA_MB = 1024
"""The most that a question's tables may hold of the range, before anything is computed."""
TIME_S = 10.0
CPU_S = 60
"""Of the processor: for a process that outlives the one that should have killed it."""
AT_ONCE = 2

_CHILD = Path(__file__).with_name("console_child.py")
_places = threading.BoundedSemaphore(AT_ONCE)


class ConsoleError(Exception):
    """No answer; the message says why. It may quote the statement and the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """rows: values as JSON has them, all else as text; more: there were more than these; took_s: seconds."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    took_s: float


def ask(store: Store, sql: str, window: Window | None, *, time_s: float = TIME_S, data_mb: int = DATA_MB) -> Answer:
    """The answer to one SELECT over the rows of the window, all rows without one.

    Raises: ConsoleError if the statement is refused, fails, or takes too much of anything.
    """
    if len(sql) > LONGEST_SQL:
        raise ConsoleError(f"a statement may have {LONGEST_SQL:,} characters, got {len(sql):,}")
    if not sql.strip():
        raise ConsoleError("there is nothing to ask: type a SELECT")
    if not _places.acquire(blocking=False):
        raise ConsoleError(f"{AT_ONCE} questions are being answered already: try again in a moment")
    began = time.monotonic()
    try:
        said = _answered(store, sql, window, time_s, data_mb)
    finally:
        _places.release()
    if "error" in said:
        raise ConsoleError(said["error"])
    took_s = time.monotonic() - began
    return Answer(tuple(said["columns"]), tuple(map(tuple, said["rows"])), said["more"], took_s)


def _answered(store: Store, sql: str, window: Window | None, time_s: float, data_mb: int) -> dict[str, Any]:
    child = subprocess.Popen(  # noqa: S603 (our own file, by our own interpreter)
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={},
    )
    over = threading.Event()

    def kill() -> None:
        over.set()
        child.kill()

    timer = threading.Timer(time_s, kill)
    timer.start()
    try:
        return _spoken(child, store, sql, window, data_mb)
    except (OSError, ValueError, EOFError) as exc:  # it is gone, in the middle of something
        if over.is_set():
            reason = f"the answer took longer than {time_s:g} s and was stopped: narrow the range, or aggregate less"
            raise ConsoleError(reason) from exc
        raise ConsoleError("the answer took more memory than a question may take, and was stopped") from exc
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


def _spoken(
    child: subprocess.Popen[bytes], store: Store, sql: str, window: Window | None, data_mb: int
) -> dict[str, Any]:
    assert child.stdin is not None  # noqa: S101 (both are pipes)
    assert child.stdout is not None  # noqa: S101
    asked = {"sql": sql, "tables": TABLES, "rows": ROWS, "characters": CELL_CHARACTERS}
    limits = {"memory_mb": MEMORY_MB, "data_mb": data_mb, "cpu_s": CPU_S}
    child.stdin.write(json.dumps(asked | limits).encode() + b"\n")
    child.stdin.flush()
    said = _heard(child.stdout)
    left = data_mb * 1024 * 1024
    for table, columns in said.get("needs", {}).items():
        # Checked again on this side of the pipe: what comes back is no more trusted than the statement.
        known = [column for column in TABLES[str(table)] if column in columns]
        left -= _send(child.stdin, store, table, known, window, left)
    return said if "error" in said else _heard(child.stdout)


def _send(pipe: IO[bytes], store: Store, table: str, columns: list[str], window: Window | None, most: int) -> int:
    """Sends the table's rows of the window; how many bytes they are."""
    size = 0
    with store.stream(table, columns, window) as batches, pa.ipc.new_stream(pipe, batches.schema) as writer:
        for batch in batches:
            size += batch.nbytes
            if size > most:
                raise ConsoleError("the range holds more than a question may read: narrow it, or name fewer columns")
            writer.write_batch(batch)
    pipe.flush()
    return size


def _heard(pipe: IO[bytes]) -> dict[str, Any]:
    line = pipe.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    found: dict[str, Any] = json.loads(line)
    return found
