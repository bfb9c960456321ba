"""What a response means: reasons by status and body, Retry-After, answers and streams cut anywhere."""

import json
from datetime import UTC, datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.adapters import ADAPTERS
from resilience.adapters.base import LONGEST_WISH_S, failure, retry_after_s, token_count
from resilience.chat import Completion, Usage
from resilience.errors import ProviderError
from resilience.events import Reason
from tests.resilience.scripted import anthropic_answer, openai_answer

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


def reason(status: int, message: str = "", **error: object) -> Reason:
    body = json.dumps({"error": {"message": message, **error}}).encode()
    return failure(status, httpx2.Headers(), body, NOW).reason


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Reason.BAD_REQUEST),
        (401, Reason.AUTH_ERROR),
        (402, Reason.AUTH_ERROR),
        (403, Reason.AUTH_ERROR),
        (404, Reason.BAD_REQUEST),
        (408, Reason.SERVER_ERROR),
        (413, Reason.CONTEXT_LENGTH),
        (422, Reason.BAD_REQUEST),
        (429, Reason.RATE_LIMITED),
        (500, Reason.SERVER_ERROR),
        (502, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
        (504, Reason.SERVER_ERROR),
        (529, Reason.OVERLOADED),
    ],
)
def test_a_status_alone_gives_the_reason(status: int, expected: Reason) -> None:
    assert reason(status) is expected
    assert failure(status, httpx2.Headers(), b"<html>not json", NOW).reason is expected


def test_the_body_says_it_better_than_the_status() -> None:
    assert reason(400, code="context_length_exceeded") is Reason.CONTEXT_LENGTH
    assert reason(400, "prompt is too long: 250000 tokens") is Reason.CONTEXT_LENGTH
    assert reason(400, code="content_filter") is Reason.CONTENT_FILTER
    assert reason(400, "Output blocked by content filtering policy") is Reason.CONTENT_FILTER
    assert reason(400, "Content Exists Risk") is Reason.CONTENT_FILTER
    assert reason(500, type="overloaded_error") is Reason.OVERLOADED


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after": "Mon, 02 Mar 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e99"}, None),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
        ({"retry-after": "Mon, 02 Mar 2026 12:00:30 +99999999999"}, None),
        ({"retry-after-ms": "1e12"}, None),
        ({}, None),
    ],
)
def test_retry_after_comes_in_seconds_milliseconds_or_as_a_date(
    headers: dict[str, str], expected: float | None
) -> None:
    assert failure(429, httpx2.Headers(headers), b"", NOW).retry_after_s == expected


@given(st.text(st.characters(max_codepoint=255), max_size=40))
def test_a_retry_after_of_any_text_is_a_sensible_wish_or_none(text: str) -> None:
    wish_s = retry_after_s({"retry-after": text, "retry-after-ms": text}, NOW)

    assert wish_s is None or 0 <= wish_s <= LONGEST_WISH_S


def test_a_success_without_an_answer_is_malformed() -> None:
    assert [reason(status) for status in (202, 204, 206)] == [Reason.MALFORMED_RESPONSE] * 3


@pytest.mark.parametrize("tokens", [-1, 1.5, "7", None, True, 10**10, 10**400])
def test_tokens_that_are_no_sensible_number_are_unknown(tokens: object) -> None:
    assert token_count(tokens) is None


@pytest.mark.parametrize("content", [5, ["text"], {"text": "Hi"}])
def test_content_that_is_no_text_is_malformed_rather_than_left_out(content: object) -> None:
    choice = {"message": {"content": content}, "delta": {"content": content}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice]})

    for read in (lambda: ADAPTERS["openai"].completion(body.encode()), lambda: ADAPTERS["openai"].reader().feed(body)):
        with pytest.raises(ProviderError) as caught:
            read()
        assert caught.value.failure.reason is Reason.MALFORMED_RESPONSE


def test_whole_answers_are_read() -> None:
    assert ADAPTERS["openai"].completion(openai_answer().content) == Completion("Hi", "some-model", "stop", Usage(5, 2))
    assert ADAPTERS["anthropic"].completion(anthropic_answer().content) == Completion(
        "Hi", "claude-x", "stop", Usage(5, 2)
    )


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"choices":[]}', b'{"content":1}', b"\xff\xfe", b"[" * 100_000]
)
def test_nonsense_is_a_malformed_response_never_another_exception(kind: str, body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        ADAPTERS[kind].completion(body)

    assert caught.value.failure.reason is Reason.MALFORMED_RESPONSE


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("data", ["", "null", "[1]", "{", "\ud800"])
def test_nonsense_in_a_stream_is_malformed_never_another_exception(kind: str, data: str) -> None:
    reader = ADAPTERS[kind].reader()

    with pytest.raises(ProviderError) as caught:
        reader.feed(data)

    assert caught.value.failure.reason is Reason.MALFORMED_RESPONSE
    assert not reader.finished


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("data", ["{}", '{"type":"ping"}', '{"type":"a newer event"}', '{"choices":[]}'])
def test_what_a_newer_api_adds_to_a_stream_is_passed_over(kind: str, data: str) -> None:
    assert ADAPTERS[kind].reader().feed(data) == []


def test_a_refusal_is_the_callers_reason_in_both_formats() -> None:
    body = openai_answer().content.replace(b'"stop"', b'"content_filter"')
    refusal = anthropic_answer().content.replace(b"end_turn", b"refusal")

    for kind, text in (("openai", body), ("anthropic", refusal)):
        with pytest.raises(ProviderError) as caught:
            ADAPTERS[kind].completion(text)
        assert caught.value.failure.reason is Reason.CONTENT_FILTER


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 503, "message": "upstream"}, Reason.SERVER_ERROR),
        ({"code": "rate_limit_exceeded", "type": "requests"}, Reason.RATE_LIMITED),
        ({"type": "invalid_request_error", "code": None}, Reason.BAD_REQUEST),
        ({"code": "something new"}, Reason.SERVER_ERROR),
    ],
)
def test_an_error_inside_a_200_is_read_by_its_code_and_its_type(error: dict[str, object], expected: Reason) -> None:
    with pytest.raises(ProviderError) as caught:
        ADAPTERS["openai"].completion(json.dumps({"error": error}).encode())

    assert caught.value.failure.reason is expected
