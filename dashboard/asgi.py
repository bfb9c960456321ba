"""The dashboard as an ASGI application: Streamlit's pages, the bell's event stream, Plotly's script, headers.

`python -m dashboard run` serves it; `streamlit run dashboard/asgi.py` does too, with settings from the
environment. One ingest thread per process starts and stops with it.
"""

import asyncio
import gc
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import FrameType

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from dashboard import alert_state, replaying, reviewing, state
from dashboard.bell import Bell
from dashboard.ingest_status import settled
from dashboard.packing import PLOTLY_FILE, PLOTLY_URL
from dashboard.report.files import stem
from dashboard.security import SecurityHeaders
from dashboard.store import Store

SCRIPT = Path(__file__).with_name("app.py")


def create_app() -> st.App:
    """The application, not yet serving."""
    return st.App(
        SCRIPT,
        lifespan=_life,
        routes=[Route(state.BELL_URL, _bell), Route(PLOTLY_URL, _plotly)],
        middleware=[
            Middleware(_KnownHosts),
            Middleware(SecurityHeaders),
        ],
    )


class _KnownHosts(TrustedHostMiddleware):
    """Refuses other Host headers on every route; Streamlit itself does so for its web socket only."""

    def __init__(self, app: ASGIApp) -> None:  # called when serving begins: Streamlit's settings are loaded by then
        super().__init__(app, allowed_hosts=st.get_option("server.allowedHosts"))


@asynccontextmanager
async def _life(_app: st.App) -> AsyncIterator[None]:
    service = state.service()
    service.ingest.start()
    swinging = asyncio.create_task(service.bell.swing())
    looking = asyncio.create_task(_look_first(service))
    _close_streams_on_signals(service.bell)
    # What is loaded now stays loaded: the collection after each refresh need not look at it.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        for task in (swinging, looking):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(service.ingest.stop)
        if (evaluating := alert_state.alerts().evaluating) is not None:
            evaluating.close()
        control = state.control()
        control.pool.shutdown(wait=False, cancel_futures=True)
        control.client.close()
        service.store.close()
        gc.unfreeze()


async def _look_first(service: state.Service) -> None:
    """Does once the log has been read what the first page would wait for: alerts, incidents, the newest one's report."""
    while not settled(service.ingest.status()):  # noqa: ASYNC110 (a thread reads, and it has no asyncio event)
        await asyncio.sleep(0.2)
    with suppress(Exception):  # whoever opens the page is told
        await asyncio.to_thread(_first_look, service.store)


def _first_look(store: Store) -> None:
    version = store.version
    alert_state.course(version, state.extent(version), settled=True, wait_s=5)
    if not alert_state.alerts().problem:
        found = reviewing.found_incidents(version)
        if found:  # the page shows the newest
            reviewing.reviewed(version, stem(found[-1]), found[-1])
            replaying.settings_at(version, reviewing.shown_range(found[-1])[0])
    store.run(store.events.limit(1))  # the writer of SQL takes a second to load


def _close_streams_on_signals(bell: Bell) -> None:
    # The server waits for open responses before it ends, and an event stream is open as long as its page.
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)

        def close(signum: int, frame: FrameType | None, before: object = before) -> None:
            bell.close()
            if callable(before):
                before(signum, frame)

        signal.signal(number, close)


async def _bell(_request: Request) -> Response:
    async def stream() -> AsyncIterator[str]:
        async for version in state.service().bell.listen():
            yield f"data: {version}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def _plotly(_request: Request) -> Response:
    # The URL names the version, so a browser may keep it for good.
    return FileResponse(
        PLOTLY_FILE, media_type="text/javascript", headers={"cache-control": "public, max-age=31536000, immutable"}
    )


app = create_app()
