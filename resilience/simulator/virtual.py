"""An event loop whose time is virtual: when nothing is ready it jumps to the next timer instead of waiting.

`asyncio.sleep`, `asyncio.timeout` and everything built on them run hours in seconds, in the same order each time. Such
a loop does no I/O: a socket or a thread would need real time to pass. A program that waits for something that
no timer brings is an error here, not a hang.
"""

import asyncio
import selectors
from typing import Any

from resilience.errors import ResilienceError


class VirtualTimeError(ResilienceError):
    """The program did what virtual time cannot serve: it waits for nothing, or for the real world."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Use as `asyncio.Runner(loop_factory=VirtualLoop)`. time() begins at 0 seconds."""

    def __init__(self) -> None:
        self._clock = _JumpingSelector()
        super().__init__(self._clock)
        self._clock.sealed = True  # the loop's own wake-up pipe is registered, nothing else may follow

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._clock.now_s


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.sealed = False

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self.sealed:
            raise VirtualTimeError(f"no I/O on virtual time, got {fileobj!r}")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise VirtualTimeError("every task waits and no timer is set: a deadlock")
        self.now_s += max(0.0, timeout)
        return []
