"""How alerts go from one phase into another, moment by moment; and that it does not matter how far one goes at once."""

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dashboard.alerts.episodes import episodes, stretches
from dashboard.alerts.evaluate import Change, Evaluation, Kind, Phase
from dashboard.alerts.history import CLOSED, OPEN, Calls, Circuit, History
from dashboard.alerts.measure import measured
from dashboard.alerts.rule import Comparison, Metric, Rule, Rules, Severity
from dashboard.alerts.rulefile import load_rules
from tests.dashboard.alert_model import phases

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = 60
US = 1_000_000


def us(at: datetime) -> int:
    return round(at.timestamp()) * US


def rule(**changed: object) -> Rule:
    given: dict[str, object] = {"window_s": MINUTE, "hold_s": 5 * MINUTE} | changed
    return Rule("errors", "Errors", Severity.CRITICAL, Metric.ERROR_RATE, Comparison.ABOVE, 0.10, **given)  # type: ignore[arg-type]


def minutes(*shares: float | None, of: int = 10) -> History:
    """`of` requests each minute, of which so many fail; None for a minute without any."""
    at, failed = [], []
    for number, share in enumerate(shares):
        for call in range(of if share is not None else 0):
            at.append(us(START) + (number * MINUTE - MINUTE) * US + (call + 1) * US)
            failed.append(call < round((share or 0) * of))
    flags = np.array(failed, np.bool_)
    calls = Calls(np.array(at, np.int64), flags, np.full(len(at), 1.0), flags, flags)
    return History(requests=calls)


def each_minute(which: Rule, history: History, count: int) -> tuple[list[str], tuple[Change, ...]]:
    """The phases at `count` moments a minute apart, and the changes."""
    evaluation, changes, found = Evaluation(Rules(MINUTE, (which,))), [], []
    for number in range(count):
        at = START + timedelta(minutes=number)
        evaluation, new = evaluation.advanced(history, evaluation.moments(START, at))
        changes += new
        found.append(str(evaluation.alerts[which.name].phase))
    return found, tuple(changes)


def test_bad_from_the_start_fires_at_the_sixth_moment_of_five_minutes() -> None:
    found, _ = each_minute(rule(), minutes(*[0.5] * 7), 7)

    assert found == ["pending"] * 5 + ["firing"] * 2


def test_exactly_at_the_threshold_never_fires() -> None:
    found, changes = each_minute(rule(), minutes(*[0.1] * 12), 12)

    assert found == ["ok"] * 12
    assert [change.kind for change in changes] == [Kind.BACK]


def test_one_good_minute_starts_it_anew() -> None:
    found, _ = each_minute(rule(), minutes(0.5, 0.5, 0.5, 0.5, 0.0, *[0.5] * 6), 11)

    assert found == ["pending"] * 4 + ["ok"] + ["pending"] * 5 + ["firing"]


def test_no_data_never_resolves_what_fires() -> None:
    found, changes = each_minute(rule(hold_s=0), minutes(0.5, None, None, 0.5, 0.0), 5)

    assert found == ["firing", "no_data", "no_data", "firing", "ok"]
    assert [(e.firing_at, e.resolved_at) for e in episodes(changes)] == [(START, START + timedelta(minutes=4))]
    assert [s.active for s in stretches(changes)] == [True, True, True, False]


def test_no_data_starts_what_is_pending_anew() -> None:
    found, _ = each_minute(rule(hold_s=2 * MINUTE), minutes(0.5, 0.5, None, 0.5, 0.5, 0.5), 6)

    assert found == ["pending", "pending", "no_data", "pending", "pending", "firing"]


def test_an_alert_kept_firing_is_resolved_only_after_its_quiet_time() -> None:
    shares = (0.5, 0.0, 0.5, 0.0, 0.0, 0.0)
    found, changes = each_minute(rule(hold_s=0, keep_firing_s=2 * MINUTE), minutes(*shares), 6)

    assert found == ["firing"] * 5 + ["ok"]
    assert [change.kind for change in changes] == [Kind.FIRING, Kind.RESOLVED]


def test_fewer_requests_than_the_minimum_are_no_data() -> None:
    found, _ = each_minute(rule(hold_s=0, minimum_count=11), minutes(0.5, 0.5), 2)

    assert found == ["no_data"] * 2


def test_a_window_holds_what_ended_at_its_moment_and_not_what_ended_a_window_before() -> None:
    at = np.array([us(START) - MINUTE * US, us(START)], np.int64)
    failed = np.array([True, False])
    history = History(requests=Calls(at, failed, np.array([1.0, 1.0]), failed, failed))

    found = measured(rule(), history, np.array([us(START)], np.int64))

    assert (found.value.tolist(), found.count.tolist()) == ([0.0], [1])


def test_a_circuit_is_open_until_it_is_closed_again() -> None:
    chain = ("openrouter", "anthropic")
    circuits = {
        "openrouter": Circuit(np.array([0, 10, 60], np.int64) * US, np.array([CLOSED, OPEN, CLOSED], np.int8)),
        "anthropic": Circuit(np.array([0, 30], np.int64) * US, np.array([CLOSED, OPEN], np.int8)),
    }
    history = History(circuits=circuits, orders=((0, chain), (50 * US, chain[::-1])))
    moments = np.array([5, 10, 40, 50, 70], np.int64) * US

    both = Rule("a", "A", Severity.CRITICAL, Metric.OPEN_CIRCUITS, Comparison.AT_LEAST, 1)
    first = Rule("p", "P", Severity.WARNING, Metric.PRIMARY_OPEN, Comparison.AT_LEAST, 1)
    one = Rule("o", "O", Severity.WARNING, Metric.PROVIDER_OPEN, Comparison.AT_LEAST, 1, provider="openrouter")

    assert measured(both, history, moments).value.tolist() == [0, 0.5, 1, 1, 0.5]
    assert measured(first, history, moments).value.tolist() == [0, 1, 1, 1, 1]
    assert measured(one, history, moments).value.tolist() == [0, 1, 1, 1, 0]


def test_a_circuit_of_which_nothing_is_known_is_not_open_and_not_ok() -> None:
    history = History(orders=((0, ("openrouter",)),))
    both = Rule("a", "A", Severity.CRITICAL, Metric.OPEN_CIRCUITS, Comparison.AT_LEAST, 1)

    assert np.isnan(measured(both, history, np.array([US], np.int64)).value).all()


def test_a_budget_burns_only_when_both_windows_do() -> None:
    burn = Rule(
        *("b", "B", Severity.CRITICAL, Metric.BURN_RATE, Comparison.ABOVE, 14.4),
        window_s=60 * MINUTE,
        fast_window_s=5 * MINUTE,
        objective=0.99,
    )
    bad_then_good = minutes(*[0.5] * 55, *[0.0] * 6)
    good_then_bad = minutes(*[0.0] * 20, *[0.5] * 41)
    at = np.array([us(START + timedelta(minutes=60))], np.int64)

    assert measured(burn, bad_then_good, at).value[0] == 0
    assert measured(burn, good_then_bad, at).value[0] == pytest.approx((41 / 60) * 0.5 / 0.01, rel=0.02)


@pytest.mark.parametrize("seed", range(20))
def test_phases_are_those_of_the_model_whatever_the_values(seed: int) -> None:
    rng = random.Random(seed)
    shares = [rng.choice((None, 0.0, 0.1, 0.1, 0.2, 1.0, 1.0)) for _ in range(200)]
    which = rule(hold_s=rng.choice((0, 1, 3)) * MINUTE, keep_firing_s=rng.choice((0, 1, 3)) * MINUTE)

    found, _ = each_minute(which, minutes(*shares), 200)

    assert found == phases(which, shares, MINUTE)


@pytest.mark.parametrize("seed", range(5))
def test_it_does_not_matter_how_far_one_goes_at_once(seed: int) -> None:
    rng = random.Random(seed)
    history = minutes(*(rng.choice((None, 0.0, 0.2, 1.0)) for _ in range(90)))
    end = START + timedelta(minutes=88)
    at_once, expected = (whole := Evaluation(load_rules())).advanced(history, whole.moments(START, end))

    evaluation, changes, at = Evaluation(load_rules()), [], START
    while at < end:
        at = min(at + timedelta(seconds=rng.choice((1, 10, 25, 600))), end)
        evaluation, new = evaluation.advanced(history, evaluation.moments(START, at))
        changes += new

    assert evaluation == at_once
    assert tuple(changes) == expected


def test_moments_lie_on_a_grid_of_their_own_and_none_comes_twice() -> None:
    evaluation = Evaluation(load_rules())

    moments = evaluation.moments(START + timedelta(seconds=1), START + timedelta(seconds=31))
    assert [at.second for at in moments] == [10, 20, 30]

    evaluation, _ = evaluation.advanced(History(), moments)
    assert evaluation.moments(START, START + timedelta(seconds=39)) == []
    assert evaluation.advanced(History(), []) == (evaluation, ())


def test_an_empty_log_has_no_data_and_no_change() -> None:
    evaluation = Evaluation(load_rules())

    evaluation, changes = evaluation.advanced(History(), evaluation.moments(START, START + timedelta(minutes=1)))

    assert changes == ()
    assert {alert.phase for alert in evaluation.alerts.values()} == {Phase.NO_DATA}
