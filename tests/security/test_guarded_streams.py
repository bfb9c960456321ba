"""Streams under the guards, however they end: no text is lost or doubled, and what was shown was looked at."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from resilience.chat import ChatRequest, Delta, Message
from resilience.client import Client
from resilience.config import Config
from resilience.errors import ResilienceError, StreamBrokenError
from resilience.events import AttemptFinished, Event, GuardTriggered, RequestFinished
from tests.resilience.scripted import Events, ScriptedNetwork, chunk, config, play, sse

EMAIL = "erika.muster@example.org"
ASKED = ChatRequest((Message("user", f"Write to {EMAIL}"),))
LEAK = "someone.else@leak.example"
WRITTEN = "See [EMAIL_1] and [EMAIL_1]."
READ = f"See {EMAIL} and {EMAIL}."

Wire = Callable[..., httpx2.Response]


def one(name: str, **settings: str) -> Config:
    return config(PROVIDER_ORDER=name, MAX_RETRIES="0", **settings)


def of_openai(*texts: str, finish: str | None = "stop", after: tuple[str, ...] = ()) -> httpx2.Response:
    end = [] if finish is None else [chunk(finish=finish)]
    return sse(*(chunk(text) for text in texts), *end, *(chunk(text) for text in after), "[DONE]")


def of_anthropic(*texts: str, finish: str | None = "end_turn", after: tuple[str, ...] = ()) -> httpx2.Response:
    def said(text: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}

    end = {"type": "message_delta", "delta": {"stop_reason": finish}, "usage": {"output_tokens": 2}}
    return sse(
        {"type": "message_start", "message": {"model": "claude-x", "usage": {"input_tokens": 5}}},
        {"type": "ping"},
        *(said(text) for text in texts),
        *([] if finish is None else [end]),
        *(said(text) for text in after),
        {"type": "message_stop"},
    )


WIRES = {"openai": of_openai, "anthropic": of_anthropic}


async def read(
    client: Client, request: ChatRequest, until: int | None = None
) -> tuple[list[Delta], ResilienceError | None]:
    """The deltas, up to `until` of them, and what ended them."""
    deltas: list[Delta] = []
    try:
        async with client.stream(request) as stream:
            async for delta in stream:
                deltas.append(delta)
                if len(deltas) == until:
                    break
    except ResilienceError as exc:
        return deltas, exc
    return deltas, None


def streamed(
    reply: httpx2.Response, events: Events, settings: Config, until: int | None = None
) -> tuple[list[Delta], ResilienceError | None]:
    [name] = settings.order

    async def main() -> Any:
        async with Client(settings, events.append, transport=ScriptedNetwork(**{name: [reply]})) as client:
            return await read(client, ASKED, until)

    done: tuple[list[Delta], ResilienceError | None] = play(main)
    return done


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def ends(events: list[Event]) -> list[str]:
    """What is told at the end: guards that acted on the answer, then the attempt's and the request's status."""
    found = []
    for event in events:
        match event:
            case GuardTriggered(where="answer"):
                found.append(f"{event.guard} {event.action}")
            case AttemptFinished() | RequestFinished():
                found.append(f"{event.kind} {event.status}")
    return found


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("mode", ["live", "safe"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_a_placeholder_is_restored_in_both_modes_of_both_formats(wire: str, mode: str, size: int) -> None:
    parts = [WRITTEN[start : start + size] for start in range(0, len(WRITTEN), size)]
    reply = WIRES[wire](*(piece for part in parts for piece in (part, "")))

    deltas, fault = streamed(reply, Events(), one(wire, STREAM_MODE=mode))

    assert fault is None
    assert text_of(deltas) == READ
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["stop"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("mode", ["live", "safe"])
def test_text_after_the_finish_reason_is_neither_lost_nor_held(wire: str, mode: str) -> None:
    reply = WIRES[wire]("To [EMA", after=("IL_1], [EMAIL_1], [", "EM", "A"))

    deltas, fault = streamed(reply, Events(), one(wire, STREAM_MODE=mode))

    assert fault is None
    assert text_of(deltas) == f"To [EMAIL_1], {EMAIL}, [EMA"


@pytest.mark.parametrize("wire", WIRES)
def test_a_leak_after_the_finish_reason_is_reported(wire: str) -> None:
    events = Events()

    streamed(WIRES[wire]("Hello", after=(LEAK[:9], LEAK[9:])), events, one(wire))

    assert ends(events) == ["LLM_ATTEMPT success", "pii flagged", "LLM_REQUEST success"]


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_without_a_finish_reason_keeps_what_was_held_back(wire: str) -> None:
    events = Events()

    deltas, fault = streamed(WIRES[wire](f"{LEAK} [EMAIL_1] [EMA", finish=None), events, one(wire))

    assert text_of(deltas) == f"{LEAK} {EMAIL} [EMA"
    assert isinstance(fault, StreamBrokenError)
    assert ends(events) == ["LLM_ATTEMPT failed", "pii flagged", "LLM_REQUEST error"]


@pytest.mark.parametrize("mode", ["live", "safe"])
def test_a_caller_who_leaves_early_leaves_no_leak_unreported(mode: str) -> None:
    events = Events()

    deltas, fault = streamed(of_openai(f"{LEAK} ", "and", "more"), events, one("openai", STREAM_MODE=mode), until=1)

    assert (len(deltas), fault) == (1, None)
    attempt = "cancelled" if mode == "live" else "success"
    assert ends(events) == [f"LLM_ATTEMPT {attempt}", "pii flagged", "LLM_REQUEST cancelled"]


def test_a_caller_who_leaves_after_the_finish_has_the_whole_answer_looked_at_once() -> None:
    events = Events()

    streamed(of_openai(f"{LEAK} "), events, one("openai"), until=2)

    assert ends(events) == ["pii flagged", "LLM_ATTEMPT success", "LLM_REQUEST success"]


def test_a_caller_who_is_cancelled_leaves_no_leak_unreported() -> None:
    events = Events()
    shown = asyncio.Event()

    async def endless(_: httpx2.Request) -> httpx2.Response:
        async def body() -> AsyncIterator[bytes]:
            yield of_openai(f"{LEAK} ", finish=None).content.replace(b"data: [DONE]\n\n", b"")
            await asyncio.sleep(3600)

        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    class Endless(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            return await endless(request)

    async def main() -> None:
        async def ask() -> None:
            async with client.stream(ASKED) as stream:
                async for _ in stream:
                    shown.set()

        async with Client(one("openai"), events.append, transport=Endless()) as client:
            task = asyncio.create_task(ask())
            await shown.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    play(main)

    assert ends(events) == ["LLM_ATTEMPT cancelled", "pii flagged", "LLM_REQUEST cancelled"]
