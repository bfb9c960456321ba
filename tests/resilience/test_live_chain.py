"""Settings change while requests run: each request keeps the chain it began with, circuits live on."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from resilience.breaker import Kept
from resilience.client import Client
from resilience.errors import ProvidersExhaustedError
from resilience.events import Cause, State
from tests.resilience.scripted import HELLO, Events, ScriptedNetwork, config, error, hang, openai_answer, play

ORDERS = ("openrouter,deepseek,openai", "openai,openrouter,deepseek", "deepseek,openai,openrouter")


def test_a_thousand_requests_while_the_order_changes_a_hundred_times():
    events = Events()

    async def now_and_then(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(0.005)
        return error(503) if "openai" in request.url.host and len(events) % 2 else openai_answer()

    network = ScriptedNetwork(**{name: [now_and_then] for name in ("openrouter", "deepseek", "openai")})
    settings = {"MAX_RETRIES": "1", "RETRY_BASE_DELAY": "0.01", "CIRCUIT_THRESHOLD": "1000"}
    orders: dict[int, tuple[str, ...]] = {}

    async def main() -> None:
        async with Client(config(PROVIDER_ORDER=ORDERS[0], **settings), events.append, transport=network) as client:
            orders[1] = client.config.order

            async def change() -> None:
                for version in range(2, 102):
                    await asyncio.sleep(0.001)
                    client.adopt(replace(config(PROVIDER_ORDER=ORDERS[version % 3], **settings), version=version))
                    orders[version] = client.config.order

            async def ask(number: int) -> None:
                await asyncio.sleep(number / 10_000)
                await client.chat(HELLO, request_id=f"r{number}")

            await asyncio.gather(change(), *(ask(number) for number in range(1000)))

    play(main)

    ended = {event.request_id: event for event in events.of("LLM_REQUEST")}
    assert len(ended) == 1000
    assert {event.status for event in ended.values()} == {"success"}
    assert len({event.config_version for event in ended.values()}) > 50
    tried: dict[str, list[str]] = {}
    for attempt in events.of("LLM_ATTEMPT"):
        assert attempt.config_version == ended[attempt.request_id].config_version
        assert orders[attempt.config_version][attempt.chain_position] == attempt.provider
        tried.setdefault(attempt.request_id, []).append(attempt.provider)
    for request_id, providers in tried.items():
        order = orders[ended[request_id].config_version]
        assert list(dict.fromkeys(providers)) == list(order[: len(set(providers))])


def test_a_circuit_lives_on_under_another_order_and_while_its_provider_is_out_of_it():
    network, events = ScriptedNetwork(openrouter=[error(500)]), Events()

    async def main() -> list[State]:
        settings = {"MAX_RETRIES": "0", "CIRCUIT_THRESHOLD": "1"}
        async with Client(config(**settings), events.append, transport=network) as client:
            await client.chat(HELLO)
            client.adopt(config(PROVIDER_ORDER="openai", **settings))
            client.adopt(config(PROVIDER_ORDER="openai,openrouter", **settings))
            return [view.state for view in client.circuits()]

    assert play(main) == [State.CLOSED, State.OPEN]
    assert len(events.of("BREAKER_TRANSITION")) == 1


def test_a_request_under_way_ends_with_the_key_it_began_with_and_the_next_has_the_new_one():
    network, events = ScriptedNetwork(), Events()
    first = config(PROVIDER_ORDER="openai")
    changed = replace(first.providers[0], api_key="key-new")
    answered: list[str] = []

    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(1)
        answered.append(request.headers["authorization"])
        return error(503) if len(answered) == 1 else openai_answer()

    network._replies["openai"] = [slow]

    async def main() -> list[bool]:
        async with Client(first, events.append, transport=network) as client:
            pools = client.live.caller.pools()
            running = asyncio.create_task(client.chat(HELLO))
            await asyncio.sleep(0.5)
            client.adopt(replace(first, providers=(changed,), version=2))
            await running
            await client.chat(HELLO)
            pools += client.live.caller.pools()
            before = [pool.is_closed for pool in pools]
            await asyncio.sleep(200)
            return before + [pool.is_closed for pool in pools]

    closed = play(main)

    assert answered == ["Bearer key-openai", "Bearer key-openai", "Bearer key-new"]
    assert closed == [False, False, True, False]
    assert [event.config_version for event in events.of("LLM_ATTEMPT")] == [1, 1, 2]


def test_closing_the_client_closes_pools_that_were_replaced_and_leaves_no_task():
    first = config(PROVIDER_ORDER="openai")
    changed = replace(first, providers=(replace(first.providers[0], base_url="https://api.openai.com/v2"),))

    async def main() -> tuple[list[bool], int]:
        async with Client(first, Events().append, transport=ScriptedNetwork()) as client:
            pools = client.live.caller.pools()
            client.adopt(changed)
            pools += client.live.caller.pools()
        return [pool.is_closed for pool in pools], len(asyncio.all_tasks())

    assert play(main) == ([True, True], 1)


def test_a_lower_threshold_counts_from_the_failures_so_far_and_a_shorter_cooldown_ends_an_opening_sooner():
    network, events = ScriptedNetwork(openrouter=[error(500)]), Events()

    async def main() -> tuple[State, State]:
        common = {"MAX_RETRIES": "0", "PROVIDER_ORDER": "openrouter,openai"}
        async with Client(config(CIRCUIT_THRESHOLD="5", **common), events.append, transport=network) as client:
            await client.chat(HELLO)
            client.adopt(config(CIRCUIT_THRESHOLD="2", **common))
            await client.chat(HELLO)
            opened = client.circuits()[0].state
            client.adopt(config(CIRCUIT_THRESHOLD="2", CIRCUIT_COOLDOWN_SECONDS="5", **common))
            await asyncio.sleep(5)
            return opened, client.circuits()[0].state

    assert play(main) == (State.OPEN, State.HALF_OPEN)


@pytest.mark.parametrize("all_open", ["fail", "probe"])
def test_an_isolated_provider_is_not_asked_until_the_time_is_over(all_open: str):
    network, events = ScriptedNetwork(), Events()

    async def main() -> None:
        settings = config(PROVIDER_ORDER="openai", ALL_OPEN=all_open)
        async with Client(settings, events.append, transport=network) as client:
            client.links[0].breaker.isolate(60, "sre-1", "maintenance")
            with pytest.raises(ProvidersExhaustedError):
                await client.chat(HELLO)
            await asyncio.sleep(60)
            await client.chat(HELLO)

    play(main)

    causes = [(event.cause, event.to, event.actor) for event in events.of("BREAKER_TRANSITION")]
    assert causes == [
        (Cause.ISOLATED, State.OPEN, "sre-1"),
        (Cause.COOLDOWN_ELAPSED, State.HALF_OPEN, None),
        (Cause.PROBE_SUCCEEDED, State.CLOSED, None),
    ]


def test_a_call_that_began_before_the_isolation_cannot_end_it():
    network, events = ScriptedNetwork(openai=[hang]), Events()

    async def main() -> State:
        async with Client(config(PROVIDER_ORDER="openai", MAX_RETRIES="0"), events.append, transport=network) as client:
            running = asyncio.create_task(client.chat(HELLO))
            await asyncio.sleep(1)
            client.links[0].breaker.isolate(600, "sre-1", "maintenance")
            with pytest.raises(ProvidersExhaustedError):
                await running
            assert client.links[0].breaker.release("sre-1", "done")
            assert not client.links[0].breaker.release("sre-1", "done")
            network._replies["openai"] = [openai_answer()]
            await client.chat(HELLO)
            return client.circuits()[0].state

    assert play(main) is State.CLOSED


def test_what_is_kept_of_an_open_circuit_is_taken_over_by_the_next_process():
    events = Events()
    wall = 1_760_000_000.0

    async def main() -> tuple[Kept | None, Kept | None, State, State]:
        settings = config(PROVIDER_ORDER="openai,deepseek")
        async with Client(settings, events.append, transport=ScriptedNetwork(), wall=lambda: wall) as client:
            client.links[0].breaker.isolate(60, "sre-1", "maintenance")
            kept, none = (link.breaker.kept() for link in client.links)
        async with Client(settings, events.append, transport=ScriptedNetwork(), wall=lambda: wall + 50) as client:
            client.links[0].breaker.adopt(kept)
            first = client.circuits()[0]
            await asyncio.sleep(10)
            assert first.open_until == datetime.fromtimestamp(wall + 60, UTC)
            assert first.last.at == first.open_until - timedelta(seconds=60)
            return kept, none, first.state, client.circuits()[0].state

    kept, none, first, later = play(main)

    assert (kept.isolated, kept.actor, kept.reason, none) == (True, "sre-1", "maintenance", None)
    assert (first, later) == (State.OPEN, State.HALF_OPEN)
    assert events.of("BREAKER_TRANSITION")[-1].cause is Cause.ADOPTED
