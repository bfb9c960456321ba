"""Each metric against the same number computed by hand, on logs composed by chance."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard import metrics, queries
from dashboard.guard_metrics import ACTIONS, GUARDS, PARTS
from dashboard.lines import Checkpoint, LineSplitter
from dashboard.parsing import parse
from dashboard.store import Store
from dashboard.window import Window, WindowError
from resilience.events import (
    AttemptFinished,
    Event,
    FellBack,
    GuardTriggered,
    Origin,
    ProvidersExhausted,
    RequestFinished,
    ServiceStarted,
    to_line,
)
from tests.composed_log import CHAIN, a_request, a_transition, an_attempt, another, start_lines
from tests.dashboard.recount import Logged, Row, at_ms, recount

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORIGIN = Origin("metis", "host-1", 7)
METRICS = sorted(set(metrics.__all__) - {"Window", "WindowError", "raw_lines"})
EVENTS = 600


def composed(seed: int, *, without: tuple[type[Event], ...] = ()) -> list[Logged]:
    rng = random.Random(seed)
    makers = [an_attempt, an_attempt, an_attempt, a_request, a_transition, another]
    restart = ServiceStarted(version="1", config_version=1, order=CHAIN)
    events: list[Event] = [restart, *start_lines(CHAIN)] if rng.random() < 0.7 else []
    events += [restart if rng.random() < 0.01 else rng.choice(makers)(rng) for _ in range(EVENTS)]
    # The log keeps three decimals.
    events = [
        replace(
            event,
            total_ms=round(event.total_ms, 3),
            wasted_ms=round(event.wasted_ms, 3),
            guard_ms=rng.choice((None, round(rng.random() * 20, 3))),
            config_version=rng.choice((None, 1, 2)),
        )
        if isinstance(event, RequestFinished)
        else event
        for event in events
    ]
    # Of some attempts the provider counted tokens.
    events = [
        replace(event, prompt_tokens=rng.choice((None, 12)), completion_tokens=rng.choice((None, 30)))
        if isinstance(event, AttemptFinished)
        else event
        for event in events
    ]
    events = [_as_a_guard_may(rng, event) if isinstance(event, GuardTriggered) else event for event in events]
    times = sorted(rng.sample(range(3_600_000), len(events)))
    return [
        Logged(at_ms(START, ms), event) for ms, event in zip(times, events, strict=True) if type(event) not in without
    ]


def _as_a_guard_may(rng: random.Random, event: GuardTriggered) -> GuardTriggered:
    return replace(
        event,
        request_id=f"r{rng.randrange(12)}",
        guard=rng.choice((*GUARDS, "grounding", "made up")),
        action=rng.choice((*ACTIONS, "sang")),
        where=rng.choice((None, *PARTS, "elsewhere")),
        counts={f"kind {rng.randrange(30)}": rng.choice((0, 1, 2, 7, -3, 2**70)) for _ in range(rng.randrange(9))},
    )


def stored(lines: Sequence[str]) -> Store:
    data = "".join(lines).encode()
    batch = LineSplitter("s").feed(data, 0, read_at=START, live=False)
    assert batch is not None
    store = Store.open(None)
    store.append(parse(batch), Checkpoint("s", "f", len(data), len(data)))
    return store


def store_of(log: Sequence[Logged]) -> Store:
    return stored([to_line(entry.event, entry.at.timestamp(), ORIGIN) for entry in log])


def answer(store: Store, metric: str, window: Window, now: datetime) -> list[Row]:
    """The compiled query's rows."""
    return store.rows(metric, None if metric == "order_now" else window, now if metric in queries.OF_A_MOMENT else None)


def alike(rows: Sequence[Row]) -> list[Any]:
    """Rows to compare: in an order of their own, floats to nine digits."""
    plain = [{name: _plain(value) for name, value in sorted(row.items())} for row in rows]
    return sorted(plain, key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return float(f"{value:.9g}") if isinstance(value, float) else value


def windows() -> list[tuple[Window, datetime]]:
    hour = Window.of(START, START + timedelta(hours=1))
    part = Window.of(START + timedelta(minutes=20), START + timedelta(minutes=35, seconds=7))
    return [(hour, hour.end), (part, part.end), (part, part.start + timedelta(minutes=9))]


@pytest.mark.parametrize("seed", range(4))
def test_every_metric_equals_a_count_by_hand(seed: int) -> None:
    log = composed(seed)
    store = store_of(log)

    for window, now in windows():
        expected = recount(log, window, now)
        for metric in METRICS:
            assert alike(answer(store, metric, window, now)) == alike(expected[metric]), (metric, window)
    store.close()


@pytest.mark.parametrize("seed", range(4))
def test_a_log_without_requests_has_them_derived_from_its_steps(seed: int) -> None:
    rng = random.Random(seed)
    steps = (AttemptFinished, FellBack, ProvidersExhausted)
    log = [
        Logged(entry.at, _with_id(entry.event, f"r{rng.randrange(200)}"))
        for entry in composed(seed)
        if isinstance(entry.event, steps)
    ]
    store = store_of(log)

    window, now = windows()[0]
    expected = recount(log, window, now)
    for metric in ("request_summary", "requests_by_bucket"):
        assert alike(answer(store, metric, window, now)) == alike(expected[metric])
    assert expected["request_summary"][0]["derived"] is True
    store.close()


def _with_id(event: Event, request_id: str) -> Event:
    return replace(event, request_id=request_id)  # type: ignore[call-arg]  (each of these kinds has one)


def test_the_compiled_queries_say_what_the_expressions_say() -> None:
    log = composed(5)
    store = store_of(log)
    window, now = windows()[1]

    for metric in METRICS:
        arguments = [now] if metric == "order_now" else [window, now] if metric in queries.OF_A_MOMENT else [window]
        expression = getattr(metrics, metric)(store.events, *arguments)
        by_ibis = store.run(expression).to_dict("records")
        assert alike(_without_nan(by_ibis)) == alike(_without_nan(answer(store, metric, window, now))), metric
    store.close()


def _without_nan(rows: Sequence[Row]) -> list[Row]:
    return [
        {
            name: list(value) if hasattr(value, "__len__") and not isinstance(value, str) else _known(value)
            for name, value in row.items()
        }
        for row in rows
    ]


def _known(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def test_the_compiled_queries_are_those_of_the_expressions() -> None:
    assert queries.FILE.read_text("utf-8") == queries.compiled(), "run `python -m dashboard.queries`"


def test_a_window_without_events_has_one_summary_row_and_unknown_rates() -> None:
    store = store_of(composed(1))
    later = Window.of(START + timedelta(days=1), START + timedelta(days=2))

    [summary] = store.rows("request_summary", later)

    assert summary == {
        **dict.fromkeys(("total", "success", "failed", "with_fallback", "cancelled", "blocked", "rejected"), 0),
        **dict.fromkeys(("error_rate", "fallback_rate", "p50_ms", "p95_ms")),
        "wasted_ms": 0.0,
        "derived": False,
    }
    assert store.rows("attempts_by_bucket", later) == []
    store.close()


def test_a_log_with_a_thousand_kinds_has_ten_rows_and_one_for_the_rest() -> None:
    counts = {f"kind {number}": 1000 - number for number in range(1000)}
    event = GuardTriggered(request_id="r", guard="injection", action="blocked", counts=counts, where="input")
    store = store_of([Logged(START, event)])

    rows = store.rows("guard_findings", Window.of(START, START + timedelta(minutes=1)))

    assert [(row["kind"], row["n"]) for row in rows[:10]] == [(f"kind {place}", 1000 - place) for place in range(10)]
    assert [(row["kind"], row["kinds"], row["n"]) for row in rows[10:]] == [(None, 990, sum(range(1, 991)))]
    store.close()


# Plain logs


WINDOW = Window.of(START - timedelta(hours=1), START + timedelta(hours=1))


def line(second: int, message: str) -> str:
    at = START + timedelta(seconds=second)
    return f"{at:%Y-%m-%d %H:%M:%S},000 INFO:src.integrations.llm.unified_client:{message}\n"


def attempt(second: int, provider: str, status: str, latency_s: float) -> str:
    return line(second, f"LLM_ATTEMPT: provider={provider}, status={status}, latency={latency_s}s")


def test_in_a_plain_log_each_success_and_each_exhaustion_ends_a_request() -> None:
    store = stored(
        [
            attempt(0, "openrouter", "success", 1.0),
            attempt(1, "openrouter", "failed", 2.0),
            line(1, "⚠️ Falling back to provider: anthropic (reason: timeout)"),
            attempt(2, "anthropic", "success", 0.5),
            attempt(3, "openrouter", "failed", 4.0),
            line(4, "❌ All providers exhausted - no fallback available"),
            attempt(5, "openrouter", "failed", 8.0),  # has not ended yet
        ]
    )
    [summary] = store.rows("request_summary", WINDOW)

    numbers = {name: summary[name] for name in ("total", "success", "failed", "with_fallback", "wasted_ms", "derived")}
    assert numbers == {
        "total": 3,
        "success": 2,
        "failed": 1,
        "with_fallback": 1,
        "wasted_ms": 6000.0,
        "derived": True,
    }
    assert summary["p50_ms"] == 2500.0
    store.close()


def test_a_plain_attempts_reason_is_that_of_the_failure_line_after_it() -> None:
    store = stored(
        [
            attempt(0, "openrouter", "failed", 1.0),
            line(0, "❌ Provider failed: 503 Service Unavailable"),
            attempt(1, "openrouter", "failed", 45.0),
            line(1, "⚠️ Provider timeout after 45s, attempting retry"),
            attempt(2, "deepseek", "failed", 1.0),
            attempt(3, "anthropic", "success", 1.0),
            line(4, "Provider openai timeout after 45s"),
        ]
    )
    rows = store.rows("failures_by_reason", WINDOW)

    assert {(row["provider"], row["reason"], row["http_status"], row["n"]) for row in rows} == {
        ("openrouter", "server_error", 503, 1),
        ("openrouter", "timeout", None, 1),
        ("deepseek", None, None, 1),
        ("openai", "timeout", None, 1),
    }
    store.close()


def test_two_lines_of_one_opening_are_one_transition_and_a_success_shows_the_closing() -> None:
    store = stored(
        [
            attempt(0, "openrouter", "success", 1.0),
            line(1, "Opening circuit breaker for provider: openrouter"),
            line(1, "❌ Circuit breaker OPEN for provider: openrouter"),
            line(2, "❌ Circuit breaker OPEN for provider: openrouter"),
            line(61, "⚠️ Circuit breaker HALF_OPEN for provider: openrouter (testing)"),
            attempt(62, "openrouter", "success", 1.0),
            line(90, "❌ Circuit breaker OPEN for provider: openrouter"),
            line(150, "⚠️ Circuit breaker HALF_OPEN for provider: openrouter (testing)"),
            attempt(151, "openrouter", "success", 1.0),
            line(151, "✅ Circuit breaker CLOSED for provider: openrouter"),
        ]
    )
    moves = [(row["from_state"], row["to_state"]) for row in store.rows("circuit_transitions", WINDOW)]
    intervals = store.rows("circuit_intervals", WINDOW, WINDOW.end)

    assert moves == [
        ("CLOSED", "OPEN"),
        ("OPEN", "HALF_OPEN"),
        ("CLOSED", "OPEN"),
        ("OPEN", "HALF_OPEN"),
        ("HALF_OPEN", "CLOSED"),
    ]
    assert [(row["state"], (row["start_at"] - START).total_seconds(), row["inferred"]) for row in intervals] == [
        ("UNKNOWN", -3600.0, True),
        ("CLOSED", 0.0, True),
        ("OPEN", 1.0, False),
        ("HALF_OPEN", 61.0, False),
        ("CLOSED", 62.0, True),
        ("OPEN", 90.0, False),
        ("HALF_OPEN", 150.0, False),
        ("CLOSED", 151.0, True),
    ]
    store.close()


# Lines and windows


def test_raw_lines_are_the_newest_of_the_window_and_go_on_after_a_place() -> None:
    store = stored([line(second, f"message {second}") for second in range(10)])
    newest = store.run(metrics.raw_lines(store.lines, WINDOW, limit=3)).to_dict("records")
    first = newest[0]
    rest = store.run(
        metrics.raw_lines(store.lines, WINDOW, 10, (first["at"].to_pydatetime(), first["source"], first["offset"]))
    )

    assert [row["text"][-9:] for row in newest] == ["message 7", "message 8", "message 9"]
    assert rest.to_dict("records") == newest[1:]
    store.close()


def test_a_window_has_at_most_300_buckets_of_round_width() -> None:
    for length_s in (1, 299, 301, 3600, 86_400, 10**7):
        window = Window.of(START, START + timedelta(seconds=length_s))

        assert length_s / window.bucket_s <= 300 or window.bucket_s == 3600
        assert 86_400 % window.bucket_s == 0


@pytest.mark.parametrize(
    ("start", "end", "bucket_s"),
    [
        (START, START, 1),
        (START, START - timedelta(1), 1),
        (START.replace(tzinfo=None), START, 1),
        (START, at_ms(START, 1), 0),
    ],
)
def test_a_window_that_cannot_be_is_refused(start: datetime, end: datetime, bucket_s: int) -> None:
    with pytest.raises(WindowError):
        Window(start, end, bucket_s)
