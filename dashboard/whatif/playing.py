"""What-ifs under way: each is answered by a process of its own, which a session looks in on and may stop.

The store is read here, and its lines go to that process (child.py says what both tell each other).
"""

import json
import logging
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.whatif.choosing import Chosen, chosen
from dashboard.whatif.prediction import WhatIfError
from dashboard.whatif.question import Question, to_json

if TYPE_CHECKING:
    from dashboard.store import Store

AT_ONCE = 2
TIME_S = 120.0
READING = 0.1
"""Of the whole, as the progress tells it: reading the lines, usually two or three of a request."""
_LINES_OF_A_REQUEST = 3

_ROOT = Path(__file__).parents[2]
_log = logging.getLogger("dashboard.whatif")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a what-if stands. share: done, 0..1; found: its document; problem: why there is none."""

    share: float
    words: str
    found: Mapping[str, Any] | None = None
    problem: str = ""

    @property
    def over(self) -> bool:
        """Whether it has ended, either way."""
        return self.found is not None or bool(self.problem)


class Job:
    """One what-if, from its beginning to its end: a thread that reads, a process that plays."""

    def __init__(self, store: "Store", question: Question, places: threading.Semaphore, time_s: float) -> None:
        self.question = question
        self._store, self._places, self._time_s = store, places, time_s
        self._standing = Standing(0.0, "Looking for the requests")
        self._stopped = ""
        self._began = time.monotonic()
        self._child: subprocess.Popen[bytes] | None = None
        self._beginning = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="whatif", daemon=True)
        self._thread.start()

    @property
    def standing(self) -> Standing:
        """How far it is."""
        return self._standing

    @property
    def took_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def cancel(self, why: str = "stopped by you") -> None:
        """Ends it; nothing happens to one that is over."""
        with self._beginning:
            self._stopped = self._stopped or why
            if self._child is not None:
                self._child.kill()

    def wait(self, time_s: float) -> Standing:
        """How it stands after it has ended, or after so long."""
        self._thread.join(time_s)
        return self._standing

    def _run(self) -> None:
        reason = f"it took longer than {self._time_s:g} s and was stopped: name a shorter time, or fewer draws"
        timer = threading.Timer(self._time_s, self.cancel, (reason,))
        timer.daemon = True
        timer.start()
        problem = ""
        try:
            self._play(chosen(self._store, self.question))
        except WhatIfError as exc:
            problem = str(exc)
        except Exception:  # noqa: BLE001 (whatever it is: the session must hear of an end)
            _log.exception("a what-if failed")
        finally:
            timer.cancel()
            self._places.release()
            if not self._standing.over:
                problem = problem or self._stopped or "it failed; the terminal of the dashboard shows why"
                self._standing = Standing(0.0, "", problem=problem)

    def _play(self, found: Chosen) -> None:
        with self._beginning:
            if self._stopped:
                return
            child = self._child = subprocess.Popen(
                [sys.executable, "-m", "dashboard.whatif.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd="/",
                env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        feeder = threading.Thread(target=self._feed, args=(child, found), name="whatif lines", daemon=True)
        feeder.start()
        try:
            self._listen(child, found.requests)
        finally:
            child.kill()
            child.wait()
            feeder.join()
            for pipe in (child.stdin, child.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]

    def _feed(self, child: "subprocess.Popen[bytes]", found: Chosen) -> None:
        assert child.stdin is not None  # noqa: S101 (it is a pipe)
        try:
            child.stdin.write(to_json(found.question).encode() + b"\n")
            child.stdin.write(b64encode(found.quiet.tobytes()) + b"\n")
            with found.lines(self._store) as lines:
                for line in lines:
                    child.stdin.write(line.encode("utf-8", "replace") + b"\n")
            child.stdin.close()
        except (OSError, ValueError):
            pass  # it is gone: whoever listens to it says why
        except Exception:  # noqa: BLE001 (whatever the store raises)
            _log.exception("the lines of a what-if could not be read")
            self.cancel("its lines could not be read; the terminal of the dashboard shows why")

    def _listen(self, child: "subprocess.Popen[bytes]", requests: int) -> None:
        assert child.stdout is not None  # noqa: S101 (it is a pipe)
        for line in child.stdout:
            self._standing = _stands(json.loads(line), requests)
            if self._standing.over:
                return


class Players:
    """The what-ifs of all sessions: only so many at once."""

    def __init__(self, store: "Store", at_once: int = AT_ONCE, time_s: float = TIME_S) -> None:
        self._store, self._at_once, self._time_s = store, at_once, time_s
        self._places = threading.BoundedSemaphore(at_once)

    def begin(self, question: Question) -> Job:
        """Begins to answer. Raises: WhatIfError if no place is free."""
        if not self._places.acquire(blocking=False):
            raise WhatIfError(f"{self._at_once} what-ifs are being played already: try again in a moment")
        return Job(self._store, question, self._places, self._time_s)


def _stands(said: Mapping[str, Any], requests: int) -> Standing:
    if "found" in said:
        return Standing(1.0, "Done", found=said["found"])
    if "error" in said:
        return Standing(0.0, "", problem=said["error"])
    if "read" in said:
        share = min(1.0, said["read"] / max(1, requests * _LINES_OF_A_REQUEST))
        return Standing(READING * share, f"Reading the log: {said['read']:,} lines")
    share = said["made"] / said["of"]
    return Standing(READING + (1 - READING) * share, f"Replaying: {said['made']:,} of {said['of']:,} draws")
