"""Simulated providers behind real sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from resilience.simulator.behaviour import Behaviour, Mix
from resilience.simulator.scenario import Phase, Scenario, Traffic
from resilience.simulator.servers import Servers

QUICK = Behaviour.of("ok", latency_s=0.0)
DOWN = Behaviour.of("error", status=503, latency_s=0.0)
HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
KEY = {"authorization": "Bearer simulated"}


def on_servers(use: Callable[[Servers, httpx2.AsyncClient], Awaitable[Any]], *behaviours: Behaviour) -> Any:
    """What `use` returns while OpenRouter's server behaves so."""

    async def main() -> Any:
        async with AsyncExitStack() as stack:
            servers = await stack.enter_async_context(Servers())
            servers.set("openrouter", *behaviours)
            client = await stack.enter_async_context(httpx2.AsyncClient(verify=False, headers=KEY))
            return await use(servers, client)

    return asyncio.run(main())


async def ask(servers: Servers, client: httpx2.AsyncClient, provider: str = "openrouter", **extra: Any) -> Any:
    """The status, or the exception's class."""
    try:
        response = await client.post(servers.base_url(provider) + "/chat/completions", json=HELLO | extra)
    except httpx2.TransportError as exc:
        return type(exc)
    return response.status_code


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until it is so, for at most five seconds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


def test_behaviours_come_in_turn_and_the_last_one_stays() -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        return [await ask(servers, client) for _ in range(5)], servers.calls("openrouter"), servers.counts()

    statuses, calls, counts = on_servers(use, DOWN, DOWN, QUICK)

    assert statuses == [503, 503, 200, 200, 200]
    assert calls == 5
    assert counts == {"openrouter": {"error": 2, "ok": 3}, "anthropic": {}, "deepseek": {}, "openai": {}}


def test_one_connection_serves_many_requests() -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        ports = set()
        for streamed in (False, True, False):
            url = servers.base_url("openrouter") + "/chat/completions"
            async with client.stream("POST", url, json=HELLO | {"stream": streamed}) as response:
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
                await response.aread()
        return ports

    assert len(on_servers(use, QUICK)) == 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour.of("reset", latency_s=0.0), httpx2.ReadError),
        (Behaviour.of("cut", latency_s=0.01), httpx2.RemoteProtocolError),
        (Behaviour.of("refuse"), httpx2.ConnectError),
    ],
)
def test_connection_faults_are_real(behaviour: Behaviour, outcome: type[Exception], streamed: bool) -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        return await ask(servers, client, stream=streamed)

    assert on_servers(use, behaviour) is outcome


def test_a_provider_that_refuses_drops_its_connections_and_comes_back_on_its_port() -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        before = servers.base_url("openrouter"), await ask(servers, client)
        servers.set("openrouter", Behaviour.of("refuse"))
        await ask(servers, client)  # may still find the old connection, and its end
        refused = [await ask(servers, client), await ask(servers, client, provider="openai")]
        servers.set("openrouter", DOWN)
        after = servers.base_url("openrouter"), await ask(servers, client)
        return before, refused, after, servers.calls("openrouter")

    before, refused, after, calls = on_servers(use, QUICK)

    assert before[0] == after[0]
    assert (before[1], refused, after[1]) == (200, [httpx2.ConnectError, 200], 503)
    assert calls == 2


def test_a_port_that_refuses_is_kept_from_everybody_else() -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        servers.set("openrouter", Behaviour.of("refuse"))
        port = urlsplit(servers.base_url("openrouter")).port
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        return await ask(servers, client)

    assert on_servers(use, QUICK) is httpx2.ConnectError


@pytest.mark.parametrize("name", ["hang", "stall"])
def test_a_hang_ends_with_its_client_and_leaves_nothing_behind(name: str) -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        before = len(asyncio.all_tasks())
        with pytest.raises(httpx2.ReadTimeout):
            await client.post(
                servers.base_url("openrouter") + "/chat/completions",
                json=HELLO | {"stream": True},
                timeout=httpx2.Timeout(5, read=0.1),
            )
        await until(lambda: len(asyncio.all_tasks()) <= before)
        return True

    behaviour = Behaviour.of(name) if name == "hang" else Behaviour.of(name, latency_s=0.01)
    assert on_servers(use, behaviour)


def test_servers_close_at_once_while_calls_hang() -> None:
    async def main() -> Any:
        async with httpx2.AsyncClient(verify=False, headers=KEY, timeout=30) as client:
            async with Servers() as servers:
                servers.set("openrouter", Behaviour.of("hang"))
                hanging = [asyncio.create_task(ask(servers, client)) for _ in range(20)]
                await until(lambda: servers.calls("openrouter") == 20)
            return await asyncio.gather(*hanging)

    assert asyncio.run(main()) == [httpx2.ReadError] * 20


def test_any_port_tells_the_counts() -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        await ask(servers, client)
        root = servers.base_url("openai").removesuffix("/v1")
        return (await client.get(root + "/_sim/counts")).json()

    assert on_servers(use, QUICK) == {"openrouter": {"ok": 1}, "anthropic": {}, "deepseek": {}, "openai": {}}


def test_what_was_received_can_be_looked_at() -> None:
    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        await ask(servers, client)
        return servers.received("openrouter")

    (received,) = on_servers(use, QUICK)

    assert received.path == "/api/v1/chat/completions"
    assert received.headers["authorization"] == "Bearer simulated"
    assert b'"messages"' in received.body


def test_a_scenario_is_played_in_real_time() -> None:
    down = Mix(((1.0, DOWN),))
    quick = Mix(((1.0, QUICK),))
    phases = (Phase("openrouter", 0, 3600, quick), Phase("openrouter", 0.2, 0.4, down))
    scenario = Scenario("short", "", 3600, Traffic(rps=1), phases)

    async def use(servers: Servers, client: httpx2.AsyncClient) -> Any:
        seen: list[Any] = []
        playing = asyncio.create_task(servers.play(scenario))
        async with asyncio.timeout(10):
            while seen != [200, 503, 200]:
                status = await ask(servers, client)
                if seen[-1:] != [status]:
                    seen.append(status)
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        return seen

    assert on_servers(use, QUICK) == [200, 503, 200]


def test_a_body_without_end_and_a_request_that_is_no_http_are_not_answered() -> None:
    async def use(servers: Servers, _: httpx2.AsyncClient) -> Any:
        port = httpx2.URL(servers.base_url("openrouter")).port
        answers = []
        for request in (
            b"hello?\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n" + b"x" * 5_000_000,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            try:
                answers.append(await reader.read())
            except ConnectionError:
                answers.append(b"")
            writer.close()
        return answers, servers.calls("openrouter")

    assert on_servers(use, QUICK) == ([b"", b""], 0)


def test_a_taken_port_is_an_error_and_leaves_no_server() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            servers = Servers(ports={"openai": taken.getsockname()[1]})
            with pytest.raises(OSError, match="in use"):
                await servers.__aenter__()

    asyncio.run(main())
