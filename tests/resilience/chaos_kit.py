"""Simulated providers in a process of their own, a ledger of what the chain logged, and callers by the hundred."""

import asyncio
import gc
import multiprocessing
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from resilience.client import Client
from resilience.config import Config, Provider
from resilience.errors import UnansweredError
from resilience.events import AttemptFinished, AttemptStatus, Event, Reason, RequestFinished
from resilience.policy import CircuitPolicy, DeadlinePolicy, RetryPolicy
from resilience.simulator.behaviour import Mix
from resilience.simulator.faults import FAULTS
from resilience.simulator.servers import Servers
from tests.resilience.chaos_servers import CHAIN, serve
from tests.resilience.fault_kit import KINDS
from tests.resilience.measuring import Heartbeat, open_files, settled
from tests.resilience.quick_faults import QUICK, quick
from tests.resilience.scripted import HELLO


@dataclass(frozen=True)
class Remote:
    """The servers of another process."""

    base_urls: Mapping[str, str]
    pipe: Connection

    def counts(self) -> dict[str, int]:
        """Calls so far, by provider."""
        self.pipe.send("counts")
        counts: dict[str, int] = self.pipe.recv()
        return counts


@contextmanager
def servers(behaviours: Mapping[str, Mix], seed: int) -> Iterator[Remote]:
    """Simulated providers that behave so, each on a port of its own; those not named are healthy and quick."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, dict(behaviours), seed), daemon=True)
    process.start()
    try:
        yield Remote(ours.recv(), ours)
    finally:
        ours.send("stop")
        process.join(10)
        ours.close()
        theirs.close()
        process.close()


@asynccontextmanager
async def primary_down(fault: str) -> AsyncIterator[Mapping[str, str]]:
    """The base URLs of simulated providers, the first of them with this fault."""
    async with Servers() as running:
        for name in CHAIN:
            running.set(name, QUICK)
        running.set(CHAIN[0], quick(FAULTS[fault].behaviour))
        yield {name: running.base_url(name) for name in CHAIN}


@dataclass
class Ledger:
    """What the log says, summed up. refused: calls whose connection was; attempts: all others; unheard: those of them that ended
    without an HTTP status, which a provider may never have read: a connection can break under a call that was just written."""

    attempts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unheard: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    failed: int = 0

    def emit(self, event: Event) -> None:
        if isinstance(event, AttemptFinished):
            self.failed += event.status is AttemptStatus.FAILED
            refused = event.reason is Reason.CONNECT_ERROR
            (self.refused if refused else self.attempts)[event.provider] += 1
            self.unheard[event.provider] += (
                not refused and event.http_status is None and event.status is AttemptStatus.FAILED
            )
        elif isinstance(event, RequestFinished):
            self.requests[event.status] += 1


@dataclass
class Crowd:
    """Callers of one client. outcomes: how they fared; worst_s: the longest wait beyond the deadline, the machine's
    own delays after it left out."""

    client: Client
    streamed: float
    rng: random.Random
    heartbeat: Heartbeat = field(default_factory=Heartbeat)
    outcomes: Counter[str] = field(default_factory=Counter)
    worst_s: float = float("-inf")

    async def come(self, requests: int, per_second: float) -> None:
        """So many requests, at random times, whether the earlier ones have ended or not."""
        async with asyncio.TaskGroup() as callers:
            for _ in range(requests):
                await asyncio.sleep(self.rng.expovariate(per_second))
                callers.create_task(self._one())

    async def ask(self, requests: int, at_once: int) -> None:
        """So many requests, so many at a time."""
        tickets = iter(range(requests))

        async def caller(number: int) -> None:
            await asyncio.sleep(number * 0.005)  # people do not arrive in the same moment
            for _ in tickets:
                await self._one()

        async with self.heartbeat.running():
            await asyncio.gather(*(caller(number) for number in range(at_once)))

    async def _one(self) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            if self.rng.random() < self.streamed:
                async with self.client.stream(HELLO) as stream:
                    async for _ in stream:
                        pass
            else:
                await self.client.chat(HELLO)
            self.outcomes["answered"] += 1
        except UnansweredError as exc:
            self.outcomes[type(exc).__name__] += 1
        deadline = began + self.client.config.deadline.request_s
        self.worst_s = max(self.worst_s, clock() - deadline - self.heartbeat.lost_s(deadline))


@asynccontextmanager
async def chain(
    base_urls: Mapping[str, str], ledger: Ledger, *, limit_s: float, circuit: CircuitPolicy
) -> AsyncIterator[Client]:
    """A client of these servers. limit_s: of one attempt; the request has four times as much."""
    config = Config(
        providers=tuple(Provider(name, KINDS[name], url, "m", "k") for name, url in base_urls.items()),
        circuit=circuit,
        retry=RetryPolicy(max_retries=1, base_delay_s=0.01),
        deadline=DeadlinePolicy(
            attempt_s=limit_s, request_s=4 * limit_s, connect_s=limit_s, first_token_s=limit_s, stall_s=limit_s
        ),
    )
    async with Client(config, ledger.emit) as client:
        yield client


@dataclass(frozen=True)
class Footprint:
    """What a process holds at one moment."""

    tasks: int
    files: int
    objects: int

    @classmethod
    async def now(cls) -> "Footprint":
        await settled()
        return cls(len(asyncio.all_tasks()), open_files(), len(gc.get_objects()))
