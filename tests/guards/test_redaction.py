"""Secrets are taken out by their shape, and what only looks a little like one stays."""

import time

import pytest

from resilience.guards.pii import redacted
from tests.canaries import CANARIES


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("around", ["{}", "reason: {} (by hand)", '{{"text":"{}"}}', "a={},b", "x {}\ny", "x\\n{}\\ny"])
def test_a_secret_leaves_a_placeholder(canary: str, around: str) -> None:
    found = redacted(around.format(canary))

    assert CANARIES[canary] not in found
    assert "[" in found


@pytest.mark.parametrize(
    "text",
    [
        "LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s",
        '{"request_id":"02109cb720fd2dce","model":"x-ai/grok-4-fast","prompt_tokens":18,"completion_tokens":62}',
        "METIS_LLM_RETRY_BASE_DELAY: 1.0 → 2.0",
        "first_token_timeout after 45s, 12 tokens",
        "see https://status.openai.com and task-force@home",
        "the risk-averse ask-me-anything desk-research-notes",
        "2026-03-02T09:00:01.250Z INFO:src.integrations.llm.unified_client:",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_redacting_twice_changes_nothing_more() -> None:
    once = redacted("  ".join(CANARIES))

    assert redacted(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "eyJ",
        "sk-",
        "a@",
        ".",
        "://a:",
        "token=",
        "-----BEGIN PRIVATE KEY-----",
        "a.",
        "0 ",
        "+1 ",
        "1.1.1.1.",
        "::",
        "[",
        "a@b.co ",
    ],
)
def test_a_long_hostile_line_takes_no_more_than_its_length(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        started = time.process_time()
        redacted(text)
        return time.process_time() - started

    short, long = min(seconds(20_000) for _ in range(3)), min(seconds(200_000) for _ in range(3))

    assert long < 40 * short + 0.05  # ten times the text; a quadratic pattern would take a hundred times as long
