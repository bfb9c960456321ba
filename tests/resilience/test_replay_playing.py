"""Requests played again: under their own policy as they were, under another one by the rules of the real client."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from resilience.events import AttemptFinished, CircuitChanged, Reason, Record, RequestStatus, from_line
from resilience.replay import Past, Played, ReplayError, Source, lives, past, play_again
from resilience.simulator.behaviour import Mix
from resilience.simulator.play import play
from resilience.simulator.recording import structured_lines
from resilience.simulator.samples import DIRECTORY
from resilience.simulator.scenario import Phase, Scenario, Traffic
from tests.resilience.random_incidents import incident
from tests.resilience.test_replay_circuits import STRUCTURED, read

OWN: dict[str, str] = {}
STEADY = Traffic(0.5, streamed=0, leaving=0)
DOWN = Mix.only("error", status=503)


def records(*phases: Phase, settings: dict[str, str] | None = None, traffic: Traffic = STEADY) -> list[Record]:
    """Five minutes of this incident, with seed 1."""
    recording = play(Scenario("small", "", 300.0, traffic, phases), 1, settings=settings or {})
    return [record for line in structured_lines(recording) if (record := from_line(line)) is not None]


def recorded(*phases: Phase, settings: dict[str, str] | None = None, traffic: Traffic | None = None) -> Past:
    [life] = lives(records(*phases, settings=settings, traffic=traffic or STEADY))
    return past(life)


def course(played: Past | Played) -> list[tuple[object, ...]]:
    ends = played.ends if isinstance(played, Played) else [asked.end for asked in played.requests]
    return [(end.request_id, end.status, end.provider, end.attempts, end.fallbacks, end.reason) for end in ends]


@pytest.mark.parametrize("name", STRUCTURED)
def test_a_sample_under_its_own_policy_is_played_as_it_was(name: str) -> None:
    [life] = lives(read(DIRECTORY / name))
    was = past(life)

    again = play_again(was, OWN, (), "any")

    assert course(again) == course(was)
    assert again.openings == was.openings
    assert set(again.calls) == {Source.HAPPENED}
    waits = zip((asked.end for asked in was.requests), again.ends, strict=True)
    assert max(abs(real.total_ms - played.total_ms) for real, played in waits) < 2.0


def test_random_incidents_under_their_own_policy_are_played_as_they_were() -> None:
    first = random.randrange(10**9)
    print(f"seeds {first} to {first + 19}")
    same: Counter[bool] = Counter()
    calls: Counter[Source] = Counter()
    for seed in range(first, first + 20):
        [life] = lives(incident(seed))
        was = past(life)
        again = play_again(was, OWN, (), "any")
        same.update(real == played for real, played in zip(course(was), course(again), strict=True))
        calls.update(again.calls)

    # Times are cut to milliseconds: now and then two failures change places before a threshold.
    assert same[True] > 0.99 * same.total()
    assert calls[Source.HAPPENED] > 0.99 * calls.total()


def test_a_higher_threshold_asks_the_failing_provider_more_and_says_how_much_is_drawn() -> None:
    was = recorded(Phase("openrouter", 60, 200, DOWN))

    again = play_again(was, {"METIS_LLM_CIRCUIT_THRESHOLD": "8"}, (), "1")

    assert sum(end.attempts for end in again.ends) > sum(asked.end.attempts for asked in was.requests)
    assert again.calls[Source.DRAWN] > 0
    assert again.calls[Source.UNKNOWN] == 0
    assert all(end.status is RequestStatus.SUCCESS for end in again.ends)


def test_a_shorter_timeout_turns_a_slow_answer_into_a_timeout() -> None:
    was = recorded(Phase("openrouter", 0, 300, Mix.only("slow", factor=6.0)))

    again = play_again(was, {"METIS_LLM_TIMEOUT_SECONDS": "4"}, (), "1")

    assert max(asked.end.attempts for asked in was.requests) == 1
    assert max(end.attempts for end in again.ends) > 1
    assert max(end.total_ms for end in again.ends) < 60_000


def test_what_came_after_a_timeout_is_unknown() -> None:
    was = recorded(Phase("openrouter", 60, 200, Mix.only("hang")), settings={"METIS_LLM_TIMEOUT_SECONDS": "5"})

    longer = play_again(was, {"METIS_LLM_TIMEOUT_SECONDS": "20"}, (), "1")
    shorter = play_again(was, {"METIS_LLM_TIMEOUT_SECONDS": "4.5"}, (), "1")

    assert longer.calls[Source.UNKNOWN] > 0
    assert shorter.calls[Source.UNKNOWN] == 0
    assert {asked.end.status for asked in was.requests} == {RequestStatus.SUCCESS}


def test_a_provider_that_nobody_called_is_unknown_and_draws_differ_about_it() -> None:
    was = recorded()

    rates = set()
    for seed in "abcdef":
        again = play_again(was, OWN, ("deepseek", "openrouter"), seed)
        assert again.calls[Source.UNKNOWN] > 0
        rates.add(round(sum(end.provider == "deepseek" for end in again.ends) / len(again.ends), 1))

    assert len(rates) > 2


def test_the_same_seed_draws_the_same() -> None:
    was = recorded(Phase("openrouter", 60, 200, Mix(((0.5, DOWN.parts[0][1]), (0.5, Mix.only("ok").parts[0][1])))))

    first, second = (play_again(was, {"METIS_LLM_CIRCUIT_THRESHOLD": "2"}, (), "7") for _ in range(2))

    assert first == second


def test_a_request_that_was_at_fault_is_at_fault_elsewhere_too() -> None:
    was = recorded(Phase("openrouter", 0, 300, Mix.only("error", status=400)))

    again = play_again(was, OWN, ("anthropic", "openrouter"), "1")

    assert {asked.end.status for asked in was.requests} == {RequestStatus.REJECTED}
    assert {end.status for end in again.ends} == {RequestStatus.REJECTED}


def test_a_caller_who_left_leaves_at_the_same_moment() -> None:
    was = recorded(traffic=Traffic(0.5, streamed=0.5, leaving=1.0))
    left = [asked.end for asked in was.requests if asked.end.status is RequestStatus.CANCELLED]

    again = play_again(was, OWN, ("anthropic", "openrouter"), "1")

    assert left
    by_id = {end.request_id: end for end in again.ends}
    assert all(by_id[end.request_id].total_ms <= end.total_ms + 1 for end in left)


def test_only_the_requests_of_a_stretch_of_time_are_played_and_its_open_circuits_are_open() -> None:
    lines = records(Phase("openrouter", 60, 200, DOWN))
    [life] = lives(lines)
    opened = next(record for record in lines if isinstance(record.event, CircuitChanged))
    since, until = opened.at + timedelta(seconds=1), opened.at + timedelta(seconds=40)
    was = past(life, since, until)

    again = play_again(was, OWN, (), "1")

    assert 5 < len(was.requests) < 40
    assert {asked.end.provider for asked in was.requests} == {"anthropic"}
    assert course(again) == course(was)


def test_requests_whose_beginning_the_log_lacks_are_left_out_and_counted() -> None:
    lines = records()
    first = next(place for place, record in enumerate(lines) if isinstance(record.event, AttemptFinished))
    [life] = lives([*lines[:first], *lines[first + 1 :]])

    was = past(life)

    assert was.left_out == 1


def test_people_act_again_as_they_did() -> None:
    [life] = lives(incident(1))  # in which somebody acts
    was = past(life)
    deeds = [event for _, event in was.deeds]

    again = play_again(was, {"METIS_LLM_CIRCUIT_THRESHOLD": "1000"}, (), "1")

    assert deeds
    assert len(again.ends) == len(was.requests)
    assert again.openings <= was.openings


def test_a_setting_that_breaks_its_rule_is_refused_with_its_rule() -> None:
    with pytest.raises(ReplayError, match="METIS_LLM_CIRCUIT_THRESHOLD must be a whole number from 1 to 1000, got '0'"):
        play_again(recorded(), {"METIS_LLM_CIRCUIT_THRESHOLD": "0"}, (), "1")


def test_the_waits_between_attempts_are_as_they_were_in_proportion() -> None:
    was = recorded(Phase("openrouter", 60, 120, DOWN), settings={"METIS_LLM_CIRCUIT_THRESHOLD": "100"})

    halved = play_again(was, {"METIS_LLM_RETRY_BASE_DELAY": "0.5"}, (), "1")

    waits = [
        (asked.end.wasted_ms - 150 * (asked.end.attempts - 1), end.wasted_ms - 150 * (end.attempts - 1))
        for asked, end in zip(was.requests, halved.ends, strict=True)
        if asked.end.attempts == end.attempts == 5
    ]
    assert len(waits) > 10
    assert all(halved_ms == pytest.approx(real_ms / 2, abs=3) for real_ms, halved_ms in waits)


def test_an_attempt_that_failed_keeps_its_reason() -> None:
    was = recorded(Phase("openrouter", 0, 300, Mix.only("error", status=401)))

    again = play_again(was, {"METIS_LLM_CIRCUIT_THRESHOLD": "1000"}, (), "1")

    told = [call for asked in was.requests for call in asked.attempts.get("openrouter", ())]
    assert {call.failure and call.failure.reason for call in told} == {Reason.AUTH_ERROR}
    assert {end.fallbacks for end in again.ends} == {1}
