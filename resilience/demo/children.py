"""A child process in a group of its own, so that its end is the end of all that it started."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


class Child:
    """One program. Its output goes to a file; it gets no signal of the terminal's, only those sent here."""

    def __init__(self, name: str, argv: Sequence[str], environ: Mapping[str, str], output: Path) -> None:
        self.name = name
        self.output = output
        self._argv = argv
        self._environ = environ
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, or start it again. Raises OSError."""
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def wait(self) -> int:
        """Its exit code, once it has ended; negative: the number of the signal that ended it."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not started")
        return await self._process.wait()

    async def stop(self, within_s: float) -> None:
        """End it with SIGTERM, and after within_s what is left of its group with SIGKILL."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def kill(self) -> None:
        """End its group at once."""
        self._signal(signal.SIGKILL)

    def last_words(self, lines: int = 15) -> str:
        """The end of its output."""
        try:
            text = self.output.read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        # The group's number is the leader's pid (start_new_session), also after the leader has ended.
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
