"""The process that answers one what-if and ends. Run as a module, by playing.py, and by nobody else.

Replaying is Python at work for many seconds: in the page's own process every session would wait for it.

    in   one line: the question (question.to_json); one line: the waits of the requests that are not played (eight bytes
         each, as base64); then the lines of the others, up to the end of the input
    out  one line of JSON after another: {"read": lines} and {"made": draws, "of": draws} while it goes on, at last
         {"found": document} or {"error": text}
"""

import gc
import json
import os
import resource
import sys
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dashboard.whatif.document import document
from dashboard.whatif.prediction import WhatIfError
from dashboard.whatif.question import from_json
from dashboard.whatif.reading import lives_of
from resilience.replay import ReplayError

MEMORY_MB = 4096
CPU_S = 600
"""Of the processor: for a process that outlives the one that should have killed it."""
NICE = 5
"""The page goes first."""
_TOLD_EVERY = 5000


def main() -> None:
    """Answers the question on standard input."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB * 1024 * 1024,) * 2)
    gc.set_threshold(50_000)
    asked = from_json(sys.stdin.readline())
    quiet = np.frombuffer(b64decode(sys.stdin.readline()))
    try:
        lives = lives_of(_told(sys.stdin))
        gc.freeze()  # what was read stays: nothing to look for in it
        found = document(lives, asked, quiet, lambda made, of: _say(made=made, of=of))
    except (WhatIfError, ReplayError) as exc:
        _say(error=str(exc))
    except MemoryError:
        _say(error="it took more memory than a what-if may take, and was stopped: name a shorter time")
    else:
        _say(found=found)


def _told(lines: Iterable[str]) -> Iterator[str]:
    number = 0
    for number, line in enumerate(lines, 1):
        if number % _TOLD_EVERY == 0:
            _say(read=number)
        yield line
    _say(read=number)


def _say(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
