"""An HTTP transport that answers from simulated providers, on whatever clock the loop has.

Providers are told apart by the host of the URL: `openrouter.invalid` is openrouter (`.invalid` never resolves,
RFC 2606). Faults leave as the exceptions that the real transport raises.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import httpx2

from resilience.simulator.provider import Received, SimulatedProvider
from resilience.simulator.steps import Close, Garble, Hang, Head, Refuse, Reset, Send, Step, Wait

TOP_LEVEL = ".invalid"


class SimulatedTransport(httpx2.AsyncBaseTransport):
    """providers: by name; wall: seconds since the epoch, for the answers' time of creation."""

    def __init__(self, providers: Mapping[str, SimulatedProvider], wall: Callable[[], float]) -> None:
        self._providers = providers
        self._wall = wall

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The head of the provider's answer; the body follows as it is read. Raises httpx2.TransportError."""
        provider = self._providers[request.url.host.removesuffix(TOP_LEVEL)]
        received = Received(request.url.path, dict(request.headers.items()), await request.aread())
        steps = provider.answer(received, self._wall())
        for step in steps:
            if isinstance(step, Head):
                await asyncio.sleep(step.gap_s * sum(len(name) + len(value) + 4 for name, value in step.headers))
                return httpx2.Response(step.status, headers=list(step.headers), stream=_Body(steps))
            await _pass(step)
        raise httpx2.RemoteProtocolError("Server disconnected without sending a response.")


def base_url(provider: SimulatedProvider) -> str:
    """Where this transport answers as that provider."""
    return f"http://{provider.profile.name}{TOP_LEVEL}{provider.profile.base_path}"


class _Body(httpx2.AsyncByteStream):
    def __init__(self, steps: Iterator[Step]) -> None:
        self._steps = steps

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._steps:
            if isinstance(step, Send):
                yield step.data
            else:
                await _pass(step)


async def _pass(step: Step) -> None:
    match step:
        case Wait(seconds):
            await asyncio.sleep(seconds)
        case Hang():
            await asyncio.Event().wait()  # until cancelled
        case Refuse():
            raise httpx2.ConnectError("All connection attempts failed")
        case Reset():
            raise httpx2.ReadError("Connection reset by peer")
        case Close():
            raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")
        case Garble():
            raise httpx2.RemoteProtocolError("illegal chunk header")
        case Head() | Send():
            raise RuntimeError(f"{step!r} has no place here")
