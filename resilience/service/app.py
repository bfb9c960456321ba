"""The application: routes over one client, each event to the log and to the metrics."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI, Request, Response
from prometheus_client.exposition import choose_encoder
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from resilience.breaker import Emit
from resilience.client import Client
from resilience.config import Config, settings_of
from resilience.control.control import Control, Place
from resilience.control.tending import tended
from resilience.errors import ResilienceError
from resilience.events import Event, ServiceStarted, ServiceStopped
from resilience.service.chat import add_chat
from resilience.service.connection import CallerGoneError
from resilience.service.control import add_control
from resilience.service.control_door import Door
from resilience.service.gate import Gate, redaction
from resilience.service.health import add_health
from resilience.service.metrics import Metrics
from resilience.service.problems import problem_of
from resilience.service.questions import add_questions
from resilience.service.version import running_version


def create_app(
    config: Config,
    emit: Emit,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    place: Place | None = None,
    flush: Callable[[], object] = lambda: None,
    wall: Callable[[], float] = time.time,
) -> FastAPI:
    """The service for `config`. `emit` gets each event; `transport` replaces the network behind the chain.

    place: the files behind the settings, None for a service whose settings cannot change; flush: waits until all that
    was emitted is in the log; wall: seconds since the epoch.

    Starting the app starts the chain and emits SERVICE_STARTED; stopping it ends with SERVICE_STOPPED.
    Its `state.longest_deadline_s` tells, in seconds, how long requests under way may still take at the most.
    """
    started_at_s = 0.0

    def observed(event: Event) -> None:
        emit(event)
        metrics.observe(event)
        if control is not None:
            control.observe(event)

    client = Client(config, observed, transport=transport, wall=wall)
    control = None
    if place is not None:
        control = Control(client, observed, place, flush=flush, wall=wall, transport=transport)
    keys = _keys(client)
    metrics = Metrics(running_version(), client.circuits, wall)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        nonlocal started_at_s
        started_at_s = asyncio.get_running_loop().time()
        async with AsyncExitStack() as stack:
            if control is not None:
                await control.begin()
            observed(ServiceStarted(**_service(client)))
            await stack.enter_async_context(client)
            if control is not None:
                control.attach()
                await stack.enter_async_context(tended(control))
            yield
        observed(ServiceStopped(**_service(client)))

    app = FastAPI(
        title="METIS LLM chain",
        version=running_version(),
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the event log and /metrics say it all
        responses={"default": {"description": "An error in OpenAI's shape; docs/service.md lists the codes"}},
        docs_url=None,  # these pages load scripts from another host
        redoc_url=None,
    )
    app.state.longest_deadline_s = lambda: client.longest_deadline_s
    app.add_middleware(Gate, redact=lambda text: redaction(keys.union(_keys(client)))(text))
    app.add_exception_handler(ResilienceError, _problem)
    app.add_exception_handler(HTTPException, _problem)
    app.add_exception_handler(CallerGoneError, _nobody_there)
    app.add_exception_handler(ClientDisconnect, _nobody_there)  # gone before the body was whole
    # Straight into the app, the busiest first: each included router costs every request its own matching.
    add_chat(app, client, observed)
    add_questions(app, client, observed)
    if control is not None:
        add_control(app, control, Door(lambda: client.config, wall))
    add_health(app, client, lambda: asyncio.get_running_loop().time() - started_at_s)
    app.add_api_route("/metrics", _exposition(metrics), methods=["GET"], response_model=None)
    return app


def _service(client: Client) -> dict[str, Any]:
    return {
        "version": running_version(),
        "config_version": client.live.version,
        "order": tuple(provider.name for provider in client.chain),
        "settings": settings_of(client.config),
    }


def _keys(client: Client) -> set[str]:
    return {provider.api_key for provider in client.config.providers if provider.api_key}


def _exposition(metrics: Metrics) -> Callable[[Request], Awaitable[Response]]:
    async def exposition(request: Request) -> Response:
        """All metrics, in the text format or OpenMetrics, as the scraper asks."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"content-type": content_type})

    return exposition


async def _problem(_: Request, exc: Exception) -> Response:
    return problem_of(exc).response()


async def _nobody_there(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nginx's number for it; the connection is closed, nothing is sent
