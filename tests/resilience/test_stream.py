"""Streamed answers: free fallback before the first content, an honest end after it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from resilience.chat import Delta, Usage
from resilience.client import Client
from resilience.errors import RequestError, StreamBrokenError
from resilience.events import AttemptFinished, AttemptStatus, Reason, RequestFinished, RequestStatus
from tests.resilience.scripted import HELLO, Events, ScriptedNetwork, chunk, config, error, openai_answer, play, sse

WHOLE = sse(
    chunk("Hel"),
    chunk("lo"),
    chunk(finish="stop"),
    {"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    "[DONE]",
)


def read(
    network: httpx2.AsyncBaseTransport, stop_after: int | None = None, **settings: str
) -> tuple[list[Delta], Any, Events]:
    """Read a stream to its end or `stop_after` deltas; the deltas, the error, the events."""
    events = Events()

    async def main() -> tuple[list[Delta], Exception | None]:
        deltas: list[Delta] = []
        async with Client(config(**{"RETRY_BASE_DELAY": "0"} | settings), events.append, transport=network) as client:
            try:
                async with client.stream(HELLO) as stream:
                    async for delta in stream:
                        deltas.append(delta)
                        if len(deltas) == stop_after:
                            break
            except Exception as exc:  # noqa: BLE001 (the test looks at it)
                return deltas, exc
        return deltas, None

    deltas, exc = play(main)
    return deltas, exc, events


def last(events: Events) -> tuple[AttemptFinished, RequestFinished]:
    attempt, request = [e for e in events if e.kind in ("LLM_ATTEMPT", "LLM_REQUEST")][-2:]
    assert isinstance(attempt, AttemptFinished)
    assert isinstance(request, RequestFinished)
    return attempt, request


def test_a_whole_stream_is_a_success_with_its_usage() -> None:
    deltas, exc, events = read(ScriptedNetwork(openrouter=[WHOLE]))

    attempt, request = last(events)
    assert exc is None
    assert "".join(d.text for d in deltas) == "Hello"
    assert (attempt.status, attempt.streamed, attempt.completion_tokens) == (AttemptStatus.SUCCESS, True, 2)
    assert attempt.ttft_ms is not None
    assert request.status is RequestStatus.SUCCESS


@pytest.mark.parametrize(
    "first",
    [error(503), sse({"error": {"code": 502, "message": "x"}}), sse(chunk("")), sse(": only a comment"), sse("{")],
    ids=["status", "error-event", "no-content", "nothing", "nonsense"],
)
def test_before_the_first_content_the_chain_moves_on_freely(first: httpx2.Response) -> None:
    network = ScriptedNetwork(openrouter=[first], anthropic=[error(500)], deepseek=[WHOLE])

    deltas, exc, events = read(network)

    assert exc is None
    assert "".join(d.text for d in deltas) == "Hello"
    assert last(events)[1].provider == "deepseek"


def test_a_stream_that_ends_without_its_end_is_an_error_not_an_answer() -> None:
    deltas, exc, events = read(ScriptedNetwork(openrouter=[sse(chunk("Hel"), chunk("lo"))]))

    attempt, request = last(events)
    assert "".join(d.text for d in deltas) == "Hello"
    assert isinstance(exc, StreamBrokenError)
    assert (attempt.status, attempt.reason) == (AttemptStatus.FAILED, Reason.STREAM_INTERRUPTED)
    assert (request.status, request.reason) == (RequestStatus.ERROR, Reason.STREAM_INTERRUPTED)


def test_a_stream_without_done_but_with_a_finish_reason_is_whole() -> None:
    _, exc, events = read(ScriptedNetwork(openrouter=[sse(chunk("Hi"), chunk(finish="stop"))]))

    assert exc is None
    assert last(events)[0].status is AttemptStatus.SUCCESS


def test_a_provider_that_answers_whole_is_taken_as_a_stream_of_one() -> None:
    deltas, exc, _ = read(ScriptedNetwork(openrouter=[openai_answer("Hi")]))

    assert exc is None
    assert deltas == [Delta("Hi", "stop", Usage(5, 2), "some-model")]


def test_a_reader_that_stops_early_cancels_the_call() -> None:
    _, exc, events = read(ScriptedNetwork(openrouter=[WHOLE]), stop_after=1)

    attempt, request = last(events)
    assert exc is None
    assert (attempt.status, request.status) == (AttemptStatus.CANCELLED, RequestStatus.CANCELLED)


class Dripping(httpx2.AsyncBaseTransport):
    """One provider whose stream says a word, then nothing for an hour. `closed`: the connection was let go."""

    closed = False
    said = sse(chunk("Hel")).content

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        async def body() -> AsyncIterator[bytes]:
            try:
                yield self.said
                await asyncio.sleep(3600)
            finally:
                self.closed = True

        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())


def test_a_stalled_stream_ends_after_the_timeout_and_lets_the_connection_go() -> None:
    network = Dripping()

    deltas, exc, events = read(network)

    assert [d.text for d in deltas] == ["Hel"]
    assert isinstance(exc, StreamBrokenError)
    assert last(events)[0].reason is Reason.STREAM_STALLED
    assert network.closed


def test_a_reader_that_stops_at_the_answers_end_has_the_whole_answer() -> None:
    _, _, events = read(ScriptedNetwork(openrouter=[WHOLE]), stop_after=3)

    attempt, request = last(events)
    assert (attempt.status, request.status) == (AttemptStatus.SUCCESS, RequestStatus.SUCCESS)


@pytest.mark.parametrize(
    "first",
    [sse(chunk("Hel")), sse(chunk("Hel"), {"error": {"code": 502}}), sse(chunk("Hel"), "{"), error(500)],
    ids=["cut", "error-event", "nonsense", "status"],
)
def test_safe_mode_falls_back_over_a_stream_that_breaks_after_its_first_content(first: httpx2.Response) -> None:
    network = ScriptedNetwork(openrouter=[first], anthropic=[error(500)], deepseek=[WHOLE])

    deltas, exc, events = read(network, STREAM_MODE="safe", MAX_RETRIES="0")

    assert exc is None
    assert "".join(d.text for d in deltas) == "Hello"
    attempt, request = last(events)
    assert (attempt.provider, attempt.completion_tokens, request.provider) == ("deepseek", 2, "deepseek")


def test_safe_mode_leaves_a_stalled_stream_behind() -> None:
    class Network(ScriptedNetwork):
        stalled = Dripping()

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.host == "openrouter.ai":
                return await self.stalled.handle_async_request(request)
            return await super().handle_async_request(request)

    network = Network(anthropic=[error(500)], deepseek=[WHOLE])

    deltas, exc, events = read(network, STREAM_MODE="safe", MAX_RETRIES="0")

    assert exc is None
    assert "".join(d.text for d in deltas) == "Hello"
    stalled = events.of("LLM_ATTEMPT")[0]
    assert isinstance(stalled, AttemptFinished)
    assert (stalled.reason, stalled.timeout_s) == (Reason.STREAM_STALLED, 20)
    assert network.stalled.closed


def test_the_tokens_of_a_stream_that_breaks_are_known_as_far_as_they_were_told() -> None:
    start = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 5, "output_tokens": 1}}}
    piece = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hel"}}

    for mode in ("live", "safe"):
        network = ScriptedNetwork(anthropic=[sse(start, piece)])
        _, _, events = read(network, PROVIDER_ORDER="anthropic", MAX_RETRIES="0", STREAM_MODE=mode)

        attempt, _ = last(events)
        assert (attempt.status, attempt.prompt_tokens) == (AttemptStatus.FAILED, 5)


SPENT = {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}
REFUSED = {"choices": [{"message": {"content": "Hel"}, "finish_reason": "content_filter"}]}


@pytest.mark.parametrize(
    "reply",
    [httpx2.Response(200, json=REFUSED | SPENT), sse(chunk("Hel"), chunk(finish="content_filter", **SPENT))],
    ids=["whole", "stream"],
)
@pytest.mark.parametrize("mode", ["live", "safe"])
def test_the_tokens_of_a_refused_stream_are_known(mode: str, reply: httpx2.Response) -> None:
    _, exc, events = read(ScriptedNetwork(openrouter=[reply]), STREAM_MODE=mode)

    attempt, _ = last(events)
    assert isinstance(exc, RequestError)
    assert (attempt.status, attempt.prompt_tokens, attempt.completion_tokens) == (AttemptStatus.FAILED, 5, 2)


def test_content_refused_after_the_first_pieces_is_the_callers_error() -> None:
    network = ScriptedNetwork(openrouter=[sse(chunk("Hel"), chunk(finish="content_filter"))])

    deltas, exc, events = read(network)

    attempt, request = last(events)
    assert [delta.text for delta in deltas] == ["Hel"]
    assert isinstance(exc, RequestError)
    assert (exc.reason, exc.attempts) == (Reason.CONTENT_FILTER, 1)
    assert (attempt.status, request.status) == (AttemptStatus.FAILED, RequestStatus.REJECTED)
    assert events.of("BREAKER_TRANSITION", "FALLBACK") == []


def test_a_finished_stream_that_neither_ends_nor_says_done_is_whole_after_a_moment() -> None:
    class Endless(Dripping):
        said = sse(chunk("Hello"), chunk(finish="stop")).content

    deltas, exc, events = read(Endless())

    attempt, _ = last(events)
    assert exc is None
    assert "".join(delta.text for delta in deltas) == "Hello"
    assert (attempt.status, attempt.generation_time_ms) == (AttemptStatus.SUCCESS, pytest.approx(250))


def test_a_safe_stream_that_goes_on_and_on_is_left_in_time_for_the_next_provider() -> None:
    class Network(ScriptedNetwork):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if request.url.host != "openrouter.ai":
                return await super().handle_async_request(request)

            async def body() -> AsyncIterator[bytes]:
                while True:
                    yield sse(chunk("and ")).content
                    await asyncio.sleep(1)

            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    deltas, exc, events = read(Network(anthropic=[error(500)], deepseek=[WHOLE]), STREAM_MODE="safe", MAX_RETRIES="0")

    attempt = events.of("LLM_ATTEMPT")[0]
    assert isinstance(attempt, AttemptFinished)
    assert exc is None
    assert "".join(delta.text for delta in deltas) == "Hello"
    assert (attempt.reason, attempt.timeout_s) == (Reason.TIMEOUT, pytest.approx(75))  # of 120 s, 45 for the next
