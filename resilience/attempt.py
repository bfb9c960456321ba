"""One call to one provider over HTTP: bytes out, a Completion or a stream of Deltas back.

Everything that can go wrong leaves as ProviderError with the contract's reason; cancellation passes through,
and time limits are the caller's. Those limits are anyio's scopes: a task that asyncio.timeout cancels while the
pool closes idle connections loses the rest of them, a scope waits until the pool is done.
"""

import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress

import httpx2
from anyio import move_on_after

from resilience.adapters import ADAPTERS, Adapter, Call
from resilience.adapters.base import failure, malformed
from resilience.chat import ChatRequest, Completion, Delta
from resilience.config import Provider
from resilience.errors import Failure, ProviderError
from resilience.events import Reason

MAX_BODY_BYTES = 16 * 1024 * 1024
"""The most of a response that is read, after inflation; an answer of a model is far smaller."""

MAX_ERROR_BYTES = 64 * 1024
"""The most of an error's body that is read."""

IDLE_CONNECTIONS = 20
"""Kept per provider for the next calls. The pool polls each idle socket twice per call: many cost more than a call."""

DRAIN_S = 0.05
"""How long the end of a finished stream is waited for, so that its connection can be used again."""

ERROR_BODY_S = 1.0
"""How long the body of an error is waited for: the status, and when to come back, are known without it."""

TAIL_S = 0.25
"""How long a stream may be silent after its finish reason: what can still come is the usage and `[DONE]`."""


Certificates = ssl.SSLContext | bool


class Caller:
    """Calls these providers, each through connections of its own; `connect_s` bounds the connecting alone.

    The pool looks at all its connections twice per call: in one for all, a slow provider's would cost the others time.
    """

    def __init__(
        self,
        providers: Iterable[Provider],
        transport: httpx2.AsyncBaseTransport | None,
        connect_s: float,
        before: "Caller | None" = None,
    ) -> None:
        """before: the caller under the settings until now; providers at the same address keep their connections."""
        # Once: loading certificates takes as long as many calls.
        self.certificates: Certificates = (
            before.certificates if before else httpx2.create_ssl_context() if transport is None else True
        )
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._doors: dict[str, tuple[str, str | None]] = {}
        for provider in providers:
            name, door = provider.name, (provider.base_url, provider.api_key)
            kept = before._clients[name] if before and before._doors.get(name) == door else None
            self._clients[name] = kept or self._pool(transport)
            self._doors[name] = door
        # The attempt's own limit covers reading and writing; httpx's limits per read would add up beyond it.
        self._extensions = {"timeout": {"connect": connect_s, "read": None, "write": None, "pool": None}}

    def _pool(self, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            verify=self.certificates,
            transport=transport,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=IDLE_CONNECTIONS),
            follow_redirects=False,
        )

    def pools(self) -> list[httpx2.AsyncClient]:
        """The connections, one pool per provider; whoever replaces a caller closes those that it no longer needs."""
        return list(self._clients.values())

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()

    async def complete(self, provider: Provider, request: ChatRequest, note: Callable[[Delta], None]) -> Completion:
        """The whole answer. Raises ProviderError; `note` then gets the tokens that were spent for nothing, if told."""
        adapter = ADAPTERS[provider.kind]
        response = await self._post(provider, adapter.call(provider, request, streamed=False))
        async with aclosing(response):
            body = await _whole(response, MAX_BODY_BYTES)
        try:
            return adapter.completion(body)
        except ProviderError:
            for spent in _spent(adapter, body):
                note(spent)
            raise

    async def stream(self, provider: Provider, request: ChatRequest) -> AsyncGenerator[Delta]:
        """The answer piece by piece. Raises ProviderError, also when the stream ends before the answer does."""
        adapter = ADAPTERS[provider.kind]
        response = await self._post(provider, adapter.call(provider, request, streamed=True))
        async with aclosing(response):
            if not response.headers.get("content-type", "").lower().startswith("text/event-stream"):
                # No stream: an error inside a 200, or a provider that answers whole.
                body = await _whole(response, MAX_BODY_BYTES)
                try:
                    completion = adapter.completion(body)
                except ProviderError:
                    for spent in _spent(adapter, body):
                        yield spent
                    raise
                yield Delta(completion.text, completion.finish_reason, completion.usage, completion.model)
                return
            async with aclosing(_deltas(response, adapter)) as deltas:
                async for delta in deltas:
                    yield delta

    async def _post(self, provider: Provider, call: Call) -> httpx2.Response:
        # Built here rather than by the client: no cookies, no default headers, no merging per request.
        headers = {**call.headers, "accept-encoding": "identity"}
        request = httpx2.Request("POST", call.url, headers=headers, content=call.body, extensions=self._extensions)
        try:
            response = await self._clients[provider.name].send(request, stream=True)
        except httpx2.HTTPError as exc:
            raise _transport_error(exc, Reason.CONNECTION_RESET) from exc
        if response.status_code == 200:
            return response
        body = b""
        async with aclosing(response):
            with move_on_after(ERROR_BODY_S), suppress(ProviderError):  # the status alone has to do
                body = await _whole(response, MAX_ERROR_BYTES)
        raise ProviderError(failure(response.status_code, response.headers, body))


def _spent(adapter: Adapter, data: bytes | str) -> list[Delta]:
    """What is left of an answer that is none: its tokens, if it tells them."""
    usage = adapter.usage(data)
    return [] if usage is None else [Delta(usage=usage)]


async def _deltas(response: httpx2.Response, adapter: Adapter) -> AsyncGenerator[Delta]:
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise malformed("a compressed stream, which was not asked for")
    reader = adapter.reader()
    size = 0
    events = aiter(httpx2.EventSource(response))
    try:
        while not reader.done:
            event = await (_next_within(events, TAIL_S) if reader.finished else anext(events, None))
            if event is None:
                break
            size += len(event.data)
            if size > MAX_BODY_BYTES:
                raise malformed(f"more than {MAX_BODY_BYTES} bytes")
            if event.data:
                try:
                    deltas = reader.feed(event.data)
                except ProviderError:
                    for spent in _spent(adapter, event.data):
                        yield spent
                    raise
                for delta in deltas:
                    yield delta
        if reader.done:
            await _next_within(events, DRAIN_S)
    except httpx2.SSEError as exc:
        raise malformed(str(exc)) from exc
    except httpx2.HTTPError as exc:
        if not reader.finished:
            raise _transport_error(exc, Reason.STREAM_INTERRUPTED) from exc
    if not reader.finished:
        raise ProviderError(Failure(Reason.STREAM_INTERRUPTED))


async def _next_within(events: AsyncIterator[httpx2.ServerSentEvent], limit_s: float) -> httpx2.ServerSentEvent | None:
    """The next event, None at the end or after limit_s; the stream is of no use then."""
    with move_on_after(limit_s):
        return await anext(events, None)
    return None


async def _whole(response: httpx2.Response, most_bytes: int) -> bytes:
    inflate = _inflater(response)
    chunks: list[bytes] = []
    left = most_bytes
    try:
        # The raw stream: aiter_bytes would inflate a piece whole, however large that gets.
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 (an async client's response)
        async for chunk in response.stream:
            piece = inflate(chunk, left + 1)  # one byte more than allowed shows that there is more
            chunks.append(piece)
            left -= len(piece)
            if left < 0:
                raise malformed(f"more than {most_bytes} bytes")
    except httpx2.HTTPError as exc:
        raise _transport_error(exc, Reason.CONNECTION_RESET) from exc
    return b"".join(chunks)


def _inflater(response: httpx2.Response) -> Callable[[bytes, int], bytes]:
    """Decodes a body piece by piece, never to more bytes than asked for."""
    match response.headers.get("content-encoding", "identity").strip().lower():
        case "identity":
            return lambda chunk, _: chunk
        case "gzip" | "x-gzip" | "deflate":
            decoder = zlib.decompressobj(wbits=47)  # either header

            def inflate(chunk: bytes, most: int) -> bytes:
                try:
                    return decoder.decompress(chunk, most)
                except zlib.error as exc:
                    raise malformed("cannot be inflated") from exc

            return inflate
    raise malformed("compressed in a way that was not asked for")


def _transport_error(exc: httpx2.HTTPError, broken: Reason) -> ProviderError:
    match exc:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.UnsupportedProtocol() | httpx2.ProxyError():
            return ProviderError(Failure(Reason.CONNECT_ERROR))
    return ProviderError(Failure(broken))
