"""Long texts, which the guards look at in threads: what goes on meanwhile, and for how long.

On a real loop, since a thread waits on no virtual clock. The threads are held by the test, so no machine is too quick for it.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from resilience import passage
from resilience.chat import ChatRequest, Chunk, Message
from resilience.client import Client
from resilience.config import Config
from resilience.errors import DeadlineExceededError
from resilience.events import RequestFinished
from resilience.policy import DeadlinePolicy
from tests.resilience.scripted import Events, ScriptedNetwork, chunk, config, openai_answer, sse

LONG_TEXT = "alpha bravo " * 400
LONG = {
    "message": ChatRequest((Message("user", LONG_TEXT),)),
    "context": ChatRequest((Message("user", "Hello"),), context=(Chunk("c1", LONG_TEXT),)),
    "stop": ChatRequest((Message("user", "Hello"),), stop=(LONG_TEXT,)),
}
HELLO = ChatRequest((Message("user", "Hello"),))


@contextmanager
def no_thread_free() -> Iterator[None]:
    release = threading.Event()
    held = [passage._THREADS.submit(release.wait) for _ in range(passage._THREADS._max_workers)]
    try:
        yield
    finally:
        release.set()
        for one in held:
            one.result()


def impatient(deadline_s: float) -> Config:
    settings = config(PROVIDER_ORDER="openai", MAX_RETRIES="0")
    return replace(settings, deadline=DeadlinePolicy(request_s=deadline_s))


async def answered(client: Client, request: ChatRequest, *, stream: bool) -> str:
    if not stream:
        return (await client.chat(request)).completion.text
    async with client.stream(request) as pieces:
        return "".join([delta.text async for delta in pieces])


def run(
    main: Callable[[Client], Coroutine[Any, Any, None]], network: ScriptedNetwork, deadline_s: float
) -> list[tuple[str, int]]:
    """Status and attempts of each request."""
    events = Events()

    async def whole() -> None:
        async with Client(impatient(deadline_s), events.append, transport=network) as client:
            await main(client)

    asyncio.run(whole())
    return [(str(event.status), event.attempts) for event in events if isinstance(event, RequestFinished)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("where", LONG)
def test_the_deadline_holds_while_a_request_waits_for_the_guards(where: str, stream: bool) -> None:
    network = ScriptedNetwork()

    async def main(client: Client) -> None:
        with no_thread_free(), pytest.raises(DeadlineExceededError):
            await answered(client, LONG[where], stream=stream)

    assert run(main, network, deadline_s=0.02) == [("deadline", 0)]
    assert network.calls == []


@pytest.mark.parametrize("stream", [False, True])
def test_the_deadline_holds_while_an_answer_waits_for_the_guards(stream: bool) -> None:
    reply = sse(chunk(LONG_TEXT), chunk(finish="stop"), "[DONE]") if stream else openai_answer(LONG_TEXT)

    async def main(client: Client) -> None:
        with no_thread_free(), pytest.raises(DeadlineExceededError):
            await answered(client, HELLO, stream=stream)

    assert run(main, ScriptedNetwork(openai=[reply]), deadline_s=0.3) == [("deadline", 1)]


def test_a_short_answer_to_a_long_request_does_not_hold_the_loop() -> None:
    async def main(client: Client) -> None:
        holding: list[Any] = []

        async def reply(_: httpx2.Request) -> httpx2.Response:
            holding.append(no_thread_free())
            holding[0].__enter__()
            return openai_answer("Write to a@leak.example")

        network._replies["openai"] = [reply]
        with pytest.raises(DeadlineExceededError):  # it is compared with all that was asked, and waits for a thread
            await client.chat(LONG["message"])
        holding[0].__exit__(None, None, None)

    network = ScriptedNetwork(openai=[])
    assert run(main, network, deadline_s=0.3) == [("deadline", 1)]


@pytest.mark.parametrize("beside", [lambda client: client.chat(HELLO), lambda _: asyncio.to_thread(int)])
def test_others_go_on_while_no_guard_has_a_thread(beside: Callable[[Client], Awaitable[object]]) -> None:
    """Short requests, and the threads in which the control API writes its files."""

    async def main(client: Client) -> None:
        with no_thread_free():
            long = asyncio.create_task(client.chat(LONG["message"]))
            await beside(client)
            assert not long.done()
        await long

    assert {status for status, _ in run(main, ScriptedNetwork(), deadline_s=60)} == {"success"}


def test_a_caller_who_leaves_while_the_guards_look_is_let_go_at_once() -> None:
    async def main(client: Client) -> None:
        with no_thread_free():
            task = asyncio.create_task(client.chat(LONG["message"]))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    assert run(main, ScriptedNetwork(), deadline_s=60) == [("cancelled", 0)]
