"""An answer that breaks the grounding contract is asked for again: a second walk down the chain, in one request."""

import asyncio
import contextlib
import json
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from resilience.chat import ChatRequest, Chunk, Message
from resilience.client import Client
from resilience.config import Config, settings_of
from resilience.errors import DeadlineExceededError, ProvidersExhaustedError, ResilienceError
from resilience.eventlog import EventLog
from resilience.events import (
    AttemptFinished,
    CircuitChanged,
    Event,
    FellBack,
    Origin,
    RequestFinished,
    ServiceStarted,
    from_line,
)
from resilience.policy import DeadlinePolicy
from resilience.replay import lives, past, play_again
from resilience.replay.circuits import reproduced
from tests.resilience.scripted import Events, Reply, ScriptedNetwork, config, error, hang, openai_answer, play

QUESTION = ChatRequest(
    (Message("user", "When was it opened?"),), context=(Chunk("c1", "The bridge was opened in 1932."),)
)


def grounded(year: int) -> httpx2.Response:
    cite = {"id": "c1", "quote": f"The bridge was opened in {year}"}
    sentence = {"text": f"The bridge was opened in {year}.", "cites": [cite]}
    return openai_answer(json.dumps({"answer": [sentence], "insufficient": False}))


GOOD, BAD = grounded(1932), grounded(1942)


def chain(**settings: str) -> Config:
    return config(PROVIDER_ORDER="deepseek,openai", **({"MAX_RETRIES": "0"} | settings))


def asked(settings: Config, **replies: list[Reply]) -> tuple[Events, ResilienceError | None]:
    events = Events()

    async def main() -> ResilienceError | None:
        async with Client(settings, events.append, transport=ScriptedNetwork(**replies)) as client:
            try:
                await client.chat(QUESTION)
            except ResilienceError as exc:
                return exc
        return None

    return events, play(main)


def attempts(events: list[Event]) -> list[tuple[str, int, int, str]]:
    found = [event for event in events if isinstance(event, AttemptFinished)]
    return [(event.provider, event.attempt, event.chain_position, str(event.status)) for event in found]


def end(events: list[Event]) -> RequestFinished:
    [found] = [event for event in events if isinstance(event, RequestFinished)]
    return found


def test_attempts_are_numbered_over_both_walks() -> None:
    events, fault = asked(chain(), deepseek=[BAD, GOOD])

    assert fault is None
    assert attempts(events) == [("deepseek", 1, 0, "success"), ("deepseek", 2, 0, "success")]
    assert (end(events).attempts, end(events).fallbacks, end(events).provider) == (2, 0, "deepseek")


def test_a_second_walk_falls_back_when_the_first_provider_has_failed_meanwhile() -> None:
    events, fault = asked(chain(), deepseek=[BAD, error(503)], openai=[GOOD])

    assert fault is None
    assert attempts(events) == [
        ("deepseek", 1, 0, "success"),
        ("deepseek", 2, 0, "failed"),
        ("openai", 1, 1, "success"),
    ]
    assert (end(events).attempts, end(events).fallbacks, end(events).provider) == (3, 1, "openai")
    assert [event.reason for event in events if isinstance(event, FellBack)] == ["server_error"]


def test_a_second_walk_has_its_retries_and_its_number_of_them() -> None:
    events, fault = asked(chain(MAX_RETRIES="1"), deepseek=[error(503), BAD, error(503), GOOD])

    assert fault is None
    assert [number for _, number, _, _ in attempts(events)] == [1, 2, 3, 4]


def test_each_attempt_of_both_walks_tells_its_tokens() -> None:
    events, _ = asked(chain(), deepseek=[BAD, GOOD])

    told = [(e.prompt_tokens, e.completion_tokens) for e in events if isinstance(e, AttemptFinished)]
    assert told == [(5, 2), (5, 2)]


def test_a_second_walk_without_an_answer_is_the_chains_failure() -> None:
    events, fault = asked(chain(), deepseek=[BAD, error(503)], openai=[error(503)])

    assert isinstance(fault, ProvidersExhaustedError)
    assert (fault.attempts, fault.fallbacks) == (3, 1)
    assert [step.provider for step in fault.tried] == ["deepseek", "openai"]
    assert end(events).status == "exhausted"


def test_one_deadline_is_for_both_walks() -> None:
    settings = replace(chain(), deadline=DeadlinePolicy(attempt_s=6, request_s=10))

    async def slow(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(4)
        return BAD

    events, fault = asked(settings, deepseek=[slow, hang], openai=[hang])

    assert isinstance(fault, DeadlineExceededError)
    assert end(events).status == "deadline"
    assert end(events).total_ms == pytest.approx(10_000, abs=50)


def test_a_log_with_two_walks_replays_its_circuits_and_can_be_played_again(tmp_path: Path) -> None:
    settings = chain(MAX_RETRIES="1", CIRCUIT_THRESHOLD="2", RETRY_BASE_DELAY="0.001")
    settings = replace(settings, circuit=replace(settings.circuit, cooldown_s=0.05, max_cooldown_s=0.05))
    script: list[Reply] = [BAD, GOOD, BAD, error(503), error(503), error(503), BAD, GOOD, error(503), BAD, BAD, GOOD]
    path = tmp_path / "backend_live.log"
    log = EventLog(path, Origin("metis", "tried", 7))

    async def main() -> None:
        log.emit(ServiceStarted(version="t", config_version=1, order=settings.order, settings=settings_of(settings)))
        network = ScriptedNetwork(deepseek=script * 5, openai=[BAD, GOOD] * 30)
        async with Client(settings, log.emit, transport=network) as client:
            for _ in range(30):
                with contextlib.suppress(ResilienceError):
                    await client.chat(QUESTION)
                await asyncio.sleep(0.01)

    asyncio.run(main())
    log.close()
    records = [record for line in path.read_text().splitlines() if (record := from_line(line)) is not None]

    [life] = lives(records)
    again = reproduced(life)
    assert again.first_difference is None
    assert again.exact
    assert len([one for one in records if isinstance(one.event, CircuitChanged)]) > 5
    was = past(life)
    assert was.left_out == 0
    for changes in ({}, {"METIS_LLM_CIRCUIT_THRESHOLD": "5", "METIS_LLM_MAX_RETRIES": "3"}):
        played = play_again(was, changes, (), "any")
        assert len(played.ends) == len(was.requests)
