"""The backend of the Operations page's tests: an address, a log, and what a test does behind the page's back.

Today the fake of tests/dashboard/control_api.py; the real service with simulated providers can take its place.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.browser import traffic
from tests.browser.traffic import now
from tests.dashboard.control_api import ControlApi


@dataclass
class Backend:
    """A running control API, and the log that it writes."""

    url: str
    log: Path
    api: ControlApi

    def made(self) -> list[str]:
        """Paths of the changes that the service has made, in order."""
        return [path for path, _ in self.api.seen]

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
        """Waits until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.05)


def begun(folder: Path) -> ControlApi:
    """A service whose log already tells of a quarter of an hour."""
    log = folder / "backend_live.log"
    log.write_text("".join(traffic.story(now())), "utf-8")
    return ControlApi(log=log)
