"""The state file of a running service: what is in memory, and what is on the disk."""

import asyncio
import sys
from pathlib import Path

from resilience.control import state as file
from resilience.control.refusals import UnwritableError
from resilience.control.state import State


class Ledger:
    """Keeps `state` and writes it. Saves come one after the other: the holder of the control's lock makes them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = State()
        self._complained = False

    async def open(self) -> bool:
        """Read the file; whether there was a good one. Raises UnwritableError if it cannot be read or put aside."""
        try:
            found, problem = await asyncio.to_thread(file.read, self.path)
        except OSError as exc:
            raise UnwritableError(f"{self.path} cannot be read: {exc.strerror}") from exc
        if problem is not None:
            complain(problem)
        self.state = found or self.state
        return found is not None

    async def save(self, state: State) -> None:
        """Write, then keep. Raises UnwritableError; memory and disk are as before then."""
        try:
            await asyncio.to_thread(file.write, self.path, state)
        except OSError as exc:
            raise UnwritableError(f"{self.path} cannot be written: {exc.strerror}; nothing is changed") from exc
        self.state = state
        self._complained = False

    async def keep(self, state: State) -> None:
        """Keep, and write if that works: what has happened has happened. Complains once."""
        self.state = state
        try:
            await asyncio.to_thread(file.write, self.path, state)
        except OSError as exc:
            if not self._complained:
                complain(f"{self.path} cannot be written: {exc.strerror}; a restart would not know of the last changes")
            self._complained = True


def complain(message: str) -> None:
    """To whoever reads the process's output."""
    sys.stderr.write(f"warning: {message}\n")
    sys.stderr.flush()
