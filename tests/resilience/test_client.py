"""The chain's walk: who is asked, how often, in which order, and what the log says of it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from resilience.attempt import MAX_BODY_BYTES
from resilience.chat import Answer, ChatRequest, Message
from resilience.client import Client
from resilience.config import Config, Provider
from resilience.errors import DeadlineExceededError, ProvidersExhaustedError, RequestError
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    FellBack,
    ProviderInitialized,
    ProvidersExhausted,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    State,
    Tried,
)
from tests.resilience.scripted import (
    HELLO,
    Events,
    ScriptedNetwork,
    anthropic_answer,
    config,
    error,
    hang,
    openai_answer,
    play,
)


def ask(
    network: httpx2.AsyncBaseTransport, settings: Config | None = None, times: int = 1
) -> tuple[list[Any], Events, float]:
    """Ask `times` in a row; answers or errors, the events, and the virtual seconds that it took."""
    events = Events()

    async def main() -> tuple[list[Any], float]:
        results: list[Any] = []
        async with Client(settings or config(), events.append, transport=network) as client:
            for _ in range(times):
                try:
                    results.append(await client.chat(HELLO, request_id="r1"))
                except Exception as exc:  # noqa: BLE001 (the test looks at it)
                    results.append(exc)
        return results, asyncio.get_running_loop().time()

    results, took_s = play(main)
    return results, events, took_s


def outline(events: Events) -> list[tuple[Any, ...]]:
    """Attempts, fallbacks and transitions in short."""
    rows: list[tuple[Any, ...]] = []
    for event in events:
        match event:
            case AttemptFinished():
                rows.append((event.provider, event.attempt, str(event.status), event.reason))
            case FellBack():
                rows.append((event.from_provider, "->", event.to_provider, event.reason))
            case CircuitChanged():
                rows.append((event.provider, str(event.from_), str(event.to), event.cause))
    return rows


def test_the_primary_answers_and_nobody_else_is_asked() -> None:
    network = ScriptedNetwork(openrouter=[openai_answer("Hello!")])

    [answer], events, _ = ask(network)

    assert isinstance(answer, Answer)
    assert (answer.completion.text, answer.provider, answer.attempts, answer.fallbacks) == (
        "Hello!",
        "openrouter",
        1,
        0,
    )
    assert network.calls == ["openrouter"]
    assert [e.kind for e in events[-2:]] == ["LLM_ATTEMPT", "LLM_REQUEST"]


def test_start_names_each_provider_and_the_primary() -> None:
    _, events, _ = ask(ScriptedNetwork(), times=0)

    assert [(e.provider, e.primary) for e in events if isinstance(e, ProviderInitialized)] == [
        ("openrouter", True),
        ("anthropic", False),
        ("deepseek", False),
        ("openai", False),
    ]
    assert isinstance(events[-1], ProvidersInitialized)


def test_a_server_error_is_retried_with_growing_waits_then_answered() -> None:
    network = ScriptedNetwork(openrouter=[error(503), error(503), openai_answer()])

    [answer], events, took_s = ask(network)

    assert answer.attempts == 3
    assert network.calls == ["openrouter"] * 3
    assert outline(events) == [
        ("openrouter", 1, "failed", Reason.SERVER_ERROR),
        ("openrouter", 2, "failed", Reason.SERVER_ERROR),
        ("openrouter", 3, "success", None),
    ]
    assert 0 < took_s < 1 + 2  # full jitter below 1 s, then below 2 s


def test_the_third_failure_opens_the_circuit_and_the_chain_moves_on_at_once() -> None:
    network = ScriptedNetwork(openrouter=[error(503)], anthropic=[anthropic_answer("from Claude")])

    [answer, again], events, _ = ask(network, times=2)

    assert (answer.provider, answer.attempts, answer.fallbacks) == ("anthropic", 4, 1)
    assert (again.provider, again.attempts, again.fallbacks) == ("anthropic", 1, 1)
    assert network.calls == ["openrouter"] * 3 + ["anthropic"] * 2
    assert outline(events)[2:5] == [
        ("openrouter", 3, "failed", Reason.SERVER_ERROR),
        ("openrouter", "CLOSED", "OPEN", Cause.THRESHOLD),
        ("openrouter", "->", "anthropic", Reason.SERVER_ERROR),
    ]
    assert ("openrouter", "->", "anthropic", Reason.CIRCUIT_OPEN) in outline(events)


def test_after_the_cooldown_one_probe_closes_the_circuit() -> None:
    network = ScriptedNetwork(openrouter=[error(503), error(503), error(503), openai_answer()])
    events = Events()

    async def main() -> Answer:
        async with Client(config(), events.append, transport=network) as client:
            await client.chat(HELLO)
            await asyncio.sleep(60)
            return await client.chat(HELLO)

    answer = play(main)

    assert answer.provider == "openrouter"
    assert outline(events)[-3:] == [
        ("openrouter", "OPEN", "HALF_OPEN", Cause.COOLDOWN_ELAPSED),
        ("openrouter", 1, "success", None),
        ("openrouter", "HALF_OPEN", "CLOSED", Cause.PROBE_SUCCEEDED),
    ]
    probe = [e for e in events if isinstance(e, AttemptFinished)][-1]
    assert probe.circuit is State.HALF_OPEN


def test_a_probe_that_says_nothing_about_health_leaves_the_way_to_the_next_one() -> None:
    too_long = error(400, "maximum context length is 8192 tokens")
    network = ScriptedNetwork(openrouter=[error(503), too_long, openai_answer()])
    events = Events()

    async def main() -> list[str]:
        async with Client(config(CIRCUIT_THRESHOLD="1"), events.append, transport=network) as client:
            first = await client.chat(HELLO)
            await asyncio.sleep(60)
            return [first.provider, *[(await client.chat(HELLO)).provider for _ in range(2)]]

    assert play(main) == ["anthropic", "anthropic", "openrouter"]
    assert [str(e.to) for e in events if isinstance(e, CircuitChanged)] == ["OPEN", "HALF_OPEN", "CLOSED"]


def test_a_silent_provider_is_left_after_its_first_timeout_while_a_healthy_one_follows() -> None:
    network = ScriptedNetwork(openrouter=[hang])

    [answer], events, took_s = ask(network)

    assert answer.provider == "anthropic"
    assert took_s == pytest.approx(45)
    assert "Timeout after 45s" in events.of("LLM_ATTEMPT")[0].message()


def test_a_silent_last_provider_is_retried_in_the_runbooks_words() -> None:
    network = ScriptedNetwork(openai=[hang, openai_answer()])

    [answer], events, _ = ask(network, config(PROVIDER_ORDER="openai"))

    assert answer.attempts == 2
    assert "⚠️ Provider timeout after 45s, attempting retry" in events.of("LLM_ATTEMPT")[0].message()


def test_when_nothing_is_left_one_error_lists_what_was_tried_and_why() -> None:
    network = ScriptedNetwork(
        openrouter=[error(401)], anthropic=[error(529, type="overloaded_error")], deepseek=[httpx2.ConnectError("x")]
    )

    [failure], events, _ = ask(network, config(PROVIDER_ORDER="openrouter,anthropic,deepseek", MAX_RETRIES="0"))

    expected = (
        Tried("openrouter", Reason.AUTH_ERROR),
        Tried("anthropic", Reason.OVERLOADED),
        Tried("deepseek", Reason.CONNECT_ERROR),
    )
    assert isinstance(failure, ProvidersExhaustedError)
    assert failure.tried == expected
    assert (failure.attempts, failure.fallbacks) == (3, 2)
    assert [e.tried for e in events if isinstance(e, ProvidersExhausted)] == [expected]
    assert isinstance(events[-1], RequestFinished)
    assert events[-1].status is RequestStatus.EXHAUSTED


def test_a_chain_of_open_circuits_fails_at_once_and_says_when_to_come_back() -> None:
    network = ScriptedNetwork(openrouter=[error(503)])
    settings = config(PROVIDER_ORDER="openrouter", CIRCUIT_THRESHOLD="1")

    [_, failure], _, took_s = ask(network, settings, times=2)

    assert isinstance(failure, ProvidersExhaustedError)
    assert failure.retry_after_s == pytest.approx(60)
    assert network.calls == ["openrouter"]
    assert took_s == 0


def test_the_callers_wait_ends_at_the_deadline() -> None:
    network = ScriptedNetwork(openrouter=[hang], anthropic=[hang], deepseek=[hang], openai=[hang])

    [failure], events, took_s = ask(network, config(DEADLINE_SECONDS="100"))

    assert isinstance(failure, DeadlineExceededError)
    assert took_s == pytest.approx(100)
    # 45 s, then half of the 55 that are left, then half again: too little to prove anything, and the rest.
    assert [step.reason for step in failure.tried] == [Reason.TIMEOUT, Reason.TIMEOUT] + [Reason.DEADLINE] * 2
    assert isinstance(events[-1], RequestFinished)
    assert (events[-1].status, round(events[-1].wasted_ms)) == (RequestStatus.DEADLINE, 100_000)


def test_a_hung_provider_leaves_time_for_the_next_one() -> None:
    network = ScriptedNetwork(openrouter=[hang])

    [answer], events, took_s = ask(network, config(DEADLINE_SECONDS="30"))

    assert answer.provider == "anthropic"
    assert took_s == pytest.approx(15)
    assert "Timeout after 15s" in events.of("LLM_ATTEMPT")[0].message()


def test_an_attempt_with_too_little_time_counts_against_no_circuit() -> None:
    network = ScriptedNetwork(openrouter=[hang], anthropic=[hang], deepseek=[hang], openai=[hang])

    _, events, _ = ask(network, config(DEADLINE_SECONDS="100", CIRCUIT_THRESHOLD="1"))

    opened = [e.provider for e in events if isinstance(e, CircuitChanged)]
    assert opened == ["openrouter", "anthropic"]


def test_the_callers_own_fault_is_told_at_once_and_opens_no_circuit() -> None:
    network = ScriptedNetwork(openrouter=[error(400, "messages: unknown field")])

    results, events, _ = ask(network, times=5)

    assert all(isinstance(result, RequestError) for result in results)
    assert network.calls == ["openrouter"] * 5
    assert events.of("BREAKER_TRANSITION", "FALLBACK") == []
    assert {e.status for e in events if isinstance(e, RequestFinished)} == {RequestStatus.REJECTED}


def test_a_prompt_too_long_for_one_provider_goes_to_the_next() -> None:
    network = ScriptedNetwork(openrouter=[error(400, "maximum context length is 8192 tokens")])

    [answer], events, _ = ask(network)

    assert answer.provider == "anthropic"
    assert events.of("BREAKER_TRANSITION") == []


def test_retry_after_is_kept_when_it_fits_into_the_deadline() -> None:
    network = ScriptedNetwork(openrouter=[error(429, headers={"retry-after": "20"}), openai_answer()])

    [answer], events, took_s = ask(network)

    assert answer.provider == "openrouter"
    assert took_s >= 20
    first = events.of("LLM_ATTEMPT")[0]
    assert isinstance(first, AttemptFinished)
    assert first.retry_after_s == 20
    assert "429 Rate Limit Exceeded" in first.message()


def test_within_a_providers_wish_nobody_else_calls_it_either() -> None:
    network = ScriptedNetwork(openrouter=[error(429, headers={"retry-after": "600"}), openai_answer()])
    events = Events()

    async def main() -> list[str]:
        async with Client(config(), events.append, transport=network) as client:
            first = await client.chat(HELLO)
            await asyncio.sleep(599)
            second = await client.chat(HELLO)
            await asyncio.sleep(1)
            third = await client.chat(HELLO)
        return [first.provider, second.provider, third.provider]

    assert play(main) == ["anthropic", "anthropic", "openrouter"]
    assert network.calls == ["openrouter", "anthropic", "anthropic", "openrouter"]
    assert [e.reason for e in events if isinstance(e, FellBack)] == [Reason.RATE_LIMITED] * 2


def test_a_wish_is_waited_out_where_nothing_better_is_left() -> None:
    network = ScriptedNetwork(openai=[error(429, headers={"retry-after": "50"}), openai_answer()])
    settings = config(PROVIDER_ORDER="openai", MAX_RETRIES="0")

    results, _, took_s = ask(network, settings, times=2)

    assert isinstance(results[0], ProvidersExhaustedError)
    assert results[0].retry_after_s == pytest.approx(50)
    assert isinstance(results[1], Answer)
    assert took_s == pytest.approx(50)


def test_retry_after_beyond_the_deadline_moves_on_at_once() -> None:
    network = ScriptedNetwork(openrouter=[error(429, headers={"retry-after": "600"})])

    [answer], _, took_s = ask(network)

    assert answer.provider == "anthropic"
    assert took_s == 0


def test_a_wish_that_would_leave_the_next_provider_no_time_is_not_waited_for() -> None:
    network = ScriptedNetwork(openrouter=[error(429, headers={"retry-after": "100"})])

    [answer], _, took_s = ask(network)  # of 120 s, 45 are the next provider's

    assert answer.provider == "anthropic"
    assert took_s == 0


def test_a_wish_that_is_told_while_others_queue_binds_them_too() -> None:
    network = ScriptedNetwork(openai=[error(429, headers={"retry-after": "20"}), openai_answer()])
    settings = config(PROVIDER_ORDER="openai", MAX_RETRIES="0", MAX_CONCURRENCY="1")

    async def main() -> list[tuple[type, float]]:
        async with Client(settings, Events().append, transport=network) as client:

            async def caller() -> tuple[type, float]:
                [ending] = await asyncio.gather(client.chat(HELLO), return_exceptions=True)
                return type(ending), asyncio.get_running_loop().time()

            return await asyncio.gather(*(caller() for _ in range(3)))

    (first, _), *others = play(main)

    assert first is ProvidersExhaustedError
    assert others == [(Answer, pytest.approx(20))] * 2


def test_of_two_wishes_the_shorter_is_waited_for() -> None:
    network = ScriptedNetwork(
        openrouter=[error(429, headers={"retry-after": "50"})],
        anthropic=[error(429, headers={"retry-after": "5"}), anthropic_answer()],
    )
    settings = config(PROVIDER_ORDER="openrouter,anthropic", MAX_RETRIES="0")

    [failure, answer], _, took_s = ask(network, settings, times=2)

    assert failure.retry_after_s == pytest.approx(5)
    assert answer.provider == "anthropic"
    assert took_s == pytest.approx(5)


def test_an_error_inside_a_200_is_an_error() -> None:
    inside = httpx2.Response(200, json={"error": {"code": 503, "message": "upstream is down"}})
    network = ScriptedNetwork(openrouter=[inside, openai_answer()])

    [answer], events, _ = ask(network)

    assert answer.attempts == 2
    assert outline(events)[0] == ("openrouter", 1, "failed", Reason.SERVER_ERROR)


def test_a_provider_without_a_key_stays_out_of_the_chain_and_is_listed_when_all_fail() -> None:
    settings = config(PROVIDER_ORDER="openrouter,deepseek", MAX_RETRIES="0")
    without_key = Provider("anthropic", "anthropic", "https://api.anthropic.com", "some-model")
    keyless = Config(providers=(without_key, *settings.providers), retry=settings.retry)
    network = ScriptedNetwork(openrouter=[error(500)], deepseek=[error(500)])

    [failure], events, _ = ask(network, keyless)

    assert network.calls == ["openrouter", "deepseek"]
    assert failure.tried[-1] == Tried("anthropic", Reason.MISSING_API_KEY)
    assert [e.provider for e in events if isinstance(e, ProviderInitialized) and e.primary] == ["openrouter"]


def test_a_cancelled_request_counts_neither_way_and_leaves_nothing_behind() -> None:
    network = ScriptedNetwork(openrouter=[hang])
    events = Events()

    async def main() -> int:
        async with Client(config(CIRCUIT_THRESHOLD="1"), events.append, transport=network) as client:
            task = asyncio.create_task(client.chat(HELLO))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(asyncio.all_tasks()) - 1

    left_over = play(main)

    assert left_over == 0
    attempt, request = events[-2:]
    assert isinstance(attempt, AttemptFinished)
    assert isinstance(request, RequestFinished)
    assert (attempt.status, request.status) == (AttemptStatus.CANCELLED, RequestStatus.CANCELLED)
    assert events.of("BREAKER_TRANSITION") == []


def test_a_thousand_requests_share_one_probe() -> None:
    network = ScriptedNetwork(openrouter=[error(503), hang], anthropic=[anthropic_answer()])
    settings = config(CIRCUIT_THRESHOLD="1")

    async def main() -> int:
        async with Client(settings, Events().append, transport=network) as client:
            await client.chat(HELLO)
            await asyncio.sleep(60)
            await asyncio.gather(*(client.chat(HELLO) for _ in range(1000)))
        return network.calls.count("openrouter")

    assert play(main) == 2  # the failure that opened it, and one probe


def test_a_listener_that_raises_changes_nothing() -> None:
    def broken(event: object) -> None:
        raise RuntimeError("listener")

    async def main() -> Answer:
        network = ScriptedNetwork(openrouter=[error(503)])
        async with Client(config(), broken, transport=network) as client:
            return await client.chat(HELLO)

    assert play(main).provider == "anthropic"


def test_no_key_and_no_prompt_reaches_an_event_or_an_error() -> None:
    secret = "the caller's own words"
    network = ScriptedNetwork(
        **{
            name: [error(500, f"echo: {secret} key-{name}")]
            for name in ("openrouter", "anthropic", "deepseek", "openai")
        }
    )
    events = Events()

    async def main() -> str:
        async with Client(config(MAX_RETRIES="0"), events.append, transport=network) as client:
            with pytest.raises(ProvidersExhaustedError) as caught:
                await client.chat(ChatRequest((Message("user", secret),)))
            return repr(caught.value) + str(caught.value) + repr(client.config)

    told = play(main) + "".join(map(repr, events))

    assert secret not in told
    assert not [name for name in network.calls if f"key-{name}" in told]


def test_with_every_circuit_open_a_setting_probes_the_one_whose_cooldown_ends_first() -> None:
    network = ScriptedNetwork(openrouter=[error(500), openai_answer()], deepseek=[error(500)])
    settings = config(PROVIDER_ORDER="openrouter,deepseek", CIRCUIT_THRESHOLD="1", MAX_RETRIES="0", ALL_OPEN="probe")

    [failure, answer], events, _ = ask(network, settings, times=2)

    assert isinstance(failure, ProvidersExhaustedError)
    assert answer.provider == "openrouter"
    assert outline(events)[-3:] == [
        ("openrouter", "OPEN", "HALF_OPEN", Cause.ALL_OPEN),
        ("openrouter", 1, "success", None),
        ("openrouter", "HALF_OPEN", "CLOSED", Cause.PROBE_SUCCEEDED),
    ]


def test_a_probe_of_the_only_provider_is_no_fallback() -> None:
    network = ScriptedNetwork(openrouter=[error(500), openai_answer()])
    settings = config(PROVIDER_ORDER="openrouter", CIRCUIT_THRESHOLD="1", MAX_RETRIES="0", ALL_OPEN="probe")

    [_, answer], events, _ = ask(network, settings, times=2)

    assert (answer.provider, answer.fallbacks) == ("openrouter", 0)
    assert events.of("FALLBACK") == []


def test_a_full_provider_is_passed_over_and_a_full_chain_says_when_to_come_back() -> None:
    network = ScriptedNetwork(openrouter=[hang], anthropic=[hang])
    settings = config(PROVIDER_ORDER="openrouter,anthropic", MAX_CONCURRENCY="1", MAX_QUEUE="0")

    async def main() -> ProvidersExhaustedError:
        async with Client(settings, Events().append, transport=network) as client:
            tasks = [asyncio.create_task(client.chat(HELLO)) for _ in range(2)]
            await asyncio.sleep(1)
            with pytest.raises(ProvidersExhaustedError) as caught:
                await client.chat(HELLO)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return caught.value

    failure = play(main)

    assert [step.reason for step in failure.tried] == [Reason.OVERLOADED, Reason.OVERLOADED]
    assert failure.retry_after_s == pytest.approx(1)
    assert network.calls == ["openrouter", "anthropic"]


def test_a_queue_is_left_in_time_for_the_next_provider() -> None:
    network = ScriptedNetwork(openrouter=[hang])
    settings = config(PROVIDER_ORDER="openrouter,anthropic", MAX_CONCURRENCY="1", DEADLINE_SECONDS="60")

    async def main() -> tuple[list[Answer], float]:
        async with Client(settings, Events().append, transport=network) as client:
            answers = await asyncio.gather(*(client.chat(HELLO) for _ in range(20)))
            return answers, asyncio.get_running_loop().time()

    answers, took_s = play(main)

    assert {answer.provider for answer in answers} == {"anthropic"}
    assert took_s <= 45


def test_a_queue_that_lasts_to_the_deadline_ends_with_it() -> None:
    network = ScriptedNetwork(openrouter=[hang])
    settings = config(PROVIDER_ORDER="openrouter", MAX_CONCURRENCY="1", DEADLINE_SECONDS="10")

    async def main() -> tuple[list[Any], float]:
        async with Client(settings, Events().append, transport=network) as client:
            endings = await asyncio.gather(*(client.chat(HELLO) for _ in range(3)), return_exceptions=True)
            return endings, asyncio.get_running_loop().time()

    endings, took_s = play(main)

    assert [type(ending) for ending in endings] == [DeadlineExceededError] * 3
    assert took_s == pytest.approx(10)


def test_a_place_that_is_given_back_is_taken_by_who_waits() -> None:
    async def slow(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(2)
        return openai_answer()

    network = ScriptedNetwork(openrouter=[slow])
    settings = config(PROVIDER_ORDER="openrouter", MAX_CONCURRENCY="2", MAX_QUEUE="10")

    async def main() -> float:
        async with Client(settings, Events().append, transport=network) as client:
            await asyncio.gather(*(client.chat(HELLO) for _ in range(8)))
            return asyncio.get_running_loop().time()

    assert play(main) == pytest.approx(8)


def test_a_refused_content_goes_on_where_a_setting_allows_it() -> None:
    refused = error(400, code="content_filter")

    [strict], _, _ = ask(ScriptedNetwork(openrouter=[refused]))
    [allowed], _, _ = ask(ScriptedNetwork(openrouter=[refused]), config(CONTENT_FILTER_FALLBACK="on"))

    assert isinstance(strict, RequestError)
    assert strict.reason is Reason.CONTENT_FILTER
    assert allowed.provider == "anthropic"


def test_the_tokens_of_an_answer_that_is_none_are_known() -> None:
    refused = {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}
    spent = {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    refusal = {"type": "message", "content": [], "stop_reason": "refusal"}
    network = ScriptedNetwork(
        openrouter=[httpx2.Response(200, json=refused | spent)],
        anthropic=[httpx2.Response(200, json=refusal | {"usage": {"input_tokens": 6, "output_tokens": 3}})],
    )

    _, events, _ = ask(network, config(CONTENT_FILTER_FALLBACK="on"))

    attempts = [event for event in events if isinstance(event, AttemptFinished)]
    assert [(a.status, a.prompt_tokens, a.completion_tokens) for a in attempts] == [
        ("failed", 5, 2),
        ("failed", 6, 3),
        ("success", 5, 2),
    ]


def test_a_refused_key_is_remembered_until_an_answer_comes() -> None:
    network = ScriptedNetwork(openrouter=[error(401), openai_answer()])
    seen = []

    async def main() -> None:
        async with Client(config(), Events().append, transport=network) as client:
            for _ in range(2):
                await client.chat(HELLO)
                seen.append(client.links[0].key_refused_at is not None)

    play(main)
    assert seen == [True, False]


def test_a_wish_is_kept_though_the_errors_body_never_ends() -> None:
    class Network(ScriptedNetwork):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await super().handle_async_request(request)
            if response.status_code == 200:
                return response
            return httpx2.Response(response.status_code, headers=response.headers, content=never())

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(3600)

    network = Network(openrouter=[error(429, headers={"retry-after": "7"}), openai_answer()])

    [answer], events, took_s = ask(network, config(PROVIDER_ORDER="openrouter"))

    assert (answer.provider, took_s) == ("openrouter", pytest.approx(1 + 7))
    assert outline(events) == [("openrouter", 1, "failed", Reason.RATE_LIMITED), ("openrouter", 2, "success", None)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    elsewhere = httpx2.Response(status, headers={"location": "https://elsewhere.example/v1"})
    network = ScriptedNetwork(openrouter=[elsewhere])

    [answer], events, _ = ask(network)

    assert answer.provider == "anthropic"
    assert network.calls == ["openrouter", "anthropic"]
    assert events.of("BREAKER_TRANSITION") == []


def test_a_body_that_inflates_without_end_is_cut_at_the_cap() -> None:
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES * 4))

    class Raw(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield bomb

    class Network(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=Raw())

    [failure], events, _ = ask(Network(), config(PROVIDER_ORDER="openrouter", MAX_RETRIES="0"))

    assert isinstance(failure, ProvidersExhaustedError)
    assert outline(events) == [("openrouter", 1, "failed", Reason.MALFORMED_RESPONSE)]
