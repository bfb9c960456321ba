"""Behaviours by name, as a client sees them on virtual time."""

import asyncio
import random
from collections import Counter
from typing import Any

import httpx2
import pytest

from resilience.simulator.behaviour import Behaviour, Mix, SimulatorError
from resilience.simulator.profiles import PROFILES
from resilience.simulator.provider import SimulatedProvider
from resilience.simulator.transport import SimulatedTransport, base_url
from resilience.simulator.virtual import VirtualLoop


def call(behaviour: Behaviour, *, streamed: bool = False, provider: str = "openai", patience_s: float = 1000) -> Any:
    """One call: (status or exception, body so far, virtual seconds)."""
    simulated = SimulatedProvider(PROFILES[provider], 1, lambda _: behaviour)
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": streamed, "max_tokens": 400}

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        received = b""
        transport = SimulatedTransport({provider: simulated}, loop.time)
        headers = {"authorization": "Bearer simulated", "anthropic-version": "2023-06-01"}
        path = "/v1/messages" if provider == "anthropic" else "/chat/completions"
        async with httpx2.AsyncClient(transport=transport, headers=headers) as client:
            try:
                async with (
                    asyncio.timeout(patience_s),
                    client.stream("POST", base_url(simulated) + path, json=body) as response,
                ):
                    async for chunk in response.aiter_bytes():
                        received += chunk
            except (httpx2.TransportError, TimeoutError) as exc:
                return type(exc), received, loop.time()
            return response.status_code, received, loop.time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_takes_the_time_it_is_told(streamed: bool) -> None:
    status, body, took_s = call(Behaviour.of("ok", latency_s=2.0), streamed=streamed)

    assert (status, round(took_s, 6)) == (200, 2.0)
    assert body.endswith(b"[DONE]\n\n" if streamed else b"}")


def test_slow_is_so_many_times_the_usual() -> None:
    _, _, usual_s = call(Behaviour.of("ok"))
    _, _, slow_s = call(Behaviour.of("slow", factor=12.0))

    assert slow_s == pytest.approx(12 * usual_s)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("hang", TimeoutError),
        ("stall", TimeoutError),
        ("refuse", httpx2.ConnectError),
        ("reset", httpx2.ReadError),
        ("cut", httpx2.RemoteProtocolError),
    ],
)
def test_connection_faults_leave_as_the_real_transport_s_exceptions(
    name: str, outcome: type[Exception], streamed: bool
) -> None:
    seen, _, _ = call(Behaviour.of(name), streamed=streamed)

    assert seen is outcome


@pytest.mark.parametrize("name", ["cut", "stall"])
def test_a_broken_stream_gives_the_pieces_before_the_break(name: str) -> None:
    _, body, _ = call(Behaviour.of(name, after=2), streamed=True)

    assert body.count(b'"delta": {"content"') == 2
    assert b"[DONE]" not in body


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "name", ["ok", "slow", "error", "context_length", "content_filter", "error_in_200", "error_in_stream", "malformed"]
)
def test_a_behaviour_that_answers_answers(name: str, streamed: bool, provider: str) -> None:
    status, body, _ = call(Behaviour.of(name), streamed=streamed, provider=provider)

    assert status in (200, 400, 503)
    assert body


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("explode", {}, "behaviour must be one of .*, got 'explode'"),
        ("ok", {"speed": 3}, "behaviour ok takes latency_s, got 'speed'"),
        ("hang", {"after": 3}, "behaviour hang takes no parameters, got 'after'"),
        ("error", {"status": 418}, "status must be one of 400, .*, got 418"),
    ],
)
def test_a_behaviour_that_does_not_exist_is_refused_when_it_is_made(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(SimulatorError, match=message):
        Behaviour.of(name, **parameters)


def test_a_mix_draws_by_weight() -> None:
    ok, hang = Behaviour.of("ok"), Behaviour.of("hang")
    mix = Mix(((0.75, ok), (0.25, hang)))

    drawn = Counter(mix.draw(random.Random(seed)) for seed in range(2000))

    assert drawn[ok] == pytest.approx(1500, abs=100)
    assert drawn.total() == 2000


def test_a_fault_in_one_call_leaves_the_next_answer_as_it_would_have_been() -> None:
    async def second_body(first: Behaviour) -> bytes:
        script = iter([first, Behaviour.of("ok")])
        simulated = SimulatedProvider(PROFILES["openai"], 1, lambda _: next(script))
        transport = SimulatedTransport({"openai": simulated}, lambda: 0.0)
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        async with httpx2.AsyncClient(transport=transport, headers={"authorization": "Bearer simulated"}) as client:
            for _ in range(2):
                response = await client.post(base_url(simulated) + "/chat/completions", json=body)
            return response.content

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        bodies = {runner.run(second_body(first)) for first in (Behaviour.of("ok"), Behaviour.of("error"))}

    assert len(bodies) == 1
