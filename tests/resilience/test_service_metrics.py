"""GET /metrics: the same counts as the log's, and docs/prometheus.md in step with what is exposed."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from resilience.breaker import CircuitView
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    GuardTriggered,
    Reason,
    RequestFinished,
    RequestStatus,
    State,
)
from resilience.service.app import create_app
from resilience.service.metrics import Metrics
from tests import promtool
from tests.resilience.service_kit import (
    Log,
    Network,
    answers,
    event_stream,
    fails,
    http,
    pieces,
    serving,
    two_providers,
)

ASK = {"messages": [{"role": "user", "content": "Say hello"}]}
DOCUMENT = Path(__file__).parents[2] / "docs" / "prometheus.md"


async def breaks_off(request: httpx2.Request) -> httpx2.Response:
    """Says its tokens and a word, and no end."""
    word, _, usage = pieces("alpha-model", "Hello")
    return event_stream(usage, word)


@pytest.fixture(scope="module")
def exposition() -> Iterator[str]:
    """The text after: a stream that breaks, a fallback that opens a circuit, an answer, a stream, a refused request."""
    network = Network(alpha=breaks_off, beta=answers("Hello there"))
    with serving(create_app(two_providers(threshold=2), Log().emit, transport=network)) as url:
        http.post(f"{url}/v1/chat/completions", json=ASK | {"stream": True})
        network.behaviours["alpha"] = fails(503)
        for body in (ASK, ASK, ASK | {"stream": True}, {"messages": 1}):
            http.post(f"{url}/v1/chat/completions", json=body)
        yield http.get(f"{url}/metrics").text


@pytest.mark.parametrize(
    "line",
    [
        'metis_llm_attempts_total{provider="alpha",reason="server_error",status="failed"} 1.0',
        'metis_llm_attempts_total{provider="beta",reason="",status="success"} 3.0',
        'metis_llm_attempt_duration_seconds_count{provider="beta"} 3.0',
        'metis_llm_attempts_total{provider="alpha",reason="stream_interrupted",status="failed"} 1.0',
        'metis_llm_requests_total{status="success"} 3.0',
        'metis_llm_requests_total{status="error"} 1.0',
        'metis_llm_requests_total{status="rejected"} 1.0',
        'metis_llm_requests_total{status="exhausted"} 0.0',
        "metis_llm_request_duration_seconds_count 4.0",
        'metis_llm_request_duration_seconds_bucket{le="120.0"} 4.0',
        'metis_llm_fallbacks_total{from_provider="alpha",reason="server_error",to_provider="beta"} 1.0',
        'metis_llm_fallbacks_total{from_provider="alpha",reason="circuit_open",to_provider="beta"} 2.0',
        'metis_llm_breaker_transitions_total{cause="threshold",provider="alpha",to="OPEN"} 1.0',
        'metis_llm_circuit_state{provider="alpha",state="OPEN"} 1.0',
        'metis_llm_circuit_state{provider="alpha",state="CLOSED"} 0.0',
        'metis_llm_circuit_state{provider="beta",state="CLOSED"} 1.0',
        'metis_llm_chain_position{provider="alpha"} 0.0',
        'metis_llm_chain_position{provider="beta"} 1.0',
        'metis_llm_circuit_open_seconds_total{provider="beta"} 0.0',
        'metis_llm_requests_with_fallback_total{status="success"} 3.0',
        'metis_llm_requests_with_fallback_total{status="exhausted"} 0.0',
        'metis_llm_retries_total{provider="alpha"} 0.0',
        'metis_llm_attempts_total{provider="beta",reason="timeout",status="failed"} 0.0',
        'metis_llm_tokens_total{kind="prompt",provider="beta"} 21.0',
        'metis_llm_tokens_total{kind="completion",provider="beta"} 9.0',
        'metis_llm_tokens_total{kind="wasted_prompt",provider="alpha"} 7.0',
        'metis_llm_tokens_total{kind="wasted_completion",provider="alpha"} 3.0',
        "metis_llm_config_version 1.0",
    ],
)
def test_the_counts_are_those_of_the_events(exposition: str, line: str):
    assert line in exposition.splitlines()


def test_the_document_lists_every_metric_with_its_type_and_labels(exposition: str):
    exposed = {
        (family.name, family.type, frozenset(label for s in family.samples for label in s.labels) - {"le"})
        for family in text_string_to_metric_families(exposition)
        if not family.name.endswith("_created")
    }
    row = re.compile(r"^\| `(?P<name>\w+)` \| (?P<type>\w+) \|(?P<labels>[^|]*)\|", re.MULTILINE)

    documented = {
        (
            match["name"].removesuffix("_total"),
            match["type"],
            frozenset(re.findall(r"`(\w+)`", match["labels"])),
        )
        for match in row.finditer(DOCUMENT.read_text(encoding="utf-8"))
    }

    assert documented == exposed


def test_openmetrics_is_served_to_those_who_ask(exposition: str):
    with serving(create_app(two_providers(), Log().emit, transport=Network())) as url:
        plain = http.get(f"{url}/metrics")
        openmetrics = http.get(f"{url}/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})

    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")


def test_two_services_in_one_process_count_for_themselves():
    first, second = Metrics("1", list), Metrics("1", list)

    assert first.registry is not second.registry


class Seconds:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def circuits(*names: str) -> list[CircuitView]:
    return [CircuitView(name, State.CLOSED, None, 0) for name in names]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_circuit_is_open_from_its_opening_until_it_is_closed_again():
    clock = Seconds()
    metrics = Metrics("1", lambda: circuits("alpha"), clock=clock)

    read = []
    steps = [(10.0, State.OPEN), (70.0, State.HALF_OPEN), (75.0, State.OPEN), (100.0, State.CLOSED), (130.0, None)]
    for clock.now, to in steps:
        if to is not None:
            cause = Cause.THRESHOLD
            metrics.observe(CircuitChanged(provider="alpha", from_=State.CLOSED, to=to, cause=cause, failures=0))
        read.append(value(metrics, "metis_llm_circuit_open_seconds_total", provider="alpha"))

    assert read == [0.0, 60.0, 65.0, 90.0, 90.0]


def test_a_change_of_the_order_moves_the_places_at_the_next_scrape():
    order = ["alpha", "beta"]
    metrics = Metrics("1", lambda: circuits(*order))

    before = value(metrics, "metis_llm_chain_position", provider="beta")
    order.reverse()

    assert (before, value(metrics, "metis_llm_chain_position", provider="beta")) == (1.0, 0.0)


def test_attempts_after_the_first_are_retries():
    metrics = Metrics("1", list)

    for number in (1, 2, 3):
        metrics.observe(
            AttemptFinished(
                generation_time_ms=1.0,
                request_id="r",
                provider="alpha",
                model="m",
                attempt=number,
                chain_position=0,
                status=AttemptStatus.FAILED,
                reason=Reason.TIMEOUT,
                circuit=State.CLOSED,
            )
        )

    assert value(metrics, "metis_llm_retries_total", provider="alpha") == 2.0


def test_words_that_the_contract_does_not_know_share_one_label():
    metrics = Metrics("1", list)

    for number in range(50):
        metrics.observe(GuardTriggered(request_id="r", guard=f"made up {number}", action=f"{number}", counts={}))
    metrics.observe(GuardTriggered(request_id="r", guard="pii", action="redacted", counts={"email": 2}))

    assert value(metrics, "metis_llm_guard_actions_total", guard="other", action="other") == 50.0
    assert value(metrics, "metis_llm_guard_actions_total", guard="pii", action="redacted") == 1.0


def test_the_guards_time_is_of_the_requests_that_say_it():
    metrics = Metrics("1", list)

    for status, guard_ms in (
        (RequestStatus.SUCCESS, 1.5),
        (RequestStatus.BLOCKED, 30.0),
        (RequestStatus.SUCCESS, None),
    ):
        ended = RequestFinished(
            request_id="r",
            status=status,
            provider=None,
            attempts=0,
            fallbacks=0,
            total_ms=50.0,
            wasted_ms=0.0,
            guard_ms=guard_ms,
        )
        metrics.observe(ended)

    assert value(metrics, "metis_llm_guard_duration_seconds_count") == 2.0
    assert value(metrics, "metis_llm_guard_duration_seconds_sum") == pytest.approx(0.0315)
    assert value(metrics, "metis_llm_guard_duration_seconds_bucket", le="0.002") == 1.0


def test_the_newest_event_has_its_time():
    metrics = Metrics("1", list, wall=lambda: 1_772_000_000.5)

    metrics.observe(GuardTriggered(request_id="r", guard="pii", action="redacted", counts={}))

    assert value(metrics, "metis_llm_last_event_timestamp_seconds") == 1_772_000_000.5


@pytest.mark.skipif(promtool.find() is None, reason=promtool.ABSENT)
def test_promtool_finds_nothing_wrong_with_names_units_and_help(exposition: str):
    served = "".join(line for line in exposition.splitlines(keepends=True) if "_created" not in line)  # as serve does

    checked = promtool.run("check", "metrics", given=served)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
