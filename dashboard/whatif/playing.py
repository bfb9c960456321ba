"""What-ifs under way: each is answered by a process of its own, which a session looks in on and may stop.

The store is read here, and its lines go to that process (child.py says what both tell each other).
"""

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dashboard.whatif.options import axes_of
from dashboard.whatif.prediction import DRAWS, WhatIfError, check_amount
from dashboard.whatif.question import Question, to_json
from dashboard.whatif.reading import recorded_lines, request_count
from dashboard.whatif.sweep import SWEEP_DRAWS

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
    """One what-if in its own process, from its beginning to its end."""

    def __init__(
        self, store: "Store", question: Question, requests: int, places: threading.Semaphore, time_s: float
    ) -> None:
        self.question = question
        self._store, self._requests, self._places, self._time_s = store, requests, places, time_s
        self._standing = Standing(0.0, "Beginning")
        self._stopped = ""
        self._began = time.monotonic()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "dashboard.whatif.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
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
        self._stopped = self._stopped or why
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
        feeder = threading.Thread(target=self._feed, name="whatif lines", daemon=True)
        feeder.start()
        try:
            self._listen()
        except Exception:  # noqa: BLE001 (whatever it is: the session must hear of an end)
            _log.exception("a what-if failed")
        finally:
            timer.cancel()
            self._child.kill()
            self._child.wait()
            feeder.join()
            for pipe in (self._child.stdin, self._child.stdout):
                with suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
            self._places.release()
            if not self._standing.over:
                problem = self._stopped or "it failed; the terminal of the dashboard shows why"
                self._standing = Standing(0.0, "", problem=problem)

    def _feed(self) -> None:
        pipe: IO[bytes] | None = self._child.stdin
        assert pipe is not None  # noqa: S101 (it is a pipe)
        try:
            pipe.write(to_json(self.question).encode() + b"\n")
            with recorded_lines(self._store, self.question.since, self.question.until) as lines:
                for line in lines:
                    pipe.write(line.encode("utf-8", "replace") + b"\n")
            pipe.close()
        except (OSError, ValueError):
            pass  # it is gone: whoever listens to it says why
        except Exception:  # noqa: BLE001 (whatever the store raises)
            _log.exception("the lines of a what-if could not be read")
            self.cancel("its lines could not be read; the terminal of the dashboard shows why")

    def _listen(self) -> None:
        pipe: IO[bytes] | None = self._child.stdout
        assert pipe is not None  # noqa: S101 (it is a pipe)
        for line in pipe:
            self._standing = self._stands(json.loads(line))
            if self._standing.over:
                return

    def _stands(self, said: Mapping[str, Any]) -> Standing:
        if "found" in said:
            return Standing(1.0, "Done", found=said["found"])
        if "error" in said:
            return Standing(0.0, "", problem=said["error"])
        if "read" in said:
            share = min(1.0, said["read"] / max(1, self._requests * _LINES_OF_A_REQUEST))
            return Standing(READING * share, f"Reading the log: {said['read']:,} lines")
        share = said["made"] / said["of"]
        return Standing(READING + (1 - READING) * share, f"Replaying: {said['made']:,} of {said['of']:,} draws")


class Players:
    """The what-ifs of all sessions: only so many at once."""

    def __init__(self, store: "Store", at_once: int = AT_ONCE, time_s: float = TIME_S) -> None:
        self._store, self._at_once, self._time_s = store, at_once, time_s
        self._places = threading.BoundedSemaphore(at_once)

    def begin(self, question: Question) -> Job:
        """Begins to answer. Raises: WhatIfError if there is nothing to replay, too much of it, or no place free."""
        requests = request_count(self._store, question.since, question.until)
        points = 1
        for _, values in axes_of(question.sweeps):
            points *= len(values)
        draws = question.draws or (SWEEP_DRAWS if question.sweeps else DRAWS)
        check_amount(requests, draws, points)
        if not self._places.acquire(blocking=False):
            raise WhatIfError(f"{self._at_once} what-ifs are being played already: try again in a moment")
        try:
            return Job(self._store, question, requests, self._places, self._time_s)
        except OSError as exc:
            self._places.release()
            raise WhatIfError(f"a process could not be started: {exc.strerror}") from exc
