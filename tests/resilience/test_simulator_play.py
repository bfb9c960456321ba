"""Played incidents: the same for a seed, true to the providers' own counts, and shaped as their names say."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from resilience.events import (
    AttemptFinished,
    CircuitChanged,
    FellBack,
    ProvidersExhausted,
    Reason,
    RequestFinished,
    RequestStatus,
    State,
    from_line,
)
from resilience.simulator import samples
from resilience.simulator.play import Recording, play
from resilience.simulator.recording import plain_lines, structured_lines
from resilience.simulator.scenario import Scenario, Traffic
from resilience.simulator.scenarios import MIXED_DAY, SCENARIOS

RECORDINGS: dict[str, Recording] = {}


def recording(name: str) -> Recording:
    """The scenario with seed 1, played once for all tests; one that is not shipped, for its first 12 minutes."""
    if name not in RECORDINGS:
        scenario = SCENARIOS[name]
        shipped = f"{name}.log" in samples.SAMPLES
        RECORDINGS[name] = play(scenario if shipped else replace(scenario, duration_s=720.0), 1)
    return RECORDINGS[name]


def reasons(name: str, provider: str) -> set[Reason | None]:
    """Why attempts on this provider failed."""
    events = [stamped.event for stamped in recording(name).events]
    return {e.reason for e in events if isinstance(e, AttemptFinished) and e.provider == provider} - {
        None,
        Reason.CANCELLED,
    }


def statuses(name: str) -> Counter[RequestStatus]:
    """How requests ended."""
    return Counter(s.event.status for s in recording(name).events if isinstance(s.event, RequestFinished))


def openings(name: str) -> Counter[str]:
    """How often each circuit opened."""
    events = [stamped.event for stamped in recording(name).events]
    return Counter(e.provider for e in events if isinstance(e, CircuitChanged) and e.to is State.OPEN)


def test_the_same_seed_gives_the_same_lines_and_another_one_others() -> None:
    scenario = Scenario("short", "", 120, Traffic(rps=1.0), SCENARIOS["flapping"].phases)

    lines = [list(structured_lines(play(scenario, seed))) for seed in (1, 1, 2)]

    assert lines[0] == lines[1] != lines[2]


def test_every_line_reads_back_as_its_event_in_the_order_of_time() -> None:
    incident = recording("all_down")

    records = [from_line(line) for line in structured_lines(incident)]

    times = [record.at for record in records if record is not None]
    assert [type(record.event) for record in records if record] == [type(s.event) for s in incident.events]
    assert times == sorted(times)


@pytest.mark.parametrize("name", ["primary_down", "all_down"])
def test_the_log_s_attempts_equal_the_providers_own_counts(name: str) -> None:
    attempts = Counter(s.event.provider for s in recording(name).events if isinstance(s.event, AttemptFinished))

    assert {provider: attempts[provider] for provider in recording(name).calls} == recording(name).calls


def test_primary_down_costs_no_caller_an_answer() -> None:
    assert set(statuses("primary_down")) == {RequestStatus.SUCCESS, RequestStatus.CANCELLED}
    assert reasons("primary_down", "openrouter") == {Reason.SERVER_ERROR, Reason.CONNECT_ERROR}
    assert set(openings("primary_down")) == {"openrouter"}


def test_rate_limited_shows_the_limit() -> None:
    assert reasons("rate_limited", "openrouter") == {Reason.RATE_LIMITED}
    assert openings("rate_limited")["openrouter"] > 3


def test_all_down_exhausts_the_chain_with_every_circuit_open() -> None:
    assert statuses("all_down")[RequestStatus.EXHAUSTED] > 100
    assert set(openings("all_down")) == {"openrouter", "anthropic", "deepseek", "openai"}
    assert statuses("all_down")[RequestStatus.EXHAUSTED] == sum(
        isinstance(stamped.event, ProvidersExhausted) for stamped in recording("all_down").events
    )


def test_flapping_opens_the_same_circuit_again_and_again() -> None:
    assert openings("flapping")["openrouter"] >= 10


def test_key_expired_is_an_auth_error_and_nothing_else() -> None:
    assert reasons("key_expired", "openrouter") == {Reason.AUTH_ERROR}


def test_a_slow_provider_answers_late_and_is_given_up_on_sometimes() -> None:
    times = sorted(s.event.total_ms for s in recording("slow_provider").events if isinstance(s.event, RequestFinished))

    assert times[len(times) * 3 // 4] > 10_000
    assert reasons("slow_provider", "openrouter") <= {Reason.TIMEOUT, Reason.FIRST_TOKEN_TIMEOUT}


def test_some_callers_leave_before_their_answer() -> None:
    assert statuses("primary_down")[RequestStatus.CANCELLED] > 0


def test_a_day_takes_seconds() -> None:
    scenario = Scenario("hour", "", 3600, Traffic(rps=MIXED_DAY.traffic.rps), MIXED_DAY.phases)

    started = time.process_time()
    play(scenario, 1)

    assert (time.process_time() - started) * 24 < 40


def test_plain_lines_have_the_runbook_s_messages_and_no_json() -> None:
    incident = recording("all_down")

    lines = list(plain_lines(incident, 1))

    fallbacks = sum(isinstance(stamped.event, FellBack) for stamped in incident.events)
    assert sum("⚠️ Falling back to provider: " in line for line in lines) == fallbacks
    assert not any("{" in line or '"' in line for line in lines)
    assert all("src.integrations.llm.unified_client:" in line for line in lines)
    without_time = sum(line.startswith(("INFO:", "WARNING:", "ERROR:")) for line in lines)
    assert 0.1 < without_time / len(lines) < 0.3
    assert [from_line(line) for line in lines] == [None] * len(lines)


def test_plain_lines_say_everything_that_the_runbook_greps_for() -> None:
    text = "".join(plain_lines(recording("all_down"), 1))

    for phrase in (
        "✅ OpenRouter/Grok-4-Fast provider initialized (PRIMARY)",
        "✅ LLM providers initialized: ['openrouter', 'anthropic', 'deepseek', 'openai']",
        "LLM_ATTEMPT: provider=openrouter, status=success, latency=",
        "LLM_ATTEMPT: provider=openrouter, status=failed, latency=",
        "Opening circuit breaker for provider: openrouter",
        "❌ Circuit breaker OPEN for provider: openrouter",
        "⚠️ Circuit breaker HALF_OPEN for provider: openrouter (testing)",
        "✅ Circuit breaker CLOSED for provider: openrouter",
        "⚠️ Provider timeout after 45s, attempting retry",
        "❌ Provider failed: 503 Service Unavailable",
        "❌ All providers exhausted - no fallback available",
    ):
        assert phrase in text


@pytest.mark.parametrize("name", ["primary_down", "rate_limited", "all_down", "flapping"])
def test_the_shipped_logs_are_what_their_scenarios_give(name: str) -> None:
    shipped = (samples.DIRECTORY / f"{name}.log").read_text()

    assert "".join(structured_lines(recording(name))) == shipped, "run `make samples`"


def test_the_shipped_day_begins_as_its_scenario_does() -> None:
    morning = replace(MIXED_DAY, duration_s=7.6 * 3600)
    shipped = (samples.DIRECTORY / "mixed_day.log").read_text()

    lines = list(structured_lines(play(morning, 1)))

    whole = [line for line in lines if line < "2026-03-02T07:35"]
    assert len(whole) > 1000
    assert shipped.startswith("".join(whole)), "run `make samples`"


def test_the_plain_log_is_what_its_command_writes(tmp_path: Path) -> None:
    written = samples.write("plain_backend.log", tmp_path).read_bytes()

    assert written == (samples.DIRECTORY / "plain_backend.log").read_bytes(), "run `make samples`"


def test_the_shipped_logs_are_small_and_listed_with_their_commands() -> None:
    text = (samples.DIRECTORY / "README.md").read_text()

    shipped = {path.name for path in samples.DIRECTORY.glob("*.log")}
    assert shipped == set(samples.SAMPLES)
    assert all(f"simulate {arguments}" in text and name in text for name, arguments in samples.SAMPLES.items())
    assert sum((samples.DIRECTORY / name).stat().st_size for name in shipped) < 12_000_000
