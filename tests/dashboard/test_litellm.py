"""A LiteLLM proxy's JSON lines are calls, requests and rejects like those of any other log.

The lines are composed after LiteLLM's own documentation of StandardLoggingPayload and of its JSON formatter.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.ingest import Ingest
from dashboard.live.reasons import reasons
from dashboard.stats import document
from dashboard.store import Store
from dashboard.window import Window
from tests.dashboard.test_parsing import EVENT, read

BEGAN_S = 1772445600.0  # 2026-03-02T10:00:00Z
PROMPT = "my card is 4111 1111 1111 1111"


def payload(**changes: Any) -> dict[str, Any]:
    """One call as the proxy's callbacks get it."""
    return {
        "id": "chatcmpl-1",
        "trace_id": "trace-1",
        "call_type": "acompletion",
        "stream": False,
        "cache_hit": None,
        "status": "success",
        "custom_llm_provider": "openai",
        "response_cost": 0.00021,
        "total_tokens": 30,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "startTime": BEGAN_S,
        "endTime": BEGAN_S + 1.25,
        "completionStartTime": BEGAN_S + 0.5,
        "response_time": 1.25,
        "model": "gpt-5.4-mini",
        "model_group": "chat",
        "api_base": "https://api.openai.com/v1",
        "metadata": {"user_api_key_alias": "team", "requester_ip_address": "10.0.0.1"},
        "messages": [{"role": "user", "content": PROMPT}],
        "response": {"choices": [{"message": {"content": PROMPT}}]},
        "error_str": None,
        "error_information": {"error_code": "", "error_class": "", "llm_provider": ""},
        "model_parameters": {"temperature": 0.2},
        "hidden_params": {"model_id": "m1"},
    } | changes


def failure(code: str, error_class: str, **changes: Any) -> dict[str, Any]:
    """One call that failed."""
    error = {"error_code": code, "error_class": error_class, "llm_provider": "openai", "error_message": PROMPT}
    return payload(status="failure", error_information=error, error_str=PROMPT, response=None, **changes)


def line(value: Any) -> str:
    """As json.dumps writes it, which is what LiteLLM uses."""
    return json.dumps(value)


def test_a_payload_is_an_attempt_with_its_own_time() -> None:
    [event], rejects, [kept] = read(line(payload()))

    assert rejects == []
    assert (event["event"], event["provider"], event["model"]) == ("LLM_ATTEMPT", "openai", "gpt-5.4-mini")
    assert (event["request_id"], event["status"], event["generation_time_ms"]) == ("trace-1", "success", 1250.0)
    assert event["at"].timestamp() == BEGAN_S + 1.25
    assert (kept["at"], kept["at_inferred"], kept["level"], kept["event"]) == (
        *(event["at"], False, "INFO", "LLM_ATTEMPT"),
    )


def test_what_is_not_told_stays_unknown() -> None:
    [event], _, _ = read(line(payload()))

    for column in ("circuit", "attempt", "chain_position", "config_version", "reason", "http_status"):
        assert event[column] is None or event[column] != event[column], column


def test_no_text_of_a_payload_becomes_a_field_of_an_event() -> None:
    events, rejects, _ = read(
        line(payload()), line(failure("500", "InternalServerError")), line(payload(status=PROMPT))
    )

    assert PROMPT not in repr(events)
    assert [reject["reason"] for reject in rejects] == ["LiteLLM: status must be success or failure"]


@pytest.mark.parametrize(
    ("code", "error_class", "reason"),
    [
        ("429", "RateLimitError", "rate_limited"),
        ("408", "Timeout", "timeout"),
        ("401", "AuthenticationError", "auth_error"),
        ("403", "PermissionDeniedError", "auth_error"),
        ("400", "BadRequestError", "bad_request"),
        ("400", "ContextWindowExceededError", "context_length"),
        ("400", "ContentPolicyViolationError", "content_filter"),
        ("500", "InternalServerError", "server_error"),
        ("503", "ServiceUnavailableError", "server_error"),
        ("500", "APIConnectionError", "connect_error"),
        ("529", "APIError", "overloaded"),
        ("502", "SomethingNew", "server_error"),
        ("418", "SomethingNew", "bad_request"),
        ("", "SomethingNew", None),
    ],
)
def test_a_failure_has_one_of_the_core_s_reasons(code: str, error_class: str, reason: str | None) -> None:
    [event], _, [kept] = read(line(failure(code, error_class)))

    assert event["status"] == "failed"
    assert (event["reason"] if isinstance(event["reason"], str) else None) == reason
    assert (int(event["http_status"]) if code else "") == (int(code) if code else "")
    assert kept["level"] == "ERROR"


def test_a_failure_before_any_provider_is_no_attempt() -> None:
    refused = failure("429", "ProxyRateLimitError", custom_llm_provider=None)
    refused["error_information"]["llm_provider"] = ""

    [event], rejects, _ = read(line(refused))

    assert (event["event"], event["reason"], rejects) == ("LITELLM_REFUSED", "rate_limited", [])


def test_an_answer_from_the_cache_is_no_attempt() -> None:
    [event], _, _ = read(line(payload(cache_hit=True)))

    assert event["event"] == "LITELLM_CACHE_HIT"


def test_calls_of_one_trace_are_one_request_and_another_provider_is_a_fallback(tmp_path: Path) -> None:
    log = tmp_path / "litellm.log"
    second = {"id": "chatcmpl-2", "startTime": BEGAN_S + 2, "endTime": BEGAN_S + 3}
    lines = [
        line(failure("503", "ServiceUnavailableError")),
        line(
            {"message": "Falling back to model_group = claude", "level": "INFO", "timestamp": "2026-03-02T10:00:01.9"}
        ),
        line(payload(custom_llm_provider="anthropic", model="claude-sonnet-5-5", **second)),
        line(payload(id="chatcmpl-3", trace_id="trace-2", startTime=BEGAN_S + 4, endTime=BEGAN_S + 4.5)),
        line(failure("500", "InternalServerError", id="chatcmpl-4", trace_id="trace-3")),
    ]
    log.write_text("\n".join(lines) + "\n")
    store = Store.open(None)
    Ingest(store, [str(log)], follow=False).run_once()

    found = document(store)

    assert (found["events"], found["rejects"]) == (5, 0)
    assert found["providers"]["openai"]["attempts"] == 3
    assert found["providers"]["anthropic"]["success"] == 1
    requests = found["requests"]
    assert (requests["total"], requests["success"], requests["failed"]) == (3, 2, 1)
    assert (requests["with_fallback"], requests["derived"]) == (1, True)
    assert found["fallbacks"] == {"total": 1, "by_reason": {"unknown": 1}, "by_pair": {"unknown->unknown": 1}}
    assert {name: circuit["state"] for name, circuit in found["circuits"].items()} in (
        *({}, {"openai": "UNKNOWN", "anthropic": "UNKNOWN"}),
    )
    whole = Window.of(*store.extent())  # type: ignore[misc]  # there are events
    assert reasons(store.read("fallbacks_by_reason", whole), store.read("failures_by_reason", whole))
    store.close()


def test_a_line_of_the_proxy_s_own_log_has_its_time_and_level() -> None:
    own = {"message": "Wrapped message", "level": "WARNING", "timestamp": "2026-03-02T10:00:01.250000"}

    events, rejects, [kept] = read(line(own))

    assert (events, rejects) == ([], [])
    assert (kept["at"].timestamp(), kept["at_inferred"], kept["level"]) == (BEGAN_S + 1.25, False, "WARNING")


def test_a_payload_inside_the_proxy_s_own_log_is_read_too() -> None:
    # The formatter lifts the fields of a message that is JSON, all but the trace's id.
    told = {"message": line(payload()), "level": "INFO", "timestamp": "2026-03-02T10:00:02"} | payload()
    del told["trace_id"]

    [event], rejects, _ = read(line(told))

    assert (event["event"], event["request_id"], rejects) == ("LLM_ATTEMPT", "chatcmpl-1", [])


def test_times_as_text_are_read_as_utc() -> None:
    times = {"startTime": "2026-03-02T10:00:00", "endTime": "2026-03-02T11:00:01+01:00"}

    [event], _, _ = read(line(payload(**times)))

    assert (event["at"].timestamp(), event["generation_time_ms"]) == (BEGAN_S + 1, 1000.0)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (line(payload())[:-1], "not valid"),
        (line(payload())[:-30], "not valid"),
        (line(payload()) + " trailing", "not valid"),
        (line(payload(startTime=float("nan"))), "startTime and endTime must be"),
        (line(payload(status="maybe")), "status must be"),
        (line(payload(status=None)), "status must be"),
        (line(payload(status={"a": 1})), "status must be"),
        (line(payload(id=None, trace_id=None)), "id must be text"),
        (line(payload(startTime="yesterday")), "startTime and endTime must be"),
        (line(payload(endTime=None)), "startTime and endTime must be"),
        (line(payload(startTime=1e300)), "startTime and endTime must be"),
        (line(payload(startTime=-1e300)), "startTime and endTime must be"),
        (line(payload(endTime="2026-99-99T10:00:00")), "startTime and endTime must be"),
        (line(payload(startTime=BEGAN_S + 60)), "endTime must not be before"),
        (line(payload(custom_llm_provider="<img src=x>")), "provider's name"),
        (line(payload(custom_llm_provider="a" * 100)), "provider's name"),
        (line(payload(custom_llm_provider="\x1b[31mred")), "provider's name"),
        (line(payload(custom_llm_provider=None)), "custom_llm_provider must be there"),
    ],
)
def test_a_payload_that_breaks_a_rule_is_a_reject_with_its_place(broken: str, rule: str) -> None:
    events, [reject], _ = read("an other line", broken, line(payload()))

    assert len(events) == 1
    assert (reject["offset"], rule in reject["reason"]) == (len("an other line\n"), True), reject["reason"]
    assert broken.startswith(reject["start"])


@pytest.mark.parametrize(
    "other",
    [
        "{}",
        "{" * 5000,
        '{"a":' * 3000 + "1" + "}" * 3000,
        line({"metric": "x", "value": 1, "timestamp": "not a time at all"}),
        line({"metric": "x", "value": 1, "timestamp": 1e12}),
        line({"message": line(payload()), "name": "another program's log"}),
        line({"said": {"call_type": "x", "startTime": 1.0, "status": "success"}}),
        line([payload()]),
        " " + line(payload()),
        "2026-03-02 10:00:00,000 INFO:app:" + line(payload()),
        json.dumps(payload(), indent=4).splitlines()[1],
    ],
)
def test_another_line_is_neither_event_nor_reject(other: str) -> None:
    events, rejects, lines = read(other, EVENT)

    assert [event["event"] for event in events] == ["FALLBACK"]
    assert rejects == []
    assert len(lines) == 2


def test_both_formats_may_stand_in_one_file() -> None:
    events, rejects, _ = read(EVENT, line(payload()), EVENT, line(failure("429", "RateLimitError")))

    assert [event["event"] for event in events] == ["FALLBACK", "LLM_ATTEMPT", "FALLBACK", "LLM_ATTEMPT"]
    assert rejects == []
