"""The log's contract: every kind, every field, to a line and back."""

import json
import re
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.events import (
    KINDS,
    LOGGER,
    SCHEMA,
    AttemptStatus,
    ConfigChanged,
    Event,
    ProviderInitialized,
    Reason,
    State,
    from_line,
    to_line,
)
from tests.resilience.event_strategies import AT_MS, AT_S, EVENTS, EVERY_KIND, HERE, MODEL, ORIGINS, attempt, opening
from tests.resilience.events_doc import documented_fields

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_there_is_a_strategy_for_every_kind():
    assert {kind.kind: kind for kind in EVENTS} == dict(KINDS)


@EVERY_KIND
@given(data=st.data())
@settings(max_examples=25)
def test_an_event_comes_back_from_its_line_as_it_was(kind: type[Event], data: st.DataObject):
    event, at_ms, origin = data.draw(EVENTS[kind]), data.draw(AT_MS), data.draw(ORIGINS)

    record = from_line(to_line(event, at_ms / 1000, origin))

    assert record is not None
    assert (record.event, record.origin) == (event, origin)
    assert record.at == datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    assert (record.level, record.logger, record.message) == (event.severity, LOGGER, event.message())


@EVERY_KIND
@given(data=st.data())
@settings(max_examples=25)
def test_a_line_is_one_line_whose_end_is_strict_ascii_json(kind: type[Event], data: st.DataObject):
    event, at_ms, origin = data.draw(EVENTS[kind]), data.draw(AT_MS), data.draw(ORIGINS)

    line = to_line(event, at_ms / 1000, origin)

    head, brace, rest = line.partition("{")
    body = brace + rest
    assert line.endswith("}\n")
    assert line.splitlines(keepends=True) == [line]
    assert body.isascii()
    assert '"' not in head
    assert re.fullmatch(rf"{TIME} (INFO|WARNING|ERROR):{re.escape(LOGGER)}:.* ", head)
    assert orjson.loads(body) == json.loads(body)


@EVERY_KIND
@given(data=st.data())
@settings(max_examples=25)
def test_the_documented_keys_and_no_others_are_in_the_object(kind: type[Event], data: st.DataObject):
    event, origin = data.draw(EVENTS[kind]), data.draw(ORIGINS)

    payload = json.loads("{" + to_line(event, AT_S, origin).partition("{")[2])

    documented = documented_fields(kind.kind)
    always = {name for name, row in documented.items() if row.always}
    assert always | set(documented_fields("every event")) <= set(payload)
    assert set(payload) <= set(documented) | set(documented_fields("every event"))
    assert (payload["v"], payload["event"], payload["severity"]) == (SCHEMA, kind.kind, event.severity)
    assert (payload["service"], payload["instance"], payload["pid"]) == (origin.service, origin.instance, origin.pid)


def test_generation_time_ms_is_the_first_key_and_text():
    body = "{" + to_line(attempt(), AT_S, HERE).partition("{")[2]

    assert next(iter(json.loads(body).items())) == ("generation_time_ms", "1234.5")


FAILED = {"status": AttemptStatus.FAILED, "http_status": 503, "reason": Reason.SERVER_ERROR}
TIMED_OUT = {"status": AttemptStatus.FAILED, "reason": Reason.TIMEOUT, "timeout_s": 45.0}
APPENDIX = [
    (attempt(generation_time_ms=1200.0), "INFO", "LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s"),
    (attempt(**FAILED), "ERROR", "❌ Provider failed: 503 Service Unavailable"),
    (attempt(**FAILED | {"http_status": 429}), "ERROR", "429 Rate Limit Exceeded"),
    (attempt(**FAILED | {"http_status": 401}), "ERROR", "401 Unauthorized"),
    (attempt(**TIMED_OUT), "ERROR", "Timeout after 45s"),
    (attempt(**TIMED_OUT, retrying=True), "WARNING", "⚠️ Provider timeout after 45s, attempting retry"),
    (opening(), "ERROR", "❌ Circuit breaker OPEN for provider: openrouter"),
    (opening(), "ERROR", "Opening circuit breaker for provider: openrouter"),
    (opening(to=State.HALF_OPEN), "WARNING", "⚠️ Circuit breaker HALF_OPEN for provider: openrouter (testing)"),
    (
        ProviderInitialized(provider="openrouter", model=MODEL, primary=True),
        "INFO",
        "✅ OpenRouter/Grok-4-Fast provider initialized (PRIMARY)",
    ),
    (
        ProviderInitialized(provider="anthropic", model="claude", primary=False),
        "INFO",
        "✅ Claude/Anthropic provider initialized",
    ),
    (ProviderInitialized(provider="deepseek", model="d", primary=False), "INFO", "✅ DeepSeek provider initialized"),
    (
        KINDS["PROVIDERS_INITIALIZED"](order=("openrouter", "anthropic", "deepseek", "openai")),
        "INFO",
        "✅ LLM providers initialized: ['openrouter', 'anthropic', 'deepseek', 'openai']",
    ),
    (
        KINDS["FALLBACK"](request_id="r1", from_provider="openrouter", to_provider="anthropic", reason=Reason.TIMEOUT),
        "WARNING",
        "⚠️ Falling back to provider: anthropic (reason: timeout)",
    ),
    (
        KINDS["PROVIDERS_EXHAUSTED"](request_id="r1", tried=()),
        "ERROR",
        "❌ All providers exhausted - no fallback available",
    ),
]


@pytest.mark.parametrize(("event", "level", "words"), APPENDIX, ids=lambda value: str(value)[:40])
def test_the_runbooks_messages_stand_word_for_word(event: Event, level: str, words: str):
    line = to_line(event, AT_S, HERE)

    assert line.startswith(f"2025-10-09T08:53:20.123Z {level}:{LOGGER}:")
    assert words in line.partition("{")[0]


@pytest.mark.parametrize("bad", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_is_none_never_reaches_the_file(bad: float):
    event = attempt(**FAILED, retry_after_s=bad, ttft_ms=bad)

    line = to_line(event, AT_S, HERE)

    assert "retry_after_s" not in orjson.loads("{" + line.partition("{")[2])
    assert from_line(line).event == attempt(**FAILED)


def test_numbers_are_rounded_to_what_the_docs_say():
    line = to_line(attempt(generation_time_ms=1000 / 3, ttft_ms=200 / 3), AT_S, HERE)

    assert from_line(line).event == attempt(generation_time_ms=333.3, ttft_ms=66.667)


@pytest.mark.parametrize(
    ("text", "comes_back"), [("\ud800", "�"), ("a\udc00b", "a�b"), ("\\ud800", "\\ud800"), ("😀", "😀")], ids=ascii
)
@pytest.mark.parametrize(
    "event_with",
    [
        lambda text: attempt(model=text),
        lambda text: opening(trigger_request_ids=("r1", text)),
        lambda text: ConfigChanged(version=2, actor="a", reason="r", origin="api", changes=((text, text, text),)),
    ],
    ids=["in a text", "in a list", "in an object"],
)
def test_text_that_is_no_unicode_is_replaced_so_that_any_json_reader_takes_the_line(event_with, text, comes_back):
    line = to_line(event_with(text), AT_S, HERE)

    orjson.loads("{" + line.partition("{")[2])
    assert from_line(line).event == event_with(comes_back)
