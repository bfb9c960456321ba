"""A synchronous front for scripts: the same chain, on an event loop in a thread of its own."""

from types import TracebackType
from typing import Self

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from resilience.breaker import Emit
from resilience.chat import Answer, ChatRequest
from resilience.client import Client
from resilience.config import Config


class SyncClient:
    """`with SyncClient(config, emit) as client: client.chat(...)`; safe to share between threads."""

    def __init__(self, config: Config, emit: Emit, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._client = Client(config, emit, transport=transport)
        self._portals = start_blocking_portal("asyncio")
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        self._portal = self._portals.__enter__()
        self._portal.call(self._client.start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started().call(self._client.aclose)
        self._portals.__exit__(kind, exc, trace)
        self._portal = None

    def chat(self, request: ChatRequest, *, request_id: str | None = None) -> Answer:
        """Like Client.chat, waiting in this thread."""

        async def ask() -> Answer:
            return await self._client.chat(request, request_id=request_id)

        return self._started().call(ask)

    def _started(self) -> BlockingPortal:
        if self._portal is None:
            raise RuntimeError("the client is not started: use `with SyncClient(...)`")
        return self._portal
