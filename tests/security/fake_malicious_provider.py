"""Fake providers for drills, as the runbook's "Testing Resiliency" uses them."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from tests.resilience.scripted import anthropic_answer, openai_answer

_RAISED: dict[str, Callable[[], Exception]] = {
    "connect": lambda: httpx2.ConnectError("connection refused"),
    "reset": lambda: httpx2.ReadError("connection reset by peer"),
}
_STATUSES = {str(status.value) for status in HTTPStatus if status >= 400}
_MODES = {"timeout", "malformed", *_RAISED, *_STATUSES}


class FakeFailingProvider(httpx2.AsyncBaseTransport):
    """A network whose first `fail_count` calls fail by `failure_mode`; after that every call is answered.

    failure_mode: an HTTP status as text ("503", "429", "401"), "timeout", "connect", "reset" or "malformed".
    Use: `Client(config, emit, transport=FakeFailingProvider(failure_mode="503", fail_count=2))`.
    """

    def __init__(self, failure_mode: str, fail_count: int) -> None:
        if failure_mode not in _MODES:
            raise ValueError(f"failure_mode must be one of {', '.join(sorted(_MODES))}, got {failure_mode!r}")
        self.failure_mode = failure_mode
        self.fail_count = fail_count
        self.calls = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Fail or answer, in the wire format that the path asks for."""
        self.calls += 1
        if self.calls > self.fail_count:
            return anthropic_answer() if request.url.path.endswith("/messages") else openai_answer()
        if self.failure_mode in _RAISED:
            raise _RAISED[self.failure_mode]()
        if self.failure_mode == "timeout":
            await asyncio.sleep(3600)
        if self.failure_mode == "malformed":
            return httpx2.Response(200, content=b"<html>It works!</html>")
        status = int(self.failure_mode)
        return httpx2.Response(status, json={"error": {"message": HTTPStatus(status).phrase}})
