"""Play a scenario through the real client on virtual time: hours in seconds, the same for the same seed."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from resilience.chat import ChatRequest, Message
from resilience.client import Client
from resilience.config import KNOWN, Config, load, settings_of
from resilience.errors import ResilienceError
from resilience.events import Event, ServiceStarted, ServiceStopped
from resilience.policy import GUARDS
from resilience.simulator.profiles import PROFILES
from resilience.simulator.provider import SimulatedProvider, Source
from resilience.simulator.scenario import Scenario
from resilience.simulator.text import STATEMENTS
from resilience.simulator.transport import SimulatedTransport, base_url
from resilience.simulator.virtual import VirtualLoop

START_S = 1_772_409_600.0  # 2026-03-02T00:00:00Z, a Monday
VERSION = "simulated"


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event and when it was written, in seconds since the epoch."""

    at_s: float
    event: Event


@dataclass(frozen=True, slots=True)
class Recording:
    """What a played scenario left: its log's events in order, and the calls that each provider received."""

    events: tuple[Stamped, ...]
    calls: dict[str, int]


def play(
    scenario: Scenario, seed: int, start_s: float = START_S, settings: Mapping[str, str] = MappingProxyType({})
) -> Recording:
    """One round of the scenario. settings: by variable; the runbook's defaults for the rest.

    The same arguments give the same events; other settings meet the same callers and the same providers.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_play(scenario, seed, start_s, settings))


async def _play(scenario: Scenario, seed: int, start_s: float, chosen: Mapping[str, str]) -> Recording:
    loop = asyncio.get_running_loop()
    events: list[Stamped] = []

    def wall() -> float:
        return start_s + loop.time()

    def emit(event: Event) -> None:
        events.append(Stamped(wall(), event))

    providers = {
        name: SimulatedProvider(profile, seed, _source(scenario, name, loop.time)) for name, profile in PROFILES.items()
    }
    config = _config(providers, chosen)
    emit(ServiceStarted(**_service(config)))
    transport = SimulatedTransport(providers, wall)
    async with Client(config, emit, transport=transport, rng=random.Random(f"{seed}:client"), wall=wall) as client:
        await _ask(client, scenario, random.Random(f"{seed}:traffic"))
    emit(ServiceStopped(**_service(config)))
    return Recording(tuple(events), {name: provider.calls for name, provider in providers.items()})


def _source(scenario: Scenario, provider: str, now_s: Callable[[], float]) -> Source:
    return lambda rng: scenario.mix(provider, now_s()).draw(rng)


def _service(config: Config) -> dict[str, Any]:
    order = config.order
    return {"version": VERSION, "config_version": config.version, "order": order, "settings": settings_of(config)}


def _config(providers: dict[str, SimulatedProvider], chosen: Mapping[str, str]) -> Config:
    # The default order, explicitly: a simulated chain does not change with anybody's environment.
    settings = {"METIS_LLM_PROVIDER_ORDER": ",".join(KNOWN), **chosen}
    for name, provider in providers.items():
        settings[f"METIS_LLM_{name.upper()}_BASE_URL"] = base_url(provider)
        settings[f"{name.upper()}_API_KEY"] = "simulated"
    # Invented statements: to look at them would only take time, and a thread waits on no virtual clock.
    return replace(load(None, settings), guards_off=frozenset(GUARDS))


async def _ask(client: Client, scenario: Scenario, rng: random.Random) -> None:
    """Callers, each on its own: nobody waits for another's answer."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as callers:
        for at_s in scenario.traffic.arrivals(rng, scenario.duration_s):
            await asyncio.sleep(at_s - loop.time())
            request = ChatRequest((Message("user", rng.choice(STATEMENTS)),), max_tokens=400)
            request_id = f"{rng.getrandbits(64):016x}"
            caller = _streaming if rng.random() < scenario.traffic.streamed else _waiting
            callers.create_task(_for(scenario.traffic.patience_s(rng), caller(client, request, request_id)))


async def _for(patience_s: float | None, answer: Coroutine[None, None, None]) -> None:
    # What goes wrong is in the log, which is all that a recording is for.
    with suppress(ResilienceError, TimeoutError):
        async with asyncio.timeout(patience_s):
            await answer


async def _waiting(client: Client, request: ChatRequest, request_id: str) -> None:
    await client.chat(request, request_id=request_id)


async def _streaming(client: Client, request: ChatRequest, request_id: str) -> None:
    async with client.stream(request, request_id=request_id) as stream:
        async for _ in stream:
            pass
