"""What control's tests share: a service over a settings file, on a real socket, with a log in memory or on disk."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from resilience.config import Config, load
from resilience.control.control import Place
from resilience.events import Event, ProvidersInitialized
from resilience.service.app import create_app
from tests.resilience.service_kit import WAIT_S, Behaviour, Log, answers, http, serving

PATH = "/api/v53/control"
OPERATOR = "op-0123456789abcdef"
VIEWER = "view-0123456789abcdef"
EXPIRED = "gone-0123456789abcdef"
TOKENS = f"olga:operator:{OPERATOR},vera:viewer:{VIEWER},erik:operator:{EXPIRED}:2020-01-01"
KEYS = ("sk-alpha-secret", "sk-beta-secret", "sk-gamma-secret")
ENV = """\
# a chain of three
METIS_LLM_PROVIDER_ORDER="alpha,beta"   # cheap first
METIS_LLM_ALPHA_BASE_URL=http://alpha.test/v1
METIS_LLM_ALPHA_MODEL=alpha-model
ALPHA_API_KEY='sk-alpha-secret'
METIS_LLM_BETA_BASE_URL=http://beta.test/v1
METIS_LLM_BETA_MODEL=beta-model
BETA_API_KEY=sk-beta-secret
METIS_LLM_GAMMA_BASE_URL=http://gamma.test/v1
METIS_LLM_GAMMA_MODEL=gamma-model
GAMMA_API_KEY=sk-gamma-secret
METIS_LLM_MAX_RETRIES=0
"""


class Providers(httpx2.AsyncBaseTransport):
    """Answers chats by `behaviours`, and a GET, the question whether somebody is there, with 404."""

    def __init__(self) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.unreachable: set[str] = set()
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        name = request.url.host.removesuffix(".test")
        if name in self.unreachable:
            raise httpx2.ConnectError("nobody there")
        if request.method == "GET":
            return httpx2.Response(404)
        self.asked.append(name)
        return await self.behaviours.get(name, answers(f"Hello from {name}"))(request)


@dataclass
class Clock:
    """The wall's time; a test moves it."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class Service:
    """A running service whose settings are in `env`."""

    url: str
    env: Path
    state: Path
    network: Providers
    log: Log
    clock: Clock
    token: str | None = None
    answers: list[str] = field(default_factory=list)

    def get(self, path: str = "/state", **headers: str) -> httpx2.Response:
        return self._kept(http.get(self.url + PATH + path, headers=self._headers(headers)))

    def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        return self._kept(http.post(self.url + PATH + path, json=body, headers=self._headers(headers)))

    def change(self, path: str, *, key: str | None = None, **fields: Any) -> httpx2.Response:
        """A change by who has seen the version of now."""
        body = {"version": self.document()["version"], "reason": "a test"} | fields
        return self.post(path, body, **({} if key is None else {"idempotency-key": key}))

    def document(self) -> dict[str, Any]:
        return self.get("/state").json()

    def chat(self) -> str:
        body = {"messages": [{"role": "user", "content": "Hello"}]}
        return str(http.post(self.url + "/v1/chat/completions", json=body).json().get("provider"))

    def until(self, seen: Any, what: str = "it") -> Any:
        """Wait until `seen()` is true."""
        end = time.monotonic() + WAIT_S
        while not (found := seen()):
            assert time.monotonic() < end, f"{what} never came"
            time.sleep(0.01)
        return found

    def events(self, *kinds: str) -> list[Event]:
        return [event for event in self.log.events if event.kind in kinds]

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return ({} if self.token is None else {"authorization": f"Bearer {self.token}"}) | more

    def _kept(self, response: httpx2.Response) -> httpx2.Response:
        self.answers.append(response.text + json.dumps(dict(response.headers)))
        return response


def settings(env: Path) -> Config:
    """As the service reads them, without the machine's own environment."""
    return load(env, {})


@contextmanager
def controlled(
    directory: Path,
    text: str | None = None,
    *,
    tokens: bool = False,
    environ: dict[str, str] | None = None,
    ahead_s: float = 0.0,
) -> Iterator[Service]:
    """A service in `directory`; without `text` the file stays as it is. ahead_s: of its clock, from the start."""
    env, state = directory / ".env", directory / ".run" / "control.json"
    if text is not None:
        env.write_text(text + (f"METIS_CONTROL_TOKENS={TOKENS}\n" if tokens else ""))
    network, log, clock = Providers(), Log(), Clock(ahead_s)
    place = Place(env, state, environ or {})
    app = create_app(load(env, environ or {}), log.emit, transport=network, place=place, wall=clock)
    with serving(app) as url:
        log.wait_for(ProvidersInitialized)  # else the start could read what the test writes
        yield Service(url, env, state, network, log, clock, OPERATOR if tokens else None)
