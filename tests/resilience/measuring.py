"""What tests on real sockets measure of their own process: what its event loop lost, and what it holds."""

import asyncio
import gc
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile
from pathlib import Path

BEAT_S = 0.02


class Heartbeat:
    """What the event loop lost: the time for which a machine too busy for its tests ran nothing of theirs when due."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=5_000)
        self._due = float("inf")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            self._due = float("inf")

    def lost_s(self, since: float) -> float:
        """All delays of the beats that came since then, and of the one that is due now."""
        recent = takewhile(lambda beat: beat[0] >= since, reversed(self._late))
        now = asyncio.get_running_loop().time()
        return sum(late_s for _, late_s in recent) + max(0.0, now - self._due)

    async def _beat(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            self._due = clock() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._late.append((clock(), clock() - self._due))


def open_files() -> int:
    """File descriptors of this process."""
    return len(list(Path("/dev/fd").iterdir()))


async def settled() -> None:
    """Let end what is ending. httpx2 leaves the body of a stream that was not read to its end to the collector, which
    closes it in a task of its own (pydantic/httpx2, pull request 1212); a task that is lost does not end by this."""
    gc.collect()
    for _ in range(20):
        await asyncio.sleep(0)
