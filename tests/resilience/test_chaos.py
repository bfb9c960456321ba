"""Thousands of requests at once over providers that fail in every way: nobody waits too long, nothing is left."""

import asyncio
import random
import time
from dataclasses import dataclass

import pytest

from resilience.client import Client
from resilience.events import RequestStatus
from resilience.policy import CircuitPolicy
from resilience.simulator.profiles import PROFILES
from resilience.simulator.provider import SimulatedProvider
from resilience.simulator.scenario import HEALTHY as HEALTHY_MIX
from resilience.simulator.transport import SimulatedTransport, base_url
from tests.resilience.chaos_kit import Crowd, Footprint, Ledger, Remote, chain, primary_down, servers
from tests.resilience.chaos_servers import ANY_FAULT, CHAIN, HEALTHY, USUAL_PACE
from tests.resilience.fault_kit import GRACE_S
from tests.resilience.scripted import config, play

REQUESTS = 10_000
WARM_UP = 1_000
AT_ONCE = 200
SOON = CircuitPolicy(cooldown_s=0.2, max_cooldown_s=0.5)
"""Circuits that come back at once, so that there is always something going wrong."""


@dataclass(frozen=True)
class Aftermath:
    crowd: Crowd
    ledger: Ledger
    counts: dict[str, int]
    before: Footprint
    warm: Footprint
    after: Footprint
    closed: Footprint
    complaints: list[object]


@pytest.fixture(scope="module")
def aftermath() -> Aftermath:
    seed = random.randrange(2**32)
    began = time.perf_counter()
    with servers({name: ANY_FAULT for name in CHAIN if name != HEALTHY}, seed) as remote:
        result = asyncio.run(_chaos(remote, seed))
    print(
        f"\nchaos with seed {seed}: {REQUESTS} requests, {sum(result.counts.values())} attempts "
        f"in {time.perf_counter() - began:.1f} s; longest wait over the deadline {result.crowd.worst_s:.3f} s; "
        f"{dict(result.crowd.outcomes)}; objects {result.warm.objects} -> {result.after.objects}"
    )
    return result


async def _chaos(remote: Remote, seed: int) -> Aftermath:
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    ledger = Ledger()
    before = await Footprint.now()
    async with chain(remote.base_urls, ledger, limit_s=8.0, circuit=SOON) as client:
        crowd = Crowd(client, streamed=0.1, rng=random.Random(seed))
        await crowd.ask(WARM_UP, AT_ONCE)
        warm = await Footprint.now()
        await crowd.ask(REQUESTS - WARM_UP, AT_ONCE)
        after = await Footprint.now()
    await asyncio.sleep(0.05)
    return Aftermath(crowd, ledger, remote.counts(), before, warm, after, await Footprint.now(), complaints)


def test_every_request_ends_within_its_deadline_answered_or_with_a_clear_error(aftermath: Aftermath) -> None:
    outcomes = aftermath.crowd.outcomes

    assert outcomes.total() == REQUESTS
    assert set(outcomes) <= {
        "answered",
        "RequestError",
        "StreamBrokenError",
        "ProvidersExhaustedError",
        "DeadlineExceededError",
    }
    assert outcomes["ProvidersExhaustedError"] + outcomes["DeadlineExceededError"] < REQUESTS / 100
    assert aftermath.crowd.worst_s <= GRACE_S


def test_the_log_counts_what_the_callers_and_the_providers_count(aftermath: Aftermath) -> None:
    ledger, outcomes = aftermath.ledger, aftermath.crowd.outcomes

    missing = {name: ledger.attempts[name] - aftermath.counts[name] for name in CHAIN}
    assert all(0 <= missing[name] <= ledger.unheard[name] for name in CHAIN), missing
    assert sum(missing.values()) <= REQUESTS / 1000, missing
    assert ledger.requests == {
        status: count
        for status, count in {
            RequestStatus.SUCCESS: outcomes["answered"],
            RequestStatus.REJECTED: outcomes["RequestError"],
            RequestStatus.ERROR: outcomes["StreamBrokenError"],
            RequestStatus.EXHAUSTED: outcomes["ProvidersExhaustedError"],
            RequestStatus.DEADLINE: outcomes["DeadlineExceededError"],
        }.items()
        if count
    }


def test_no_task_no_connection_and_no_memory_is_left(aftermath: Aftermath) -> None:
    assert aftermath.after.tasks == aftermath.warm.tasks == aftermath.closed.tasks == aftermath.before.tasks
    assert aftermath.closed.files == aftermath.before.files
    assert aftermath.after.objects - aftermath.warm.objects < 10_000
    assert aftermath.complaints == []


@pytest.mark.parametrize("fault", ["unavailable", "refused", "hang", "empty_stream"])
def test_with_the_primary_down_from_the_start_every_caller_gets_an_answer(fault: str) -> None:
    async def main() -> tuple[Crowd, Ledger]:
        ledger = Ledger()
        async with (
            primary_down(fault) as base_urls,
            chain(base_urls, ledger, limit_s=2.0, circuit=CircuitPolicy()) as client,
        ):
            crowd = Crowd(client, streamed=0.2, rng=random.Random(1))
            await crowd.ask(600, 50)
            return crowd, ledger

    crowd, ledger = asyncio.run(main())

    assert crowd.outcomes == {"answered": 600}
    assert ledger.requests == {RequestStatus.SUCCESS: 600}


@pytest.mark.parametrize("fault", ["unavailable", "refused", "unauthorized", "malformed"])
def test_a_dead_primary_gets_at_most_four_attempts_in_fifteen_requests(fault: str) -> None:
    async def main() -> list[int]:
        windows: list[int] = []
        ledger = Ledger()
        async with (
            primary_down(fault) as base_urls,
            chain(base_urls, ledger, limit_s=2.0, circuit=CircuitPolicy()) as client,
        ):
            crowd = Crowd(client, streamed=0.2, rng=random.Random(1))
            for _ in range(4):
                before = ledger.failed
                await crowd.ask(15, 1)
                windows.append(ledger.failed - before)
        return windows

    assert asyncio.run(main()) == [3, 0, 0, 0]


def test_hours_of_faults_at_their_usual_pace_on_virtual_time() -> None:
    seed = random.randrange(2**32)
    ledger = Ledger()

    async def main() -> tuple[Crowd, dict[str, int], float]:
        loop = asyncio.get_running_loop()
        providers = {
            name: SimulatedProvider(PROFILES[name], seed, HEALTHY_MIX.draw if name == HEALTHY else USUAL_PACE.draw)
            for name in CHAIN
        }
        settings = config(
            **{f"{name.upper()}_BASE_URL": base_url(provider) for name, provider in providers.items()},
            PROVIDER_ORDER=",".join(CHAIN),
        )
        transport = SimulatedTransport(providers, loop.time)
        async with Client(settings, ledger.emit, transport=transport, rng=random.Random(seed)) as client:
            crowd = Crowd(client, streamed=0.3, rng=random.Random(seed))
            await crowd.come(3_000, per_second=0.5)
        return crowd, {name: provider.calls for name, provider in providers.items()}, loop.time()

    crowd, calls, took_s = play(main)

    print(f"\nvirtual chaos with seed {seed}: {took_s / 3600:.1f} h; {dict(crowd.outcomes)}; {dict(ledger.requests)}")
    assert crowd.outcomes.total() == ledger.requests.total() == 3_000
    assert crowd.outcomes["ProvidersExhaustedError"] == 0
    assert crowd.worst_s <= GRACE_S
    assert {name: ledger.attempts[name] + ledger.refused[name] for name in CHAIN} == calls
