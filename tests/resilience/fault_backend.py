"""Many services behind one port, in the tests' own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send


class Backend:
    """The services of all cases behind one port, told apart by the first part of the path."""

    def __init__(self) -> None:
        self.apps: dict[str, FastAPI] = {}
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, name, rest = scope["path"].split("/", 2)
        await self.apps[name](scope | {"path": f"/{rest}"}, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Backend"]:
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = _Server(uvicorn.Config(self, log_config=None, access_log=False, ws="none", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield self
        finally:
            server.should_exit = True
            await serving
            listener.close()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the tests' own process keeps its signal handlers
