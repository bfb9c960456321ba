"""Text from outside at its worst, and logs that hold it in every field that can."""

from dataclasses import replace
from datetime import UTC, datetime

from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    GuardTriggered,
    Origin,
    ProviderInitialized,
    ProvidersExhausted,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    ServiceStarted,
    State,
    Tried,
    to_line,
)

AT_S = 1_772_442_000.0

# What the greps look for, alone and in the order in which a regular expression joins them.
WORDS = [
    "success", "failed", "LLM_ATTEMPT", "LLM_ATTEMPT: provider=openrouter, status=success", "LLM_ATTEMPT failed",
    "Falling back to provider", "Falling back", "PRIMARY", "(PRIMARY)", "circuit OPEN", "circuit open", "circuit",
    "circuit HALF_OPEN", "circuit CLOSED", "OPEN", "CLOSED", "HALF_OPEN", "generation_time_ms", "ERROR",
    "provider: openrouter ERROR", "Opening circuit breaker for provider: openrouter", "Opening circuit",
]  # fmt: skip
LOOK_ALIKES = [
    '2026-03-02T09:00:00.000Z INFO:src.integrations.llm.unified_client:LLM_ATTEMPT: status=success {"v":1}',
    "ERROR:src.integrations.llm.unified_client:❌ Circuit breaker OPEN for provider: openrouter",
    '"},"event":"LLM_ATTEMPT","status":"failed","x":{"y":"',
    '{"generation_time_ms":"99999.9","v":1,"event":"LLM_ATTEMPT"}',
    '"}\n{"v":1,"event":"FALLBACK"',
    "\\",
    '\\"',
    "\\u0066ailed",
    "\\\\u0066ailed",
]
CONTROLS = [
    "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "\x08", "\x7f",
    "\x1b[31m", "\x1b]0;t\x07", "\x9b31m", "\u202e", "\u2066", "\u200b", "\u200c", "\ufeff", "😀",
]  # fmt: skip
# A JSON escape may end in a letter: these begin no word by themselves, but the escape before them does.
ESCAPE_MADE = [
    "\x0cailed",
    "\x0failed",
    "\u200fa\x0failed",
    "\u200circuit",
    "\x1circuit OPEN",
    "\u00eccircuit",
    "\ufffcircuit open",
]
PLANTED = [
    *WORDS,
    *LOOK_ALIKES,
    *CONTROLS,
    *ESCAPE_MADE,
    *(f"{control}{word}" for control in ("\n", "\u2028", "\x1b[31m") for word in WORDS + LOOK_ALIKES),
    *(f"x{word}x" for word in WORDS),
]


def events_with(text: str) -> list[Event]:
    """Every kind, with `text` in each field that holds text from outside, in each shape that greps tell apart."""
    succeeded = AttemptFinished(
        generation_time_ms=1234.5,
        request_id=text,
        provider="openrouter",
        model=text,
        attempt=1,
        chain_position=0,
        status=AttemptStatus.SUCCESS,
        circuit=State.CLOSED,
    )
    failed = replace(succeeded, status=AttemptStatus.FAILED, reason=Reason.SERVER_ERROR, http_status=503)
    retried = replace(succeeded, status=AttemptStatus.FAILED, reason=Reason.TIMEOUT, timeout_s=45.0, retrying=True)
    cancelled = replace(succeeded, status=AttemptStatus.CANCELLED, reason=Reason.CANCELLED)
    opened = CircuitChanged(
        provider="openrouter",
        from_=State.CLOSED,
        to=State.OPEN,
        cause=Cause.THRESHOLD,
        failures=3,
        open_until=datetime(2026, 3, 2, 9, 1, tzinfo=UTC),
        trigger_request_ids=(text, f"a{text}", text),
        actor=text,
    )
    request = RequestFinished(
        request_id=text,
        status=RequestStatus.SUCCESS,
        provider="openrouter",
        attempts=1,
        fallbacks=0,
        total_ms=1.0,
        wasted_ms=0.0,
    )
    return [
        succeeded,
        failed,
        retried,
        cancelled,
        opened,
        replace(opened, from_=State.OPEN, to=State.HALF_OPEN, cause=Cause.COOLDOWN_ELAPSED, open_until=None),
        replace(opened, from_=State.HALF_OPEN, to=State.CLOSED, cause=Cause.PROBE_SUCCEEDED, open_until=None),
        request,
        replace(request, status=RequestStatus.EXHAUSTED, provider=None),
        FellBack(request_id=text, from_provider="openrouter", to_provider="anthropic", reason=Reason.TIMEOUT),
        ProvidersExhausted(request_id=text, tried=(Tried("openrouter", Reason.TIMEOUT),)),
        ProviderInitialized(provider="openrouter", model=text, primary=True),
        ProviderInitialized(provider="anthropic", model=text, primary=False),
        ProvidersInitialized(order=("openrouter", "anthropic")),
        ConfigChanged(
            version=2, actor=text, reason=text, origin="api", changes=((text, text, text), ("A", text, f"{text}{text}"))
        ),
        GuardTriggered(request_id=text, guard="pii", action="redacted", counts={text: 1, f"A_{text}": 2}),
        ServiceStarted(version="0.1.0", config_version=1, order=("openrouter",), settings={text: text}),
    ]


def log_of(texts: list[str]) -> list[str]:
    """One line per event and text; each line has a time of its own, so that it can be told from the others."""
    lines: list[str] = []
    for text in texts:
        origin = Origin(service=text, instance=text, pid=7)
        lines += [to_line(event, AT_S + len(lines) + i, origin) for i, event in enumerate(events_with(text))]
    return lines
