"""What the Live page says: span, verdict, cards, reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from dashboard.alert_board.rows import AlertRow, rows
from dashboard.alerts.evaluate import Alert, Phase
from dashboard.alerts.rule import Rules
from dashboard.alerts.rulefile import load_rules
from dashboard.inert import INVALID_NAME
from dashboard.live.cards import cards
from dashboard.live.circuits import CircuitNow, as_seen, circuits_now
from dashboard.live.reasons import Hop, reasons
from dashboard.live.span import (
    ALL,
    Extent,
    Mode,
    Span,
    default_range,
    fixed,
    following,
    for_traffic,
    parse_utc,
    spell_utc,
)
from dashboard.live.verdict import Verdict, verdict
from dashboard.live.words import Level
from tests.dashboard.frames_kit import (
    FAILURES,
    FALLBACKS,
    INTERVALS,
    ORDER,
    RECENT,
    START,
    SUMMARY,
    TRANSITIONS,
    WINDOW,
    at,
    attempts,
    frame,
)

NOW = START
CLOSED = CircuitNow("CLOSED", Level.OK, at(0))
GOOD = frame(RECENT, (100, 0, False))
NOTHING = frame(RECENT, (0, 0, False))
RULES = load_rules()


def extent(age_s: float) -> Extent:
    return Extent(NOW - timedelta(days=1), NOW - timedelta(seconds=age_s))


def judged(
    alerts: Sequence[AlertRow],
    recent: pd.DataFrame = GOOD,
    age_s: float = 1.0,
    trouble: str = "",
    circuits: Mapping[str, CircuitNow] = dict.fromkeys(ORDER, CLOSED),
) -> Verdict:
    known = extent(age_s)
    return verdict(alerts, circuits, recent, following("15m", known, NOW, 30), known, 0, trouble)


def test_a_live_log_is_followed_to_now() -> None:
    span = following("15m", extent(1), NOW, stale_s=30)

    assert (span.mode, span.at, span.past) == (Mode.LIVE, NOW, False)
    assert span.window.end > NOW
    assert timedelta(minutes=15) <= span.window.end - span.window.start < timedelta(minutes=16)


def test_the_ends_of_a_moving_window_lie_on_whole_buckets() -> None:
    windows = [following("15m", extent(1), NOW + timedelta(seconds=s / 10), 30).window for s in range(20)]

    assert all(edge.timestamp() % w.bucket_s == 0 for w in windows for edge in (w.start, w.end))
    assert len(set(windows)) < 4


def test_a_log_that_has_stopped_is_stale_but_its_window_goes_on() -> None:
    span = following("15m", extent(31), NOW, stale_s=30)

    assert (span.mode, span.at, span.past) == (Mode.STALE, NOW, False)


def test_a_log_that_has_ended_is_shown_from_its_own_end() -> None:
    ended = extent(2 * 3600)

    span = following("15m", ended, NOW, stale_s=30)

    assert (Mode.STALE, ended.newest, True) == (span.mode, span.at, span.past)
    assert span.window.start < ended.newest < span.window.end
    assert default_range(ended, NOW) == ALL
    assert default_range(extent(1), NOW) == "15m"


def test_all_of_a_log_holds_its_first_and_its_last_event() -> None:
    ended = extent(2 * 3600)

    window = following(ALL, ended, NOW, 30).window

    assert window.start <= ended.oldest
    assert ended.newest < window.end


def test_a_fixed_range_stays_where_it_is() -> None:
    start, end = NOW - timedelta(minutes=9), NOW - timedelta(minutes=4)

    span = fixed(start, end, extent(1), NOW)

    assert (start, end, Mode.PAUSED, end) == (span.window.start, span.window.end, span.mode, span.at)


def test_thin_traffic_gets_wider_buckets_and_no_flicker() -> None:
    span = following("15m", extent(1), NOW, 30)

    dense = for_traffic(span, attempts=9000, before_s=None)
    thin = for_traffic(span, attempts=900, before_s=None)
    nearly = for_traffic(span, attempts=899, before_s=10)

    assert span.window == dense.window
    assert thin.window.bucket_s == 15
    assert nearly.window.bucket_s == 10
    assert len(range(0, 900, int(for_traffic(span, 1, None).window.bucket_s))) >= 15


@pytest.mark.parametrize(
    "text", ["2025-11-23T02:40:00Z", "2025-11-23 02:40", "2025-11-23T03:40:00+01:00", " 2025-11-23T02:40 "]
)
def test_a_typed_time_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert parse_utc(text) == START
    assert spell_utc(START) == "2025-11-23T02:40:00Z"


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01", "<script>", "9" * 400])
def test_what_is_no_time_is_none(text: str) -> None:
    assert parse_utc(text) is None


def test_an_open_circuit_knows_since_when_why_and_until_when() -> None:
    intervals = frame(
        INTERVALS,
        ("openrouter", "CLOSED", at(0), at(60), None, None, True),
        ("openrouter", "OPEN", at(60), at(100), "threshold", at(120), False),
    )
    transitions = frame(TRANSITIONS, (at(60), "openrouter", "CLOSED", "OPEN", "threshold", 3, at(120)))

    found = circuits_now(as_seen(intervals), transitions, ("openrouter", "openai"))

    opened = CircuitNow("OPEN", Level.CRITICAL, at(60), "3 failures in a row", at(120), False, at(60))
    assert found["openrouter"] == opened
    assert found["openai"] == CircuitNow("UNKNOWN", Level.NO_DATA)


def test_failed_probes_are_of_the_outage_that_began_when_the_circuit_left_closed() -> None:
    intervals = frame(
        INTERVALS,
        ("openrouter", "OPEN", at(0), at(10), "threshold", at(10), False),
        ("openrouter", "CLOSED", at(10), at(60), "probe_succeeded", None, False),
        ("openrouter", "OPEN", at(60), at(70), "threshold", at(70), False),
        ("openrouter", "HALF_OPEN", at(70), at(71), "cooldown_elapsed", None, False),
        ("openrouter", "OPEN", at(71), at(90), "probe_failed", at(91), False),
        ("openai", "CLOSED", at(0), at(90), None, None, True),
    )

    found = circuits_now(intervals, frame(TRANSITIONS), ORDER)

    assert (found["openrouter"].since, found["openrouter"].left_closed_at) == (at(71), at(60))
    assert found["openai"].left_closed_at is None
    assert judged(QUIET, circuits=found).chain.endswith("not CLOSED since 02:41:00 UTC")


def test_a_circuit_whose_cooldown_is_over_is_half_open_before_the_log_says_so() -> None:
    intervals = frame(
        INTERVALS,
        ("openrouter", "OPEN", at(60), at(130), "threshold", at(120), False),
        ("openai", "CLOSED", at(0), at(130), None, None, True),
    )

    seen = as_seen(intervals)

    ready = circuits_now(seen, frame(TRANSITIONS), ("openrouter",))["openrouter"]
    assert (ready.state, ready.since, ready.probe_at, ready.inferred) == ("HALF_OPEN", at(120), None, True)
    bars = [tuple(row) for row in seen[["provider", "state", "start_at", "end_at"]].itertuples(index=False)]
    assert bars == [
        ("openrouter", "OPEN", at(60), at(120)),
        ("openai", "CLOSED", at(0), at(130)),
        ("openrouter", "HALF_OPEN", at(120), at(130)),
    ]


def row(rule: str, phase: Phase, since_s: float = -60.0, value: float = 0.5, **fields: Any) -> AlertRow:
    """A rule's row, its alert as it would be since `since_s`."""
    known = RULES.named(rule)
    fired = at(since_s) if phase is Phase.FIRING else None
    alert = Alert(rule, phase, at(since_s), value, 50, at(since_s), fired)
    (found,) = rows(Rules(10, (known,)), {rule: alert}, {})
    return replace(found, **fields)


QUIET = [row(rule.name, Phase.OK, value=0.0) for rule in RULES.rules[:6]]


def test_all_is_well_only_with_data_and_fresh_data() -> None:
    assert (judged(QUIET).level, judged(QUIET).headline) == (Level.OK, "no alert")
    assert Level.NO_DATA is judged(QUIET, NOTHING).level
    assert Level.NO_DATA is judged(QUIET, age_s=31).level
    assert Level.NO_DATA is judged(QUIET, trouble="the alert rules are being evaluated").level
    assert Level.NO_DATA is verdict([], {}, NOTHING, Span(WINDOW, NOW, Mode.WAITING), None, unparsed=0).level


def test_the_headline_is_the_worst_alerts_since_their_condition_is_true() -> None:
    alerts = [
        row("fallback_rate", Phase.FIRING, -900, 0.4),
        row("error_rate", Phase.FIRING, -370, 0.23),
        row("all_circuits_open", Phase.PENDING, -20, 1.0),
        row("response_time_p95", Phase.FIRING, -60, 12.0),
    ]

    said = judged(alerts)

    assert said.headline == "Error rate 23 % · Fallback rate 40 %"
    assert (said.level, said.since, said.active, said.pending) == (Level.CRITICAL, at(-370), 3, 1)


def test_a_pending_alert_is_said_and_is_not_well() -> None:
    said = judged([*QUIET, row("error_rate", Phase.PENDING, -70, 0.23)])

    assert (said.level, said.headline, said.since) == (Level.PENDING, "Error rate 23 %", at(-70))


def test_an_alert_whose_data_stopped_is_still_the_verdict() -> None:
    kept = row("error_rate", Phase.FIRING, -370)

    said = judged([replace(kept, phase=Phase.NO_DATA)], NOTHING)

    assert (said.level, said.since) == (Level.CRITICAL, at(-370))


def test_the_chain_and_its_traffic_stand_below_the_headline() -> None:
    opened = CircuitNow("OPEN", Level.CRITICAL, at(-20), "probe failed", at(20), left_closed_at=at(-120))
    circuits = {"openrouter": opened, "anthropic": opened, "deepseek": CLOSED, "openai": CLOSED}
    recent = frame(RECENT, (1000, 1, True))

    said = judged(QUIET, recent, circuits=circuits)

    assert said.chain == "circuits: 2 OPEN · primary openrouter OPEN, not CLOSED since 02:38:00 UTC"
    assert said.traffic == "1,000 requests, 1 without an answer, derived"
    assert judged(QUIET).chain == "circuits: 4 of 4 CLOSED"


def test_cards_stand_in_chain_order_with_counts_and_gaps() -> None:
    summary = frame(SUMMARY, ("openai", 3, 1, 0.75, 4000.0, "timeout", at(50)))
    circuits = {"anthropic": CLOSED, "openai": CLOSED}

    first, second = cards(circuits, summary, attempts((0, "openai", 3, 1, 4000.0)), WINDOW)

    assert (first.provider, first.primary, first.success_rate, first.ended) == ("anthropic", True, None, 0)
    assert (
        second.provider, second.primary, second.success_rate, second.ended, second.low_count,
    ) == ("openai", False, 0.75, 4, True)  # fmt: skip
    assert (4.0, "timeout", at(50)) == (second.p95_s, second.last_reason, second.last_failed_at)
    assert second.spark[:3] == (0.75, None, None)


def test_reasons_come_most_first_with_the_runbooks_advice() -> None:
    fallbacks = frame(
        FALLBACKS,
        ("rate_limited", "openrouter", "anthropic", 3),
        ("timeout", "openrouter", "anthropic", 5),
        ("timeout", "anthropic", "deepseek", 2),
    )
    failures = frame(FAILURES, ("openrouter", "rate_limited", 429, 3))

    first, second = reasons(fallbacks, failures)

    assert (first.reason, first.n, first.share) == ("timeout", 7, 0.7)
    assert (Hop("openrouter", "anthropic", 5), Hop("anthropic", "deepseek", 2)) == first.hops
    assert "METIS_LLM_TIMEOUT_SECONDS" in first.advice.fix
    assert (second.advice.title, second.statuses) == ("429 Rate Limit Exceeded", (429,))


def test_words_that_the_core_did_not_write_do_not_pass() -> None:
    fallbacks = frame(FALLBACKS, ("![x](http://evil.example)", "<b>", None, 1))

    (row,) = reasons(fallbacks, frame(FAILURES))

    assert ("other", (Hop(INVALID_NAME, None, 1),)) == (row.reason, row.hops)
    assert "http" not in str(row)
