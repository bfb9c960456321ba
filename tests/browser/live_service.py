"""The real service over simulated providers, with steady traffic: what the Operations page acts on for real."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from resilience import envfile
from resilience.demo.environment import without_keys
from resilience.events import CircuitChanged, Event, RequestFinished, State, from_line
from resilience.simulator.behaviour import Behaviour
from tests.browser.conftest import REPOSITORY
from tests.composed_log import CHAIN
from tests.resilience.process_kit import BackendProcess, environment
from tests.resilience.service_kit import http
from tests.watched_service import ProviderThread

ORDER = "METIS_LLM_PROVIDER_ORDER"
CONTROL = "/api/v53/control"
HEALTHY = Behaviour.of("ok", latency_s=0.02)
DOWN = Behaviour.of("error", status=503, latency_s=0.02)
WAIT_S = 20.0
PAUSE_S = 0.25
PACE = {
    "METIS_LLM_MAX_RETRIES": "0",
    "METIS_LLM_CIRCUIT_THRESHOLD": "3",
    "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": "600",  # an OPEN circuit stays so until a hand closes it
}

Kind = TypeVar("Kind", bound=Event)


class LiveService:
    """`python -m resilience serve` in a folder of its own: its `.env`, its log, its control API."""

    def __init__(self, folder: Path, providers: ProviderThread, **settings: str) -> None:
        self.providers = providers
        self.log = folder / "backend_live.log"
        self.env_file = folder / ".env"
        lines = [f"{name}={value}\n" for name, value in (providers.settings() | PACE | settings).items()]
        self.env_file.write_text("# of this test\n" + "".join(lines))
        self._folder = folder
        self._began = 0
        self._backend: BackendProcess | None = None
        self.url = ""
        self.start()

    def start(self) -> None:
        """Starts it; at the same address if it has run before."""
        port = self.url.rpartition(":")[2] or "0"
        arguments = ("--env-file", str(self.env_file), "--port", port, "--log", str(self.log))
        # A folder of its own keeps `.run/` apart; the code is that of the tests all the same.
        environ = without_keys(environment()) | {"PYTHONPATH": str(REPOSITORY)}
        self._backend = BackendProcess(self._folder, environ, *arguments)
        self.url = self._backend.url

    def stop(self) -> None:
        """Ends it as `kill` does, once; nothing if it does not run."""
        if self._backend is not None:
            self._backend.process.send_signal(signal.SIGTERM)
            assert self._backend.end() == 0
            self._backend = None

    def state(self, token: str | None = None) -> dict[str, Any]:
        """GET /state."""
        return dict(http.get(f"{self.url}{CONTROL}/state", headers=_bearer(token)).json())

    def post(self, path: str, token: str | None = None, **body: object) -> httpx2.Response:
        """A change by somebody else's hand, past the page; on the version in force."""
        body = {"version": self.state(token)["version"], **body}
        return http.post(f"{self.url}{CONTROL}{path}", json=body, headers=_bearer(token))

    def as_usual(self, token: str | None = None) -> None:
        """All providers healthy, the usual order, closed circuits; the log counts from here."""
        if self._backend is None:
            self.start()
        self.providers.set(HEALTHY, *CHAIN)
        state = self.state(token)
        if state["order"] != list(CHAIN):
            assert self.post("/order", token, order=list(CHAIN), reason="as usual", force=True).is_success
        for row in state["providers"]:
            if row["circuit"]["state"] != "CLOSED":
                assert self.post(f"/circuits/{row['provider']}/reset", token, reason="as usual").is_success
        self._began = self.log.stat().st_size

    def logged(self, kind: type[Kind]) -> list[Kind]:
        """The events of one kind since the test began, oldest first."""
        lines = self.log.read_bytes()[self._began :].decode().splitlines()
        records = [from_line(line) for line in lines]
        return [record.event for record in records if record is not None and isinstance(record.event, kind)]

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits until something holds."""
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.02)

    def serves(self, requests: int) -> None:
        """Waits until so many further requests were answered."""
        wanted = len(self.logged(RequestFinished)) + requests
        self.until(lambda: len(self.logged(RequestFinished)) >= wanted, "no traffic")

    def goes_down(self, provider: str) -> None:
        """The provider fails until its circuit is OPEN."""
        self.providers.set(DOWN, provider)
        self.until(lambda: self.circuit(provider) is State.OPEN, f"{provider}'s circuit never opened")

    def circuit(self, provider: str) -> State:
        """A circuit as the log tells it since the test began."""
        moves = [move.to for move in self.logged(CircuitChanged) if move.provider == provider]
        return moves[-1] if moves else State.CLOSED

    def order_in_env_file(self) -> str | None:
        """The chain's order as `.env` has it."""
        return envfile.values_in(envfile.read(self.env_file)).get(ORDER)

    def shell(self, command: str) -> str:
        """What a command prints in the service's folder."""
        return subprocess.run(["bash", "-c", command], cwd=self._folder, capture_output=True, text=True).stdout


@contextmanager
def live_service(folder: Path, **settings: str) -> Iterator[LiveService]:
    """The service with four healthy providers and a few requests a second."""
    with ExitStack() as stack:
        providers = stack.enter_context(ProviderThread().running())
        providers.set(HEALTHY, *CHAIN)
        service = LiveService(folder, providers, **settings)
        stack.callback(service.stop)
        stack.enter_context(_traffic(service.url))
        service.until(lambda: len(service.logged(RequestFinished)) >= 3, "no traffic")
        yield service


@contextmanager
def _traffic(url: str) -> Iterator[None]:
    """Asks again and again; a service that is away is asked again, too."""
    over = threading.Event()
    body = {"statement": "Test", "context": {}}

    def drive() -> None:
        with httpx2.Client(trust_env=False, timeout=WAIT_S) as client:
            while not over.wait(PAUSE_S):
                with suppress(httpx2.TransportError):
                    client.post(f"{url}/api/progressive-questions/generate", json=body)

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(WAIT_S)


def _bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"authorization": f"Bearer {token}"}
