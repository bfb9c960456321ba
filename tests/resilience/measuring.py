"""What tests on real sockets measure of their own process: how late its event loop is, and what it holds."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path


class Heartbeat:
    """How late the event loop was: what a machine too busy for its tests adds to every wait."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=5_000)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    def latest_s(self, since: float) -> float:
        """The longest delay of one beat since then."""
        recent = takewhile(lambda beat: beat[0] >= since, reversed(self._late))
        return max((late_s for _, late_s in recent), default=0.0)

    async def _beat(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(0.02)
            self._late.append((clock(), clock() - before - 0.02))


def open_files() -> int:
    """File descriptors of this process."""
    return len(list(Path("/dev/fd").iterdir()))
