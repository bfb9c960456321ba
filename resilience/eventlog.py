"""The log file: one event, one line, one write, from a thread of its own.

`emit` only queues, so the event loop never waits for a disk. Lines are appended with O_APPEND, which keeps
several processes' lines apart; before each write the path is compared with the open file, so a rename by
logrotate is followed at once, and copytruncate needs nothing.
"""

import errno
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from resilience.events import Event, Origin, to_line

QUEUE_LINES = 100_000
"""Lines kept in memory while the disk does not take them; further ones are dropped and counted."""

RETRY_S = 1.0


class EventLog:
    """Appends events to `path`. Share one per process; `close` writes what is queued.

    A disk that is full or gone never raises into a request: lines wait in memory, stderr says so once.
    """

    def __init__(self, path: Path, origin: Origin, wall: Callable[[], float] = time.time) -> None:
        self.path = path
        self.dropped = 0
        self._origin = origin
        self._wall = wall
        self._queue: queue.Queue[tuple[Event, float] | threading.Event | None] = queue.Queue(QUEUE_LINES)
        self._closing = threading.Event()
        self._fd: int | None = None
        self._open()  # a path that cannot be written is an error at the start, not at the first event
        self._thread = threading.Thread(target=self._run, name="event-log", daemon=True)
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Queue one event; its time is now."""
        try:
            self._queue.put_nowait((event, self._wall()))
        except queue.Full:
            self.dropped += 1

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all that is queued now is in the file; False if it takes longer."""
        done = threading.Event()
        with suppress(queue.Full):
            self._queue.put(done, timeout=timeout_s)
        return done.wait(timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what is queued and close the file; waits at most `timeout_s`."""
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(queue.Full):
            self._queue.put(None, timeout=timeout_s)
        self._thread.join(timeout_s)
        if self.dropped:
            _complain(f"{self.path}: {self.dropped} events were dropped")

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            event, at_s = item
            try:
                line = to_line(event, at_s, self._origin).encode()
            except Exception as exc:  # noqa: BLE001 (one event that cannot be written must not silence the rest)
                self.dropped += 1
                _complain(f"{self.path}: cannot write one {event.kind}: {type(exc).__name__}")
                continue
            self._write(line)
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _write(self, line: bytes) -> None:
        complained = False
        while True:
            try:
                self._follow_rotation()
                self._append(line)
            except OSError as exc:
                if not complained:
                    _complain(f"{self.path}: cannot write the event log: {exc.strerror}")
                complained = True
                if self._closing.wait(RETRY_S):
                    self.dropped += 1
                    return
            else:
                return

    def _append(self, line: bytes) -> None:
        assert self._fd is not None  # noqa: S101 (set by _follow_rotation)
        written = os.write(self._fd, line)
        if written < len(line):
            # The disk took a part. End that line, so that the whole one, written again, stands by itself.
            os.write(self._fd, b"\n")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _follow_rotation(self) -> None:
        if self._fd is not None:
            here = os.fstat(self._fd)
            try:
                there = os.stat(self.path)  # noqa: PTH116 (per event, Path is slower)
            except FileNotFoundError:
                there = None
            if there is not None and (there.st_ino, there.st_dev) == (here.st_ino, here.st_dev):
                return
            os.close(self._fd)
            self._fd = None
        self._open()

    def _open(self) -> None:
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _complain(message: str) -> None:
    sys.stderr.write(f"{message}\n")
