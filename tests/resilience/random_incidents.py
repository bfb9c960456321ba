"""Incidents drawn at random: what the providers do when, what is asked, under which settings, and who intervenes."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from resilience.breaker import Emit
from resilience.chat import ChatRequest, Message
from resilience.client import Client
from resilience.config import CHOICES, KNOWN, config_of, settings_of
from resilience.events import ConfigChanged, Event, Origin, Record, ServiceStarted, from_line, to_line
from resilience.simulator import play as playing
from resilience.simulator.behaviour import Behaviour, Mix
from resilience.simulator.faults import FAULTS
from resilience.simulator.play import START_S
from resilience.simulator.profiles import PROFILES, Profile
from resilience.simulator.provider import Received, SimulatedProvider, Source
from resilience.simulator.scenario import Phase, Scenario, Traffic
from resilience.simulator.steps import Step
from resilience.simulator.text import STATEMENTS
from resilience.simulator.transport import SimulatedTransport
from resilience.simulator.virtual import VirtualLoop

HERE = Origin("metis", "drawn", 1)
COSTLY = {"endless", "oversized_event", "oversized_event_midway", "gzip_bomb", "huge_head", "byte_by_byte", "deep_json"}
USUAL = [name for name in FAULTS if name not in COSTLY]
"""Faults that cost a test no more time than an answer does."""
FOR_GOOD = {"rate_limit_long"}
"""One such answer, and nobody calls the provider for an hour: all that follows hangs on one call."""


def drawn_scenario(
    rng: random.Random, duration_s: float, rps: float, faults: Sequence[str] = tuple(USUAL), elsewhere: int = 3
) -> Scenario:
    """One to three phases for the first provider of the chain, none to `elsewhere` for each of the others."""
    phases = [
        phase
        for place, name in enumerate(PROFILES)
        for phase in _phases(rng, name, duration_s, faults, *((0, elsewhere) if place else (1, 3)))
    ]
    traffic = Traffic(rps=rps, streamed=rng.choice([0.0, 0.3, 1.0]), leaving=rng.choice([0.0, 0.05, 0.3]))
    return Scenario("drawn", "", duration_s, traffic, tuple(phases))


def _phases(
    rng: random.Random, provider: str, duration_s: float, usual: Sequence[str], least: int, most: int
) -> Iterator[Phase]:
    for _ in range(rng.randint(least, most)):
        start_s = rng.uniform(0, 0.8 * duration_s)
        ok = rng.choice([0.0, 0.0, 0.3, 0.7])
        faults = rng.sample(usual, rng.randint(1, 2))
        parts = tuple(((1.0 - ok) / len(faults), FAULTS[name].behaviour) for name in faults)
        end_s = start_s + rng.uniform(0.05, 0.5) * duration_s
        yield Phase(provider, start_s, end_s, Mix((*parts, (ok, Behaviour.of("ok")))))


def drawn_settings(rng: random.Random) -> dict[str, str]:
    """Settings that matter to circuits, each at its default or not."""
    drawn = {
        "METIS_LLM_CIRCUIT_THRESHOLD": str(rng.randint(1, 6)),
        "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": str(rng.choice([1, 5, 20, 60])),
        "METIS_LLM_CIRCUIT_MAX_COOLDOWN_SECONDS": str(rng.choice([5, 60, 300])),
        "METIS_LLM_CIRCUIT_RECOVERY_SUCCESSES": str(rng.randint(1, 4)),
        "METIS_LLM_MAX_RETRIES": str(rng.randint(0, 3)),
        "METIS_LLM_TIMEOUT_SECONDS": str(rng.choice([3, 10, 45])),
        "METIS_LLM_DEADLINE_SECONDS": str(rng.choice([10, 30, 120])),
        "METIS_LLM_ALL_OPEN": rng.choice(list(CHOICES["METIS_LLM_ALL_OPEN"])),
        "METIS_LLM_STREAM_MODE": rng.choice(list(CHOICES["METIS_LLM_STREAM_MODE"])),
    }
    return {name: value for name, value in drawn.items() if rng.random() < 0.6}


def incident(seed: int, duration_s: float = 240.0, rps: float = 0.5) -> list[Record]:
    """The log of one incident, read back; in every second one somebody acts on circuits and settings."""
    rng = random.Random(f"incident:{seed}")
    scenario, settings = drawn_scenario(rng, duration_s, rps), drawn_settings(rng)
    lines: list[str] = []
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_lived(scenario, settings, seed, rng if seed % 2 else None, lines))
    return [record for line in lines if (record := from_line(line)) is not None]


async def _lived(
    scenario: Scenario, settings: dict[str, str], seed: int, somebody: random.Random | None, lines: list[str]
) -> None:
    loop = asyncio.get_running_loop()

    def wall() -> float:
        return START_S + loop.time()

    def emit(event: Event) -> None:
        lines.append(to_line(event, wall(), HERE))

    providers = {
        name: SimulatedProvider(profile, seed, playing._source(scenario, name, loop.time))
        for name, profile in PROFILES.items()
    }
    config = playing._config(providers, settings)
    emit(ServiceStarted(version="drawn", config_version=1, order=config.order, settings=settings_of(config)))
    transport = SimulatedTransport(providers, wall)
    async with Client(config, emit, transport=transport, rng=random.Random(seed), wall=wall) as client:
        hands = asyncio.create_task(_act(client, somebody, scenario.duration_s, emit)) if somebody else None
        await playing._ask(client, scenario, random.Random(f"{seed}:traffic"))
        if hands is not None:
            hands.cancel()


class Fated(SimulatedProvider):
    """A provider to which the same request, asked as often before at the same time, brings the same, whoever else asks."""

    def __init__(self, profile: Profile, seed: int, source: Source) -> None:
        super().__init__(profile, seed, source)
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def answer(self, received: Received, now_s: float) -> Iterator[Step]:
        text = json.loads(received.body)["messages"][-1]["content"]
        self._asked[text] += 1
        self._rng = random.Random(f"{self._seed}:{self.profile.name}:{text}:{self._asked[text]}")
        return super().answer(received, now_s)


def fated(scenario: Scenario, seed: int, settings: Mapping[str, str]) -> list[Record]:
    """The log of the scenario under these settings. Other settings meet the same callers and the same fates."""
    lines: list[str] = []
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_fated(scenario, seed, settings, lines))
    return [record for line in lines if (record := from_line(line)) is not None]


async def _fated(scenario: Scenario, seed: int, settings: Mapping[str, str], lines: list[str]) -> None:
    loop = asyncio.get_running_loop()

    def wall() -> float:
        return START_S + loop.time()

    def emit(event: Event) -> None:
        lines.append(to_line(event, wall(), HERE))

    providers = {
        name: Fated(profile, seed, playing._source(scenario, name, loop.time)) for name, profile in PROFILES.items()
    }
    config = playing._config(dict(providers), settings)
    emit(ServiceStarted(version="drawn", config_version=1, order=config.order, settings=settings_of(config)))
    rng, traffic = random.Random(f"{seed}:traffic"), scenario.traffic
    transport = SimulatedTransport(providers, wall)
    async with (
        Client(config, emit, transport=transport, rng=random.Random(seed), wall=wall) as client,
        asyncio.TaskGroup() as callers,
    ):
        for number, at_s in enumerate(traffic.arrivals(rng, scenario.duration_s)):
            await asyncio.sleep(at_s - loop.time())
            request = ChatRequest(
                (Message("user", f"{STATEMENTS[number % len(STATEMENTS)]} {number}"),), max_tokens=400
            )
            ask = playing._streaming if rng.random() < traffic.streamed else playing._waiting
            callers.create_task(playing._for(traffic.patience_s(rng), ask(client, request, f"{number:016x}")))


async def _act(client: Client, rng: random.Random, duration_s: float, emit: Emit) -> None:
    while True:
        await asyncio.sleep(rng.expovariate(8 / duration_s))
        link = rng.choice(client.links)
        match rng.choice(["reset", "isolate", "release", "settings"]):
            case "reset" if link.view.state.name != "CLOSED":  # of a CLOSED circuit it would leave no line
                link.breaker.reset("olga", "a try")
            case "isolate":
                link.breaker.isolate(rng.uniform(1, 60), "olga", "a try")
            case "release":
                link.breaker.release("olga", "a try")
            case "settings":
                _change(client, rng, emit)


def _change(client: Client, rng: random.Random, emit: Emit) -> None:
    before, after = settings_of(client.config), drawn_settings(rng)
    changes = tuple((name, before.get(name, ""), value) for name, value in after.items() if before.get(name) != value)
    env = {f"{name.upper()}_API_KEY": "simulated" for name in KNOWN}
    env |= {f"METIS_LLM_{p.name.upper()}_BASE_URL": p.base_url for p in client.chain}
    changed = config_of(env | before | after)
    version = client.config.version + 1
    client.adopt(replace(changed, version=version))
    emit(ConfigChanged(version=version, actor="olga", reason="a try", origin="api", changes=changes))
