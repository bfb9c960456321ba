"""`python -m resilience serve`: the application on a socket, until SIGTERM or SIGINT."""

import errno
import math
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from prometheus_client import disable_created_metrics

from resilience.config import Config
from resilience.control.control import Place
from resilience.errors import ResilienceError
from resilience.eventlog import EventLog
from resilience.events import Event, Origin
from resilience.service import pidfile
from resilience.service.app import create_app
from resilience.service.control_door import is_loopback
from resilience.service.tracing import tracing

SERVICE = "metis-backend"


class ServeError(ResilienceError):
    """The service cannot start; the message says what to change."""


def serve(config: Config, env_file: Path = Path(".env"), environ: Mapping[str, str] = os.environ) -> None:
    """Serve until a signal, then let running requests end, within their deadline, and write SERVICE_STOPPED.

    env_file, environ: where config came from; changes go back into the file. Raises ServeError if the address cannot
    be taken or must not be, or the event log cannot be written.
    """
    if not config.tokens and not is_loopback(config.host):
        raise ServeError(
            f"METIS_HOST (--host) must be a loopback address while METIS_CONTROL_TOKENS is not set, got {config.host}: "
            "whoever reaches the service could change its settings; set tokens, then listen elsewhere"
        )
    listener = _listen(config.host, config.port)
    try:
        log = EventLog(config.log_path, Origin(SERVICE, socket.gethostname(), os.getpid()))
    except OSError as exc:
        listener.close()
        rule = "METIS_LLM_LOG_PATH must name a file that can be written"
        raise ServeError(f"{rule}, got {config.log_path}: {exc.strerror}") from exc
    spans = tracing(SERVICE, environ)

    def emit(event: Event) -> None:
        log.emit(event)
        if spans is not None:
            spans.observe(event)

    # Else each counter has a second series with the time of its birth.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
    place = Place(env_file, pidfile.state_path(env_file), dict(environ))
    app = create_app(config, emit, place=place, flush=log.flush)
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,  # each request has its LLM_REQUEST line
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="on",
            loop="asyncio",  # its clock is finer than the millisecond steps of uvloop's, and the log shows it
        )
    )
    # Also before and after the time in which uvicorn listens to them: a signal is never the process's sudden end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    url = _url(config.host, listener.getsockname()[1])
    server.entry = pidfile.Backend.of_this_process(url, _stop_within_s(app), str(env_file))
    with listener, pidfile.written(server.entry):
        sys.stderr.write(f"METIS backend: {url} (chain: {', '.join(config.order)}; log: {config.log_path})\n")
        if not is_loopback(config.host):
            sys.stderr.write(f"warning: whoever reaches {url} can spend your keys: chats ask for no sign-in\n")
        sys.stderr.flush()
        try:
            server.run(sockets=[listener])
        finally:
            log.close()
            if spans is not None:
                spans.close()


class _Server(uvicorn.Server):
    """Waits at its end for requests under way, also for those that began under a longer deadline than the start's."""

    entry: pidfile.Backend

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, and say in the pidfile how long that may take."""
        within_s = _stop_within_s(self.config.app)
        self.config.timeout_graceful_shutdown = within_s
        with suppress(OSError):  # a restart waits less, then
            pidfile.write(replace(self.entry, stop_within_s=within_s))
        await super().shutdown(sockets)


def _stop_within_s(app: Any) -> int:
    # Every request ends within its own deadline, so none that had begun is cut off.
    longest_s: float = app.state.longest_deadline_s()
    return math.ceil(longest_s) + 1


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror as exc:
        raise ServeError(f"METIS_HOST (--host) must be an address of this machine, got {host}") from exc
    except OSError as exc:
        raise ServeError(_refused(host, port, exc)) from exc
    # Accepted connections inherit it. asyncio sets it only where a socket names its protocol, which these do not: an
    # answer in two writes, head and body, would wait 40 ms for the caller's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _refused(host: str, port: int, exc: OSError) -> str:
    match exc.errno:
        case errno.EADDRINUSE:
            return (
                f"port {port} on {host} is taken by another program: stop it, or choose another port with "
                "METIS_PORT or --port"
            )
        case errno.EACCES:
            return f"port {port} needs more rights than this user has: choose one above 1023 (METIS_PORT or --port)"
        case errno.EADDRNOTAVAIL:
            return f"METIS_HOST (--host) must be an address of this machine, got {host}"
    return f"cannot listen on {host} port {port}: {exc.strerror}"


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
