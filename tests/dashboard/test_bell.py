"""The bell: rings that follow fast become one, listeners hear the newest version, closing ends the streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dashboard.bell import Bell


@asynccontextmanager
async def swinging(bell: Bell) -> AsyncIterator[None]:
    task = asyncio.create_task(bell.swing())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _many_rings_are_one() -> list[int]:
    version = 0
    bell = Bell(lambda: version, rest_s=0.01)
    heard = []
    async with swinging(bell):
        listening = bell.listen()
        heard.append(await anext(listening))
        for version in range(1, 51):  # noqa: B007 (the bell reads it)
            bell.ring()
        while heard[-1] != 50:
            heard.append(await anext(listening))
        bell.close()
        heard += [value async for value in listening]
    return heard


def test_many_rings_are_one_and_closing_ends_the_stream() -> None:
    heard = asyncio.run(_many_rings_are_one())

    assert heard[-1] == 50
    assert len(heard) < 6


async def _from_a_thread() -> int:
    version = 0
    bell = Bell(lambda: version, rest_s=0.0)
    async with swinging(bell):
        listening = bell.listen()
        await anext(listening)
        version = 7
        await asyncio.to_thread(bell.ring)
        async with asyncio.timeout(2):
            while (heard := await anext(listening)) != 7:
                pass
    return heard


def test_a_ring_from_another_thread_is_heard() -> None:
    assert asyncio.run(_from_a_thread()) == 7


def test_without_a_loop_a_ring_takes_effect_at_once() -> None:
    versions = iter((1, 2))
    bell = Bell(lambda: next(versions), rest_s=1.0)

    bell.ring()

    assert bell.version == 2
