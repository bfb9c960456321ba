"""Work that ends when its caller goes away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.types import Receive


class CallerGoneError(Exception):
    """The caller closed the connection; nobody waits for a response."""


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Cancel the block when the caller closes the connection, and raise CallerGoneError then.

    The request's body must have been read: what `receive` gives after it is the end of the connection.
    A cancellation from elsewhere (the server's shutdown) passes through as it is.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (a coroutine always runs in one)
    gone = ended = False

    def cancel_block(_: "asyncio.Task[None]") -> None:
        nonlocal gone
        if not ended:  # this call may have been on its way when the block ended
            gone = True
            task.cancel()

    watcher = asyncio.create_task(_disconnected(receive))
    watcher.add_done_callback(cancel_block)
    try:
        yield
        if gone:
            await asyncio.sleep(0)  # the block ended first: take the cancellation here, not in what follows
    except BaseException as exc:
        if not gone:
            raise
        if not isinstance(exc, asyncio.CancelledError):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        if task.uncancel() == 0:
            raise CallerGoneError from exc
        raise
    finally:
        ended = True
        watcher.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
