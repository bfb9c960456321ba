"""A chat completion as server-sent events.

A provider that fails before its first content gives a plain error response: the chain has not answered yet, so
the status is still open. After that an error is an event of its own, without [DONE]: a stream that was cut
never looks like a whole one. A caller who takes nothing for as long as a provider may be silent is let go: their
unread pieces would hold the provider's call for ever.
"""

import asyncio
import time
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from resilience.chat import ChatRequest, Usage
from resilience.client import Client
from resilience.errors import ResilienceError
from resilience.service.chat_objects import answer_headers, chunk_choice, completion_id, grounding_object, usage_object
from resilience.service.connection import CallerGoneError, while_connected
from resilience.service.problems import INTERNAL, problem_of
from resilience.service.wire import json_bytes
from resilience.stream import Stream

_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would hold the pieces back
}


class ChatStream(Response):
    """The response that asks the chain and passes its pieces on as they come."""

    def __init__(self, client: Client, chat: ChatRequest, request_id: str, *, include_usage: bool) -> None:
        super().__init__()
        self._client = client
        self._chat = chat
        self._request_id = request_id
        self._include_usage = include_usage
        self._created = int(time.time())
        self._patience_s = client.config.deadline.stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI's signature)
        """Serve one caller to the end of the answer, or of the connection."""

        async def send_within(message: Message) -> None:
            try:
                async with asyncio.timeout(self._patience_s):
                    await send(message)
            except TimeoutError:
                raise CallerGoneError from None

        try:
            async with while_connected(receive), self._client.stream(self._chat, request_id=self._request_id) as stream:
                await send_within({"type": "http.response.start", "status": 200, "headers": _headers(stream)})
                await self._pass_on(stream, send_within)
        except CallerGoneError:
            return

    async def _pass_on(self, stream: Stream, send: Send) -> None:
        try:
            await self._pieces(stream, send)
        except ResilienceError as exc:
            await _event(send, json_bytes(problem_of(exc).body()))
        except CallerGoneError:
            raise
        except Exception:
            await _event(send, json_bytes(INTERNAL.body()))
            raise
        else:
            await _event(send, b"[DONE]")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self, stream: Stream, send: Send) -> None:
        role: dict[str, str] = {"role": "assistant"}
        usage: Usage | None = None
        async for delta in stream:
            usage = delta.usage or usage
            if delta.text:
                await self._chunk(send, stream, [chunk_choice(role | {"content": delta.text}, None)])
                role = {}
            if delta.finish_reason:
                await self._chunk(send, stream, [chunk_choice(role, delta.finish_reason)], last=True)
        if self._include_usage:
            await self._chunk(send, stream, [], usage)

    async def _chunk(
        self,
        send: Send,
        stream: Stream,
        choices: list[dict[str, Any]],
        usage: Usage | None = None,
        *,
        last: bool = False,
    ) -> None:
        chunk: dict[str, Any] = {
            "id": completion_id(self._request_id),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": stream.model,
            "provider": stream.provider,
            "choices": choices,
        }
        if last:
            chunk |= grounding_object(stream.grounding)
        if self._include_usage:
            chunk["usage"] = usage_object(usage)
        await _event(send, json_bytes(chunk))


async def _event(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": b"data: " + data + b"\n\n", "more_body": True})


def _headers(stream: Stream) -> list[tuple[bytes, bytes]]:
    headers = _HEADERS | answer_headers(stream.provider, stream.attempts, stream.fallbacks)
    return [(name.encode(), value.encode()) for name, value in headers.items()]
