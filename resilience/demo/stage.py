"""Everything that the demo runs, from the first port to the last child's end."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from resilience import envfile
from resilience.demo.children import Child
from resilience.demo.environment import backend_environment, backend_settings, dashboard_environment
from resilience.service.pidfile import PIDFILE, state_path
from resilience.simulator.listener import HOST
from resilience.simulator.scenarios import TOUR
from resilience.simulator.servers import Servers
from resilience.simulator.traffic import drive

RUN_DIR = PIDFILE.parent  # where `make dev-restart` looks, too
ENV_FILE = RUN_DIR / "demo.env"
START_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
SHORTEST_LIFE_S = 5.0
"""A backend that ends sooner than this after its start would only end again."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo is: two ports on loopback; its files are in RUN_DIR of this directory."""

    port: int
    dashboard_port: int

    @property
    def service_url(self) -> str:
        """The backend's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def dashboard_url(self) -> str:
        """The dashboard's address."""
        return f"http://{HOST}:{self.dashboard_port}"

    @property
    def log_path(self) -> Path:
        """The event log that the backend writes and the dashboard reads."""
        return (RUN_DIR / "backend_live.log").absolute()


class DemoError(Exception):
    """A part did not come up, or ended for good; the message says which, and shows its last output."""


async def run(places: Places, say: Say) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP (exit code 0), or until a part fails (1)."""
    RUN_DIR.mkdir(parents=True, exist_ok=True)
    if places.log_path.exists():
        places.log_path.replace(places.log_path.with_suffix(".log.1"))  # each demo begins with an empty page
    async with Servers() as servers:
        # Each demo begins anew, so no change of an earlier one is of any meaning.
        state_path(ENV_FILE).unlink(missing_ok=True)
        envfile.write(ENV_FILE, backend_settings(servers, places.port, places.log_path))
        backend, dashboard, watch = _children(places)
        play = asyncio.create_task(_play(places, servers, backend, (dashboard, watch), say))
        _on_signals(play, (backend, dashboard, watch), say)
        try:
            await play
        except asyncio.CancelledError:
            return 0
        except DemoError as exc:
            say(f"error: {exc}")
        finally:
            # The providers stay until the backend has ended, so that running requests end well.
            await asyncio.gather(*(child.stop(STOP_WITHIN_S) for child in (backend, dashboard, watch)))
    return 1


def _children(places: Places) -> tuple[Child, Child, Child]:
    outputs = {name: RUN_DIR / f"{name}.out" for name in ("backend", "dashboard", "watch")}
    for output in outputs.values():
        output.unlink(missing_ok=True)
    backend = Child(
        "backend",
        (sys.executable, "-m", "resilience", "serve", "--env-file", str(ENV_FILE)),
        backend_environment(os.environ),
        outputs["backend"],
    )
    arguments = ("run", "--log", str(places.log_path), "--port", str(places.dashboard_port))
    dashboard = Child(
        "dashboard",
        (sys.executable, "-m", "dashboard", *arguments),
        dashboard_environment(os.environ, places.service_url),
        outputs["dashboard"],
    )
    watch = Child(
        "watch",
        (sys.executable, "-m", "dashboard", "watch", str(places.log_path)),
        # No channel is left in it, so nothing is sent.
        dashboard_environment(os.environ, places.service_url) | {"METIS_DASHBOARD_URL": places.dashboard_url},
        outputs["watch"],
    )
    return backend, dashboard, watch


def _on_signals(play: asyncio.Task[None], children: tuple[Child, ...], say: Say) -> None:
    def stop() -> None:
        if play.done():  # asked twice: no more patience
            for child in children:
                child.kill()
        elif play.cancel():
            say("\nstopping ...")

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)


async def _play(places: Places, servers: Servers, backend: Child, readers: tuple[Child, Child], say: Say) -> None:
    """Raises DemoError as soon as a part fails; else it never ends. readers: the dashboard and the watcher."""
    say("starting the backend, the dashboard and the watcher ...")
    try:
        async with asyncio.TaskGroup() as parts:
            parts.create_task(_keep(backend, say))
            for reader in readers:
                parts.create_task(_watch(reader))
            await _answers(f"{places.service_url}/api/v53/health", backend)
            parts.create_task(servers.play(TOUR))
            parts.create_task(drive(places.service_url, TOUR.traffic, Counter(), random.Random()))
            await _answers(places.dashboard_url, readers[0])
            say(f"\n  Dashboard  {places.dashboard_url}\n  Service    {places.service_url}\n")
            say(
                f"Log: {places.log_path}. Alerts: {RUN_DIR / 'watch.out'}. One incident after another; Ctrl-C stops everything."
            )
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


async def _keep(backend: Child, say: Say) -> None:
    """Start the backend, and again whenever it ends: `make dev-restart` relies on it. Raises DemoError."""
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        await backend.start()
        code = await backend.wait()
        asked = code in (0, -signal.SIGTERM)
        if not asked and loop.time() - started < SHORTEST_LIFE_S:
            raise DemoError(_ended(backend, code))
        say("the backend was stopped: starting it again" if asked else f"{_ended(backend, code)}\nstarting it again")


async def _watch(child: Child) -> None:
    await child.start()
    raise DemoError(_ended(child, await child.wait()))


def _ended(child: Child, code: int) -> str:
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return f"the {child.name} ended {how}; {child.output} says:\n{child.last_words()}"


async def _answers(url: str, child: Child) -> None:
    """Wait until a GET is answered with 200. Raises DemoError after START_WITHIN_S."""
    async with httpx2.AsyncClient(trust_env=False, timeout=2.0) as client:
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while True:
                    with suppress(httpx2.TransportError):
                        if (await client.get(url)).status_code == 200:
                            return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            words = child.last_words()
            raise DemoError(
                f"{url} does not answer within {START_WITHIN_S:g} s; {child.output} says:\n{words}"
            ) from None
