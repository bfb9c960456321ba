"""The bell: tells open pages that the log has grown.

The ingest thread rings; a page listens to a stream of server-sent events. Rings that follow fast become one: at
most one in `rest_s` goes out, and all pages hear the same version, so what one page has computed serves the others.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

KEEPALIVE_S = 15.0  # below the idle timeouts of common proxies


class Bell:
    """`version` is what pages should show; it follows `read_version` at most once per `rest_s` seconds."""

    def __init__(self, read_version: Callable[[], int], rest_s: float) -> None:
        self._read_version = read_version
        self._rest_s = rest_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self._listeners: set[asyncio.Event] = set()
        self._closed = False
        self.version = read_version()

    def ring(self) -> None:
        """Something has changed. From any thread; without a running `swing` it takes effect at once."""
        loop = self._loop
        if loop is None:
            self.version = self._read_version()
            return
        try:
            loop.call_soon_threadsafe(self._rung.set)
        except RuntimeError:  # the loop has closed: nobody listens any more
            self._loop = None

    async def swing(self) -> None:
        """Passes rings on to the listeners until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._rung.set()  # what happened before
        try:
            while True:
                await self._rung.wait()
                self._rung.clear()
                self.version = self._read_version()
                self._wake()
                await asyncio.sleep(self._rest_s)
        finally:
            self._loop = None

    async def listen(self) -> AsyncIterator[int]:
        """Versions as they come, the present one first, repeated when nothing happens for KEEPALIVE_S."""
        heard = asyncio.Event()
        self._listeners.add(heard)
        try:
            while not self._closed:
                heard.clear()
                yield self.version
                try:
                    async with asyncio.timeout(KEEPALIVE_S):
                        await heard.wait()
                except TimeoutError:
                    continue
        finally:
            self._listeners.discard(heard)

    def close(self) -> None:
        """Ends all streams. From any thread, or from a signal handler."""
        self._closed = True
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()
