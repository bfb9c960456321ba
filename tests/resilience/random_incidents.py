"""Incidents drawn at random: what the providers do when, what is asked, under which settings, and who intervenes."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace

from resilience.breaker import Emit
from resilience.client import Client
from resilience.config import CHOICES, KNOWN, config_of, settings_of
from resilience.events import ConfigChanged, Event, Origin, Record, ServiceStarted, from_line, to_line
from resilience.simulator import play as playing
from resilience.simulator.behaviour import Behaviour, Mix
from resilience.simulator.faults import FAULTS
from resilience.simulator.play import START_S
from resilience.simulator.profiles import PROFILES
from resilience.simulator.provider import SimulatedProvider
from resilience.simulator.scenario import Phase, Scenario, Traffic
from resilience.simulator.transport import SimulatedTransport
from resilience.simulator.virtual import VirtualLoop

HERE = Origin("metis", "drawn", 1)
COSTLY = {"endless", "oversized_event", "oversized_event_midway", "gzip_bomb", "huge_head", "byte_by_byte", "deep_json"}
USUAL = [name for name in FAULTS if name not in COSTLY]
"""Faults that cost a test no more time than an answer does."""


def drawn_scenario(rng: random.Random, duration_s: float, rps: float) -> Scenario:
    """Up to three phases for each provider, the first of the chain never without one."""
    phases = [
        phase for place, name in enumerate(PROFILES) for phase in _phases(rng, name, duration_s, least=int(place == 0))
    ]
    traffic = Traffic(rps=rps, streamed=rng.choice([0.0, 0.3, 1.0]), leaving=rng.choice([0.0, 0.05, 0.3]))
    return Scenario("drawn", "", duration_s, traffic, tuple(phases))


def _phases(rng: random.Random, provider: str, duration_s: float, least: int) -> Iterator[Phase]:
    for _ in range(rng.randint(least, 3)):
        start_s = rng.uniform(0, 0.8 * duration_s)
        ok = rng.choice([0.0, 0.0, 0.3, 0.7])
        faults = rng.sample(USUAL, rng.randint(1, 2))
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
