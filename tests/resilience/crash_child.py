"""A change in a process that dies before or after its n-th call into the file system; one fork per place to die.

`python -m tests.resilience.crash_child DIRECTORY api|hand` makes DIRECTORY/NUMBER-before and -after until a run ends
without having died, and prints how many places there are.
"""

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from resilience.client import Client
from resilience.control.control import Ask, Control, Place
from resilience.control.plan import Draft, order_draft
from resilience.eventlog import EventLog
from resilience.events import Origin
from tests.resilience.control_kit import ENV, Providers, settings

NEW = ENV.replace('"alpha,beta"', '"beta,alpha"')


async def run(
    directory: Path, change: str | None, armed: Callable[[], None] = lambda: None
) -> tuple[int, tuple[str, ...]]:
    """Start over `directory`, perhaps change the order, end; the version and the order then."""
    log = EventLog(directory / "live.log", Origin("test", "test", 1))
    config = replace(settings(directory / ".env"), log_path=log.path)
    client = Client(config, log.emit, transport=Providers())
    place = Place(directory / ".env", directory / ".run" / "control.json", {})
    control = Control(client, log.emit, place, flush=log.flush, wall=time.time)
    await control.begin()
    async with client:
        log.flush()
        armed()
        if change == "api":

            async def draft() -> Draft:
                return order_draft(control.disk, client.config, ["beta", "alpha"])

            await control.change(Ask(control.state.version, "a test", "local", "r1"), draft)
        elif change == "hand":
            (directory / ".env").write_text(NEW)
            await control.look()
        found = client.live.version, client.config.order
    log.close()
    return found


class Death:
    """Ends this process at the n-th call, before or after it is made."""

    def __init__(self, at: int, when: str) -> None:
        self.calls = 0
        self._at = at
        self._when = when

    def arm(self) -> None:
        for name in ("open", "write", "fsync", "replace"):
            setattr(os, name, self._deadly(getattr(os, name)))

    def _deadly(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **more: Any) -> Any:
            self.calls += 1
            mine = self.calls == self._at
            if mine and self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **more)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return made


def main(directory: Path, change: str) -> None:
    for number in itertools.count(1):
        for when in ("before", "after"):
            place = directory / f"{number}-{when}"
            place.mkdir()
            (place / ".env").write_text(ENV)
            pid = os.fork()
            if pid == 0:
                asyncio.run(run(place, change, Death(number, when).arm))
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            if not os.WIFSIGNALED(status):
                if os.WEXITSTATUS(status) != 0:
                    raise SystemExit(f"{place} ended with {status}")
                sys.stdout.write(f"{number - 1}\n")
                return


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
