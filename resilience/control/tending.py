"""The task beside the service that does what is due: woken by the file's directory, and once a second anyway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from resilience.control.control import Control
from resilience.control.ledger import complain
from resilience.control.watch import watched

SAFETY_S = 1.0
SETTLE_S = 0.2
"""An editor may write a file in several steps: so long nothing may happen before it is read."""


@asynccontextmanager
async def tended(control: Control) -> AsyncIterator[None]:
    """Look after `control` for the length of the block, then let it end."""
    woken = asyncio.Event()
    loop = asyncio.get_running_loop()
    with watched(control.place.env_file, lambda: loop.call_soon_threadsafe(woken.set)):
        task = asyncio.create_task(_tend(control, woken))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await control.end()


async def _tend(control: Control, woken: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(SAFETY_S):
                await woken.wait()
        while woken.is_set():
            woken.clear()
            await asyncio.sleep(SETTLE_S)
        try:
            await control.look()
        except Exception as exc:  # noqa: BLE001 (a fault in one look must not be the end of all looks)
            complain(f"the settings could not be looked after: {type(exc).__name__}")
