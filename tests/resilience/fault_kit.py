"""Plays one fault through the library or the service, over real sockets, and notes all that it led to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from resilience.breaker import CircuitView
from resilience.client import Client
from resilience.config import Config, Provider
from resilience.errors import DeadlineExceededError, ProvidersExhaustedError, RequestError, StreamBrokenError
from resilience.events import AttemptFinished, Event, FellBack, RequestFinished
from resilience.policy import ChainPolicy, CircuitPolicy, DeadlinePolicy, RetryPolicy
from resilience.service.app import create_app
from resilience.simulator.behaviour import Behaviour
from resilience.simulator.servers import Servers
from tests.resilience.fault_backend import Backend
from tests.resilience.measuring import Heartbeat, open_files, settled
from tests.resilience.quick_faults import QUICK
from tests.resilience.scripted import HELLO

GRACE_S = 0.25
"""The caller never waits longer than the deadline and this."""

SHORT = DeadlinePolicy(attempt_s=0.8, request_s=4.0, connect_s=0.8, first_token_s=0.8, stall_s=0.8)
"""For faults that end in a time limit."""

LONG = DeadlinePolicy(attempt_s=10.0, request_s=20.0, connect_s=10.0, first_token_s=10.0, stall_s=10.0)
"""For all others: a busy machine must not make a healthy provider look silent."""

PATIENCE_S = 30.0
KINDS = {"openrouter": "openai", "anthropic": "anthropic", "deepseek": "openai", "openai": "openai"}


@dataclass(frozen=True)
class Case:
    """One way to meet a fault. script: what the primary does, call by call, the last one for ever."""

    name: str
    script: tuple[Behaviour, ...]
    service: bool
    streamed: bool
    chain: tuple[str, ...] = ("openrouter", "openai")
    limits: DeadlinePolicy = LONG
    choices: ChainPolicy = ChainPolicy()


@dataclass
class Seen:
    """What one case led to.

    headers: attempts and fallbacks as the response's head told them; lost_s, late_s: what the machine lost during the
    case, and of that after the deadline; fault: what the playing itself raised, None if it went well.
    """

    text: str = ""
    provider: str | None = None
    error: str | None = None
    code: str | None = None
    took_s: float = 0.0
    lost_s: float = 0.0
    late_s: float = 0.0
    headers: tuple[str | None, str | None] | None = None
    events: list[Event] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    circuits: tuple[CircuitView, ...] = ()
    fault: Exception | None = None

    def of(self, *kinds: type[Event]) -> list[Any]:
        return [event for event in self.events if type(event) in kinds]

    @property
    def attempts(self) -> list[AttemptFinished]:
        return self.of(AttemptFinished)

    @property
    def fallbacks(self) -> list[FellBack]:
        return self.of(FellBack)

    @property
    def request(self) -> RequestFinished:
        [event] = self.of(RequestFinished)
        assert isinstance(event, RequestFinished)
        return event


Ask = Callable[[], Awaitable[None]]


@dataclass
class Stage:
    """What the cases share: one backend, and one pool of connections to it."""

    backend: Backend
    http: httpx2.AsyncClient


@dataclass
class Played:
    """What each case led to, what the event loop complained about, and how many tasks and files were left."""

    seen: dict[Case, Seen] = field(default_factory=dict)
    complaints: list[dict[str, Any]] = field(default_factory=list)
    tasks: int = 0
    files: int = 0

    def of(self, case: Case) -> Seen:
        """What this case led to. Raises what its playing raised."""
        seen = self.seen[case]
        if seen.fault is not None:
            raise seen.fault
        return seen


BATCH = 48
LOST_S, AGAIN = 0.2, 3
"""A case with a limit during which the machine lost more than this is played again, at most so often."""


async def play(cases: Sequence[Case], at_once: int) -> Played:
    """All cases, so many at a time; what takes long to build is built before the clock runs."""
    played = Played()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: played.complaints.append(context))
    files = open_files()
    http = httpx2.AsyncClient(verify=False, timeout=PATIENCE_S, limits=httpx2.Limits(max_connections=None))
    async with Backend().running() as backend, http:
        stage = Stage(backend, http)
        for start in range(0, len(cases), BATCH):
            played.seen |= await _play_batch(cases[start : start + BATCH], at_once, stage)
        for _ in range(AGAIN):
            # Where the machine stood still, a limit may have run out that the provider kept: that proves nothing.
            disturbed = [case for case in cases if case.limits is not LONG and played.seen[case].lost_s > LOST_S]
            played.seen |= await _play_batch(disturbed[:BATCH], 8, stage)
    await asyncio.sleep(0.05)
    await settled()
    played.tasks, played.files = len(asyncio.all_tasks()) - 1, open_files() - files
    return played


async def _play_batch(cases: Sequence[Case], at_once: int, shared: Stage) -> dict[Case, Seen]:
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        seen: dict[Case, Seen] = {}
        ready: list[tuple[Case, Servers, Ask]] = []
        for case in cases:
            seen[case] = Seen()
            servers = await stack.enter_async_context(Servers())
            through = _service if case.service else _library
            ready.append((case, servers, await stack.enter_async_context(through(case, servers, seen[case], shared))))
        gate = asyncio.Semaphore(at_once)
        heartbeat = Heartbeat()

        async def one(number: int, case: Case, servers: Servers, ask: Ask) -> None:
            await asyncio.sleep(number * 0.02)  # or all would want the machine in the same moment, again at each limit
            async with gate:
                began = clock()
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        await ask()
                except Exception as exc:  # noqa: BLE001 (one case's trouble is not that of all)
                    seen[case].fault = exc
                seen[case].lost_s = heartbeat.lost_s(began)
                seen[case].late_s = heartbeat.lost_s(began + case.limits.request_s)
                seen[case].calls = {name: servers.calls(name) for name in case.chain}

        async with heartbeat.running():
            await asyncio.gather(*(one(number, *entry) for number, entry in enumerate(ready)))
    return seen


def _config(case: Case, servers: Servers) -> Config:
    primary, *others = case.chain
    servers.set(primary, *case.script)
    for other in others:
        servers.set(other, QUICK)
    return Config(
        providers=tuple(Provider(name, KINDS[name], servers.base_url(name), "m", "k") for name in case.chain),
        circuit=CircuitPolicy(threshold=3, cooldown_s=60),
        retry=RetryPolicy(max_retries=1, base_delay_s=0),
        deadline=case.limits,
        choices=case.choices,
    )


@asynccontextmanager
async def _library(case: Case, servers: Servers, seen: Seen, _: Stage) -> AsyncIterator[Ask]:
    clock = asyncio.get_running_loop().time
    async with Client(_config(case, servers), seen.events.append, transport=_network()) as client:

        async def ask() -> None:
            began = clock()
            try:
                if case.streamed:
                    async with client.stream(HELLO) as stream:
                        seen.provider = stream.provider
                        async for delta in stream:
                            seen.text += delta.text
                else:
                    answer = await client.chat(HELLO)
                    seen.provider, seen.text = answer.provider, answer.completion.text
            except RequestError as exc:
                seen.error, seen.code = "refused", str(exc.reason)
            except ProvidersExhaustedError:
                seen.error = "exhausted"
            except DeadlineExceededError:
                seen.error = "deadline"
            except StreamBrokenError:
                seen.error = "broken"
            seen.took_s = clock() - began
            seen.circuits = client.circuits()

        yield ask


@asynccontextmanager
async def _service(case: Case, servers: Servers, seen: Seen, shared: Stage) -> AsyncIterator[Ask]:
    clock = asyncio.get_running_loop().time
    app = create_app(_config(case, servers), seen.events.append, transport=_network())
    shared.backend.apps[case.name] = app
    url = f"{shared.backend.url}/{case.name}"
    caller = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, http_client=shared.http)

    async def ask() -> None:
        began = clock()
        try:
            await _ask(caller, case, seen)
        except openai.APIStatusError as exc:
            seen.headers = _headers(exc.response.headers)
            seen.error, seen.code = _ERROR_OF_STATUS[exc.status_code], exc.code
        except openai.APIError as exc:  # an event of a stream
            seen.error, seen.code = _ERROR_OF_CODE[str(exc.code)], exc.code
        seen.took_s = clock() - began
        await _settled(seen)
        chain = (await shared.http.get(f"{url}/api/v53/health")).json()["chain"]
        seen.circuits = tuple(
            CircuitView(link["provider"], link["circuit"]["state"], None, link["circuit"]["failures"]) for link in chain
        )

    async with app.router.lifespan_context(app):
        yield ask


_ERROR_OF_STATUS = {400: "refused", 503: "exhausted", 504: "deadline"}
_ERROR_OF_CODE = {"content_filter": "refused", "stream_broken": "broken", "deadline_exceeded": "deadline"}


async def _ask(caller: openai.AsyncOpenAI, case: Case, seen: Seen) -> None:
    create: Any = caller.chat.completions.with_raw_response.create
    raw = await create(model="any", messages=[{"role": "user", "content": "Hello"}], stream=case.streamed)
    seen.headers = _headers(raw.headers)
    seen.provider = raw.headers["x-metis-provider"]
    answer = raw.parse()
    if not case.streamed:
        assert answer.provider == seen.provider
        seen.text = answer.choices[0].message.content
        return
    async with answer:
        async for chunk in answer:
            seen.text += chunk.choices[0].delta.content or "" if chunk.choices else ""


async def _settled(seen: Seen) -> None:
    """Let the service write its last event: the caller may have the answer a moment before."""
    for _ in range(100):
        if seen.of(RequestFinished):
            return
        await asyncio.sleep(0.01)


def _network() -> httpx2.AsyncHTTPTransport:
    """Real sockets, without the certificates, which take most of the time of making a client."""
    return httpx2.AsyncHTTPTransport(verify=False, limits=httpx2.Limits(max_connections=None))


def _headers(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    return headers.get("x-metis-attempts"), headers.get("x-metis-fallbacks")
