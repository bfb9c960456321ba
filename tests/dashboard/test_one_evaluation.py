"""Incidents rest on the pages' one evaluation: taken further to the log's end, it says what one of its own would say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from dashboard.alert_board import evaluating as module
from dashboard.alert_board.evaluating import Evaluating
from dashboard.alerts.rulefile import load_rules
from dashboard.incidents.reading import past_episodes
from dashboard.ingest import Ingest
from dashboard.store import Store
from dashboard.window import Window
from resilience.simulator.samples import DIRECTORY
from tests.dashboard.test_alert_board import PAST, WAIT_S, Clock, extent_of, grown

RULES = load_rules()
START = datetime(2026, 3, 2, tzinfo=UTC)


class Counting:
    """A store that counts what is asked of it."""

    def __init__(self, store: Store) -> None:
        self.store, self.read_count = store, 0
        self.rows, self.extent = store.rows, store.extent
        self.event_count, self.event_times, self.columns = store.event_count, store.event_times, store.columns

    def read(self, metric: str, window: Window | None = None, at: datetime | None = None) -> pd.DataFrame:
        self.read_count += 1
        return self.store.read(metric, window, at)


@pytest.fixture
def day() -> Iterator[Store]:
    store = Store.open(None)
    Ingest(store, [str(DIRECTORY / "mixed_day.log")], follow=False).run_once()
    yield store
    store.close()


def test_a_past_log_that_has_been_evaluated_is_not_evaluated_again(day: Store) -> None:
    evaluating, counting = Evaluating(day, RULES, PAST), Counting(day)
    known = evaluating.course(1, extent_of(day), settled=True, wait_s=WAIT_S)
    evaluating.close()

    found = past_episodes(counting, RULES, known)

    assert counting.read_count == 0
    assert found == past_episodes(day, RULES)
    assert len(found) == 28


def test_a_live_log_is_evaluated_from_where_the_pages_are(tmp_path: Path) -> None:
    store, grow = grown(tmp_path, START + timedelta(minutes=2))
    clock = Clock(START + timedelta(minutes=2))
    evaluating = Evaluating(store, RULES, PAST, clock)
    seen = set()

    for minute in range(2, 33, 3):
        clock.now = START + timedelta(minutes=minute, seconds=2)
        grow(clock.now)
        known = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)
        grow(clock.now + timedelta(seconds=25))  # the log goes on while the page looks

        found = past_episodes(store, RULES, known)

        assert known.whole
        assert found == past_episodes(store, RULES), minute
        seen.add(len(found))
    evaluating.close()
    assert len(seen) > 3


def test_what_comes_after_the_logs_last_event_is_left_out(tmp_path: Path) -> None:
    store, _ = grown(tmp_path, START + timedelta(minutes=4))
    evaluating = Evaluating(store, RULES, PAST, Clock(START + timedelta(minutes=30)))
    known = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)
    evaluating.close()

    assert "log_stale" in {change.rule for change in known.changes}  # seen by whoever looks now
    assert past_episodes(store, RULES, known) == past_episodes(store, RULES) == ()


def test_an_evaluation_that_lines_came_too_late_for_is_not_taken(tmp_path: Path) -> None:
    store, grow = grown(tmp_path, START + timedelta(minutes=8))
    evaluating = Evaluating(store, RULES, PAST, Clock(START + timedelta(minutes=30)))
    known = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)
    evaluating.close()

    grow(START + timedelta(hours=1))

    assert past_episodes(store, RULES, known) == past_episodes(store, RULES)


def test_one_that_does_not_reach_back_to_the_logs_beginning_is_not_taken(
    day: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_BACK", timedelta(hours=6))
    evaluating = Evaluating(day, RULES, PAST)
    known = evaluating.course(1, extent_of(day), settled=True, wait_s=WAIT_S)
    evaluating.close()

    assert not known.whole
    assert len(past_episodes(day, RULES, known)) == 28


def test_one_that_has_not_come_to_the_end_is_taken_further(day: Store) -> None:
    evaluating = Evaluating(day, RULES, PAST)
    evaluating.course(1, extent_of(day), settled=True, wait_s=0)
    while (known := evaluating.course(1, extent_of(day), settled=True, wait_s=0.001)).evaluation.at is None:
        pass
    found = past_episodes(day, RULES, known)
    evaluating.course(1, extent_of(day), settled=True, wait_s=WAIT_S)
    evaluating.close()

    assert found == past_episodes(day, RULES)
