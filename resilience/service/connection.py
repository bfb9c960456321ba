"""Work that ends when its caller goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CancelScope
from starlette.types import Receive


class CallerGoneError(Exception):
    """The caller closed the connection; nobody waits for a response."""


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Cancel the block when the caller closes the connection, and raise CallerGoneError then.

    The request's body must have been read: what `receive` gives after it is the end of the connection.
    A cancellation from elsewhere (the server's shutdown) passes through as it is.
    """
    watcher = asyncio.create_task(_disconnected(receive))
    # A scope, not task.cancel: what must not be interrupted on the way out (a pool that closes connections) is not.
    with CancelScope() as scope:
        watcher.add_done_callback(lambda _: scope.cancel())
        try:
            yield
        finally:
            watcher.cancel()
    if scope.cancelled_caught:
        raise CallerGoneError


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
