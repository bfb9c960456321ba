"""Connections to providers: none is lost, whenever a call ends."""

import asyncio
import gc
from collections.abc import Callable, Iterator

import anyio
import pytest

from resilience.client import Client
from resilience.config import Config, Provider
from resilience.errors import UnansweredError
from resilience.policy import CircuitPolicy, DeadlinePolicy, LoadPolicy, RetryPolicy
from resilience.simulator.behaviour import Behaviour
from resilience.simulator.servers import Servers
from tests.resilience.measuring import open_files
from tests.resilience.quick_faults import QUICK
from tests.resilience.scripted import HELLO

HANG = Behaviour.of("hang")


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """The garbage collector closes lost connections; here nothing may need it."""
    gc.disable()
    yield
    gc.enable()


def chain(servers: Servers, **limits: float) -> Config:
    provider = Provider("openai", "openai", servers.base_url("openai"), "m", "k")
    return Config(
        providers=(provider,),
        circuit=CircuitPolicy(threshold=1000),
        retry=RetryPolicy(max_retries=0),
        deadline=DeadlinePolicy(**limits),
        load=LoadPolicy(concurrency=1000),
    )


async def left_over(files: int) -> tuple[int, int]:
    """How many more files are open than before, and tasks running, once what is under way has ended."""
    for _ in range(100):
        if open_files() <= files and len(asyncio.all_tasks()) == 1:
            break
        await asyncio.sleep(0.01)
    return open_files() - files, len(asyncio.all_tasks()) - 1


@pytest.mark.parametrize("turns", range(12))
def test_a_call_that_ends_while_the_pool_closes_idle_connections_loses_none(turns: int) -> None:
    async def main() -> tuple[int, int]:
        files = open_files()
        async with Servers() as servers:
            servers.set("openai", QUICK)
            async with Client(chain(servers), lambda _: None) as client:
                await asyncio.gather(*(client.chat(HELLO) for _ in range(10)))
                servers.set("openai", Behaviour.of("refuse"))  # resets the ten idle connections
                await asyncio.sleep(0.02)
                servers.set("openai", QUICK)
                with anyio.CancelScope() as scope:
                    after_turns(turns, scope.cancel)
                    await client.chat(HELLO)
        return await left_over(files)

    assert asyncio.run(main()) == (0, 0)


def after_turns(turns: int, act: Callable[[], None]) -> None:
    """Do it in a later turn of the event loop."""
    loop = asyncio.get_running_loop()
    loop.call_soon(*((after_turns, turns - 1, act) if turns else (act,)))


@pytest.mark.parametrize("limit_s", [0.001, 0.003, 0.01, 0.03])
def test_a_limit_in_the_midst_of_connecting_or_reading_loses_no_connection(limit_s: float) -> None:
    async def main() -> tuple[int, int]:
        files = open_files()
        async with Servers() as servers:
            servers.set("openai", QUICK, HANG, QUICK, HANG)
            limits = {"attempt_s": limit_s, "first_token_s": limit_s, "request_s": 4 * limit_s}
            async with Client(chain(servers, **limits), lambda _: None) as client:
                endings = await asyncio.gather(
                    *(read(client, streamed=number % 2 == 0) for number in range(60)), return_exceptions=True
                )
        assert all(isinstance(ending, UnansweredError | None) for ending in endings)
        return await left_over(files)

    assert asyncio.run(main()) == (0, 0)


@pytest.mark.parametrize("after_s", [0.0, 0.002, 0.01, 0.05])
def test_callers_who_leave_lose_no_connection(after_s: float) -> None:
    async def main() -> tuple[int, int]:
        files = open_files()
        async with Servers() as servers:
            servers.set("openai", Behaviour.of("stall", latency_s=0.0))
            async with Client(chain(servers), lambda _: None) as client:
                callers = [asyncio.create_task(read(client, streamed=number % 2 == 0)) for number in range(60)]
                await asyncio.sleep(after_s)
                for caller in callers:
                    caller.cancel()
                await asyncio.gather(*callers, return_exceptions=True)
        return await left_over(files)

    assert asyncio.run(main()) == (0, 0)


async def read(client: Client, *, streamed: bool) -> None:
    if not streamed:
        await client.chat(HELLO)
        return
    async with client.stream(HELLO) as stream:
        async for _ in stream:
            pass
