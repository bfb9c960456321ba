"""Events to test with: two plain ones, and Hypothesis strategies for every kind over all fields."""

from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st

from resilience.events import (
    PROVIDER_NAME,
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
    ServiceStopped,
    State,
    Tried,
)

AT_S = 1_760_000_000.123
HERE = Origin("metis-llm", "host-1", 4711)
MODEL = "x-ai/grok-4-fast"


def attempt(**values: object) -> AttemptFinished:
    """A plain successful attempt, changed by `values`."""
    plain: dict = {
        "generation_time_ms": 1234.5,
        "request_id": "r1",
        "provider": "openrouter",
        "model": MODEL,
        "attempt": 1,
        "chain_position": 0,
        "status": AttemptStatus.SUCCESS,
        "circuit": State.CLOSED,
    }
    return AttemptFinished(**plain | values)


def opening(**values: object) -> CircuitChanged:
    """An opening at the threshold, changed by `values`."""
    plain: dict = {
        "provider": "openrouter",
        "from_": State.CLOSED,
        "to": State.OPEN,
        "cause": Cause.THRESHOLD,
        "failures": 3,
        "open_until": datetime(2026, 3, 2, 9, 1, tzinfo=UTC),
        "trigger_request_ids": ("r1", "r2"),
    }
    return CircuitChanged(**plain | values)


TEXT = st.text(max_size=30)
"""Free text: any Unicode that UTF-8 can carry."""

PROVIDERS = st.sampled_from(["openrouter", "anthropic", "deepseek", "openai"]) | st.from_regex(
    PROVIDER_NAME, fullmatch=True
)
COUNTS = st.integers(0, 10**9)
ORDERS = st.lists(PROVIDERS, max_size=5).map(tuple)
# Times and numbers at the resolution of the log.
MILLISECONDS = st.integers(0, 10**9).map(lambda us: us / 1000)
SECONDS = st.integers(0, 10**7).map(lambda ms: ms / 1000)
AT_MS = st.integers(946_684_800_000, 4_102_444_799_999)  # 2000 to 2099
UTC_TIMES = AT_MS.map(lambda ms: datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000))
ORIGINS = st.builds(Origin, service=TEXT, instance=TEXT, pid=COUNTS)
LABELS = st.from_regex(r"[a-z][a-z_]{0,15}", fullmatch=True)


def perhaps(strategy: st.SearchStrategy) -> st.SearchStrategy:
    """The strategy's values, or None."""
    return st.none() | strategy


EVENTS: dict[type[Event], st.SearchStrategy[Event]] = {
    AttemptFinished: st.builds(
        AttemptFinished,
        generation_time_ms=st.integers(0, 10**7).map(lambda tenths: tenths / 10),
        request_id=TEXT,
        provider=PROVIDERS,
        model=TEXT,
        attempt=st.integers(1, 100),
        chain_position=st.integers(0, 100),
        status=st.sampled_from(AttemptStatus),
        reason=perhaps(st.sampled_from(Reason)),
        http_status=perhaps(st.integers(100, 599)),
        retry_after_s=perhaps(SECONDS),
        timeout_s=perhaps(SECONDS),
        retrying=perhaps(st.booleans()),
        ttft_ms=perhaps(MILLISECONDS),
        streamed=st.booleans(),
        prompt_tokens=perhaps(COUNTS),
        completion_tokens=perhaps(COUNTS),
        config_version=perhaps(COUNTS),
        circuit=st.sampled_from(State),
    ),
    RequestFinished: st.builds(
        RequestFinished,
        request_id=TEXT,
        status=st.sampled_from(RequestStatus),
        provider=perhaps(PROVIDERS),
        attempts=COUNTS,
        fallbacks=COUNTS,
        total_ms=MILLISECONDS,
        wasted_ms=MILLISECONDS,
        reason=perhaps(st.sampled_from(Reason)),
        config_version=perhaps(COUNTS),
    ),
    FellBack: st.builds(
        FellBack, request_id=TEXT, from_provider=PROVIDERS, to_provider=PROVIDERS, reason=st.sampled_from(Reason)
    ),
    CircuitChanged: st.builds(
        CircuitChanged,
        provider=PROVIDERS,
        from_=st.sampled_from(State),
        to=st.sampled_from(State),
        cause=st.sampled_from(Cause),
        failures=COUNTS,
        open_until=perhaps(UTC_TIMES),
        trigger_request_ids=st.lists(TEXT, max_size=4).map(tuple),
        actor=perhaps(TEXT),
        reason=perhaps(TEXT),
    ),
    ProvidersExhausted: st.builds(
        ProvidersExhausted,
        request_id=TEXT,
        tried=st.lists(st.builds(Tried, provider=PROVIDERS, reason=st.sampled_from(Reason)), max_size=5).map(tuple),
    ),
    ProviderInitialized: st.builds(ProviderInitialized, provider=PROVIDERS, model=TEXT, primary=st.booleans()),
    ProvidersInitialized: st.builds(ProvidersInitialized, order=ORDERS),
    ConfigChanged: st.builds(
        ConfigChanged,
        version=COUNTS,
        actor=TEXT,
        reason=TEXT,
        origin=st.sampled_from(["api", "env_file", "timer", "fleet"]),
        changes=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=4).map(tuple),
    ),
    GuardTriggered: st.builds(
        GuardTriggered,
        request_id=TEXT,
        guard=LABELS,
        action=st.sampled_from(["redacted", "blocked", "flagged"]),
        counts=st.dictionaries(LABELS, COUNTS, max_size=4),
    ),
    ServiceStarted: st.builds(
        ServiceStarted,
        version=st.from_regex(r"\d{1,3}\.\d{1,3}\.\d{1,3}", fullmatch=True),
        config_version=COUNTS,
        order=ORDERS,
        settings=perhaps(st.dictionaries(TEXT, TEXT, max_size=4)),
    ),
    ServiceStopped: st.builds(
        ServiceStopped,
        version=st.from_regex(r"\d{1,3}\.\d{1,3}\.\d{1,3}", fullmatch=True),
        config_version=COUNTS,
        order=ORDERS,
        settings=perhaps(st.dictionaries(TEXT, TEXT, max_size=4)),
    ),
}

EVERY_KIND = pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.kind)
