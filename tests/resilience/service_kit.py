"""What the service's tests share: a scripted network behind the chain, a server on a real socket, a log in memory."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import uvicorn
from fastapi import FastAPI

from resilience.config import Config, Provider
from resilience.events import Event, ProvidersInitialized
from resilience.policy import CircuitPolicy, RetryPolicy
from resilience.service.app import create_app

KEY = "sk-alpha-secret"
WAIT_S = 10.0

http = httpx2.Client(verify=False, timeout=WAIT_S)
"""For all requests of the tests: building a client of their own for each would take most of the time."""

Behaviour = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


def two_providers(threshold: int = 1000) -> Config:
    """alpha, then beta; no retries; circuits stay closed unless a threshold is given."""
    return Config(
        providers=(
            Provider("alpha", "openai", "http://alpha.test/v1", "alpha-model", KEY),
            Provider("beta", "openai", "http://beta.test/v1", "beta-model", "sk-beta-secret"),
        ),
        circuit=CircuitPolicy(threshold=threshold),
        retry=RetryPolicy(max_retries=0, base_delay_s=0),
    )


class Network(httpx2.AsyncBaseTransport):
    """Providers by name; what each does is set by the test. Without a behaviour it answers `Hello from NAME`."""

    def __init__(self, **behaviours: Behaviour) -> None:
        self.behaviours = behaviours
        self.bodies: list[dict[str, object]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.bodies.append(json.loads(request.content))
        name = request.url.host.removesuffix(".test")
        behaviour = self.behaviours.get(name)
        return await (behaviour or answers(f"Hello from {name}"))(request)


def answers(text: str) -> Behaviour:
    """A provider that gives this answer, whole or word by word, as it is asked."""

    async def behave(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        if body.get("stream"):
            return event_stream(*pieces(body["model"], text), b"data: [DONE]\n\n")
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        answer = {"model": body["model"], "choices": [choice], "usage": usage}
        return httpx2.Response(200, content=json.dumps(answer).encode())

    return behave


def fails(status: int, error: dict[str, object] | None = None) -> Behaviour:
    """A provider that answers with an error."""

    async def behave(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json={"error": error or {"message": "upstream text"}})

    return behave


def pieces(model: str, text: str) -> list[bytes]:
    """A streamed answer up to its [DONE]."""
    words = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in text.split(" ")]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks: list[dict[str, object]] = [{"model": model, "choices": [choice]} for choice in [*words, end]]
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    chunks.append({"model": model, "choices": [], "usage": usage})
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]


def event_stream(*events: bytes) -> httpx2.Response:
    """A response that streams these bytes."""

    async def body() -> AsyncIterator[bytes]:
        for event in events:
            yield event

    return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())


class Silent:
    """A provider that takes the call and says nothing; tells the test when it was called and when let go."""

    def __init__(self, *first_events: bytes) -> None:
        self.called = threading.Event()
        self.cancelled = threading.Event()
        self._first_events = first_events

    async def __call__(self, _: httpx2.Request) -> httpx2.Response:
        if not self._first_events:
            await self._hang()

        async def body() -> AsyncIterator[bytes]:
            for event in self._first_events:
                yield event
            await self._hang()

        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    async def _hang(self) -> None:
        self.called.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


class Log:
    """Events in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def emit(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if type(event) in kinds]

    def wait_for(self, kind: type[Event]) -> Event:
        """The first event of this kind, now or soon."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.of(kind), WAIT_S), f"no {kind.kind} came"
            return self.of(kind)[0]


@dataclass
class Service:
    """One running service that several tests of a module share; `clear` gives it back as it was."""

    url: str
    network: Network
    log: Log

    def clear(self) -> None:
        self.network.behaviours.clear()
        self.network.bodies.clear()
        self.log.events.clear()


@contextmanager
def shared_service() -> Iterator[Service]:
    """A service over `two_providers`."""
    network, log = Network(), Log()
    with serving(create_app(two_providers(), log.emit, transport=network)) as url:
        log.wait_for(ProvidersInitialized)  # else the start could write into a test's log
        yield Service(url, network, log)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The app behind uvicorn on a port of its own; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as serve does
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
    assert not thread.is_alive()
