"""A scripted network: each provider answers from its own list, the last entry for ever."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2

from resilience.chat import ChatRequest, Message
from resilience.config import Config, load
from resilience.events import Event
from resilience.simulator.virtual import VirtualLoop

Reply = httpx2.Response | Exception | Callable[[httpx2.Request], Any]

KEYS = {
    "OPENROUTER_API_KEY": "key-openrouter",
    "ANTHROPIC_API_KEY": "key-anthropic",
    "DEEPSEEK_API_KEY": "key-deepseek",
    "OPENAI_API_KEY": "key-openai",
}
HOSTS = {
    "openrouter.ai": "openrouter",
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.openai.com": "openai",
}
HELLO = ChatRequest((Message("user", "Hello"),))


def config(**settings: str) -> Config:
    """Settings with keys for all four providers; names without the METIS_LLM_ prefix."""
    return load(None, KEYS | {f"METIS_LLM_{name}": value for name, value in settings.items()})


def openai_answer(text: str = "Hi", model: str = "some-model") -> httpx2.Response:
    body = {
        "id": "c1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
    return httpx2.Response(200, json=body)


def anthropic_answer(text: str = "Hi") -> httpx2.Response:
    body = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    return httpx2.Response(200, json=body)


def error(status: int, message: str = "no", headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
    return httpx2.Response(status, headers=headers, json={"error": {"message": message, **more}})


def sse(*events: str | dict[str, Any]) -> httpx2.Response:
    text = "".join(f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n" for e in events)
    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=text.encode())


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"model": "some-model", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


class ScriptedNetwork(httpx2.AsyncBaseTransport):
    """Replies per provider name; `calls` lists who was called, in order."""

    def __init__(self, **replies: list[Reply]) -> None:
        self.calls: list[str] = []
        self.requests: list[httpx2.Request] = []
        self._replies = replies

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        name = HOSTS[request.url.host]
        self.calls.append(name)
        self.requests.append(request)
        script = self._replies.get(name)
        if not script:
            return anthropic_answer() if name == "anthropic" else openai_answer()
        reply = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(reply, Exception):
            raise reply
        if callable(reply):
            reply = await reply(request)
        # A fresh response each time: a body can be read once.
        return httpx2.Response(reply.status_code, headers=reply.headers, content=reply.content)


class Events(list[Event]):
    """Collects what is emitted."""

    def of(self, *kinds: str) -> list[Event]:
        return [event for event in self if event.kind in kinds]


def play(main: Callable[[], Any]) -> Any:
    """Run a coroutine function on virtual time: waits cost nothing."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


async def hang(request: httpx2.Request) -> httpx2.Response:
    """A provider that says nothing."""
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits for an hour")
