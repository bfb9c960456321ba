"""Work that ends with its caller: every order in which the two can end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from resilience.service.connection import CallerGoneError, while_connected

Receive = Callable[[], Awaitable[dict[str, str]]]


class Connection:
    """`receive` of a request whose body was read; `close` ends it."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()

    async def receive(self) -> dict[str, str]:
        await self._closed.wait()
        return {"type": "http.disconnect"}

    def close(self) -> None:
        self._closed.set()


def test_the_block_is_cancelled_when_the_caller_goes_away():
    async def scene() -> int:
        connection = Connection()
        asyncio.get_running_loop().call_soon(connection.close)
        with pytest.raises(CallerGoneError):
            async with while_connected(connection.receive):
                await asyncio.Event().wait()
        await asyncio.sleep(0)  # nothing is left to hit what follows
        return asyncio.current_task().cancelling()

    assert asyncio.run(scene()) == 0


def test_a_cancellation_from_elsewhere_passes_through():
    async def scene() -> bool:
        connection = Connection()

        async def work() -> None:
            async with while_connected(connection.receive):
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(scene())


def test_a_cancellation_from_elsewhere_wins_over_the_callers_end():
    async def scene() -> bool:
        connection = Connection()

        async def work() -> None:
            async with while_connected(connection.receive):
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    asyncio.current_task().cancel()  # the server stops at the same moment
                    raise

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        connection.close()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(scene())


def test_an_error_of_the_block_passes_through_while_the_caller_is_there():
    async def scene() -> None:
        async with while_connected(Connection().receive):
            raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        asyncio.run(scene())


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("fails", [False, True])
def test_a_block_that_ends_as_the_caller_goes_leaves_no_cancellation_behind(turns: int, fails: bool):
    async def scene() -> tuple[str, int]:
        connection = Connection()
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, connection.close)
        try:
            async with while_connected(connection.receive):
                for _ in range(turns):
                    await asyncio.sleep(0)
                if fails:
                    raise ValueError
        except CallerGoneError:
            ended = "gone"
        except ValueError:
            ended = "failed"
        else:
            ended = "done"
        for _ in range(5):
            await asyncio.sleep(0)
        return ended, asyncio.current_task().cancelling()

    ended, cancelling = asyncio.run(scene())

    assert ended in {"gone", "failed" if fails else "done"}
    assert cancelling == 0
