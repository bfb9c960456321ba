"""What the pages show of the alerts: rows, bars, sparks, and the evaluation that goes on as the log grows."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.alert_board import tables
from dashboard.alert_board.care import remarks, to_acknowledge
from dashboard.alert_board.course import Course
from dashboard.alert_board.evaluating import Evaluating
from dashboard.alert_board.rows import rows, wants, worst_first
from dashboard.alert_board.sparks import POINTS, Spark, spark_moments, sparks
from dashboard.alert_board.words import against, duration, named
from dashboard.alerts.episodes import episodes
from dashboard.alerts.evaluate import Alert, Change, Evaluation, Kind, Phase
from dashboard.alerts.ledger import Entry, Ledger
from dashboard.alerts.reading import read_history
from dashboard.alerts.rule import Rule, Rules
from dashboard.alerts.rulefile import load_rules
from dashboard.alerts.silences import Acknowledgement, Silence, suppressed
from dashboard.ingest import Ingest
from dashboard.operations.prepared import steps
from dashboard.store import Store
from tests.dashboard.frames_kit import at

RULES = load_rules()
DOWN = Path(__file__).parents[2] / "sample_logs" / "all_down.log"
PAST = timedelta(hours=1)
WAIT_S = 30.0


def alert(rule: str, phase: Phase, since_s: float, value: float | None = 0.5, *, fired_s: float | None = None) -> Alert:
    return Alert(rule, phase, at(since_s), value, 50, at(since_s), None if fired_s is None else at(fired_s))


def change(rule: str, at_s: float, kind: Kind, phase: Phase, fired_s: float | None = None) -> Change:
    fired_at = None if fired_s is None else at(fired_s)
    after = alert(rule, phase, at_s, fired_s=fired_s if phase in (Phase.FIRING, Phase.NO_DATA) else None)
    return Change(at(at_s), rule, kind, Phase.OK, after, fired_at)


COURSE = Course(
    Evaluation(
        Rules(10, (RULES.named("error_rate"), RULES.named("fallback_rate"))),
        at(600),
        {
            "error_rate": alert("error_rate", Phase.OK, 400),
            "fallback_rate": alert("fallback_rate", Phase.FIRING, 500, fired_s=500),
        },
    ),
    (
        change("error_rate", 10, Kind.PENDING, Phase.PENDING),
        change("error_rate", 310, Kind.FIRING, Phase.FIRING, 310),
        change("error_rate", 400, Kind.RESOLVED, Phase.OK, 310),
        change("fallback_rate", 500, Kind.FIRING, Phase.FIRING, 500),
    ),
)


@pytest.mark.parametrize(
    ("rule", "value", "count", "said"),
    [
        ("error_rate", 0.2314, 90, "23.1 % > 10 %"),
        ("error_rate", 0.10, 90, "10 % of 10 %"),
        ("all_circuits_open", 0.75, 4, "3 of 4"),
        ("all_providers_exhausted", 13.0, 90, "13 > 0"),
        ("all_providers_exhausted", 0.0, 90, "0"),
        ("primary_circuit_open", 1.0, 1, "open"),
        ("response_time_p95", 12.345, 90, "12.3 s > 10 s"),
        ("log_stale", 730.0, 1, "12:10 > 10:00"),
        ("error_rate", None, 2, "no data"),
    ],
)
def test_a_value_stands_beside_its_threshold(rule: str, value: float | None, count: int, said: str) -> None:
    assert said == against(RULES.named(rule), value, count)


def test_rules_are_said_in_words() -> None:
    assert wants(RULES.named("error_rate")) == "> 10 % over 1 min, for 5 min, of 5 at least"
    assert wants(RULES.named("all_circuits_open")) == "all of them, for 5 min"
    assert wants(RULES.named("primary_circuit_open")) == "open"
    assert named(RULES.named("primary_circuit_open"), 1.0, 1) == "Primary's circuit open"
    assert [duration(s) for s in (0, 30, 90, 600, 7200)] == ["0 s", "30 s", "90 s", "10 min", "2 h"]


def test_the_six_are_always_rows_and_the_logs_age_only_when_it_is_not_well() -> None:
    quiet = {rule.name: alert(rule.name, Phase.OK, 0) for rule in RULES.rules}
    stale = quiet | {"log_stale": alert("log_stale", Phase.FIRING, 0, 700.0, fired_s=0)}

    assert len(rows(RULES, {}, {})) == len(rows(RULES, quiet, {})) == 6
    assert {row.phase for row in rows(RULES, {}, {})} == {Phase.NO_DATA}
    assert rows(RULES, stale, {})[-1].value == "11:40 > 10:00"


def test_a_row_has_its_newest_value_and_a_spark_with_the_threshold_in_it() -> None:
    rule = RULES.named("error_rate")
    held = {rule.name: alert(rule.name, Phase.PENDING, 0, 0.9)}

    (row,) = rows(Rules(10, (rule,)), held, {rule.name: Spark((None, 0.0, 0.4, 0.2), 90)})

    assert (row.value, row.count, row.pending_at, row.hold_s) == ("20 % > 10 %", 90, at(0), 300)
    assert (row.spark, row.line) == ((None, 0.0, 1.0, 0.5), 0.25)


def test_an_alert_whose_data_stopped_is_still_active() -> None:
    rule = RULES.named("error_rate")

    (row,) = rows(Rules(10, (rule,)), {rule.name: alert(rule.name, Phase.NO_DATA, 60, None, fired_s=30)}, {})

    assert (row.active, row.word, row.value, row.fired_at) == (True, "firing, no data", "no data", at(30))
    assert row.pending_at == at(30)  # since when it has been wrong, not since when there has been no data


def test_the_worst_come_first() -> None:
    held = {
        "all_circuits_open": alert("all_circuits_open", Phase.PENDING, 0),
        "error_rate": alert("error_rate", Phase.FIRING, 0, fired_s=0),
        "fallback_rate": alert("fallback_rate", Phase.FIRING, 0, fired_s=0),
    }

    found = worst_first(rows(RULES, held, {}))

    assert [row.name for row in found[:3]] == ["error_rate", "fallback_rate", "all_circuits_open"]


def test_texts_of_a_rule_file_come_without_unseen_characters() -> None:
    rule = replace(RULES.named("error_rate"), title="err\u202eor <b>", action="do\u200b it")

    (row,) = rows(Rules(10, (rule,)), {}, {})

    assert (row.title, row.action) == ("error <b>", "do it")


def test_the_state_of_a_moment_that_has_passed_is_that_of_the_last_change_before_it() -> None:
    def phases(seconds: float) -> list[Phase]:
        return [each.phase for each in COURSE.at(at(seconds)).values()]

    assert phases(5) == [Phase.NO_DATA, Phase.NO_DATA]
    assert phases(10) == [Phase.PENDING, Phase.NO_DATA]
    assert phases(399) == [Phase.FIRING, Phase.NO_DATA]
    assert phases(450) == [Phase.OK, Phase.NO_DATA]
    assert COURSE.at(at(9_000)) == COURSE.evaluation.alerts
    assert Course(Evaluation(RULES)).at(at(0)) == {}


def test_bars_are_cut_to_the_window_and_what_lasts_goes_on() -> None:
    found = COURSE.bars(at(100), at(605))

    assert [(bar.rule, bar.active, bar.start_at, bar.end_at, bar.until) for bar in found] == [
        ("error_rate", False, at(100), at(310), at(310)),
        ("error_rate", True, at(310), at(400), at(400)),
        ("fallback_rate", True, at(500), at(605), None),
    ]
    assert COURSE.bars(at(401), at(499)) == ()


def test_while_the_evaluation_is_behind_nothing_is_drawn_beyond_it() -> None:
    (bar,) = replace(COURSE, behind=True).bars(at(450), at(900))

    assert bar.end_at == at(600)


@pytest.mark.parametrize("length_s", [1, 9, 10, 300, 900, 86_400])
def test_spark_moments_are_few_and_evenly_on_the_grid(length_s: int) -> None:
    until = at(3)

    found = spark_moments(until - timedelta(seconds=length_s), until, 10)

    assert len(found) <= POINTS
    assert len({b - a for a, b in itertools.pairwise(found)}) <= 1
    assert all(moment.timestamp() % 10 == 0 for moment in found)
    assert all(until - timedelta(seconds=length_s) <= moment <= until for moment in found)


def test_spark_moments_stay_while_the_window_moves_on_by_less_than_their_distance() -> None:
    hour = [spark_moments(at(s - 3600), at(s), 10) for s in range(0, 200, 10)]

    assert len({tuple(moments) for moments in hour}) <= 6


@pytest.fixture(scope="module")
def down() -> Store:
    store = Store.open(None)
    Ingest(store, [str(DOWN)], follow=False).run_once()
    return store


def extent_of(store: Store) -> tuple[datetime, datetime]:
    extent = store.extent()
    assert extent is not None
    return extent


def whole(store: Store, rules: Rules = RULES) -> tuple[Evaluation, tuple[Change, ...]]:
    """The evaluation in one go."""
    oldest, newest = extent_of(store)
    evaluation = Evaluation(rules)
    moments = evaluation.moments(oldest, newest + timedelta(seconds=rules.interval_s))
    return evaluation.advanced(read_history(store, rules, moments), moments)


def test_a_past_log_is_evaluated_to_its_end_and_once(down: Store) -> None:
    evaluating = Evaluating(down, RULES, PAST)

    course = evaluating.course(1, extent_of(down), settled=True, wait_s=WAIT_S)

    assert (course.evaluation, course.changes) == whole(down)
    assert not course.behind
    assert len(episodes(course.changes)) == 6
    assert evaluating.course(1, extent_of(down), settled=True, wait_s=WAIT_S) is course
    evaluating.close()


def test_a_log_that_is_not_read_to_its_end_is_not_evaluated(down: Store) -> None:
    evaluating = Evaluating(down, RULES, PAST)

    course = evaluating.course(1, extent_of(down), settled=False, wait_s=WAIT_S)

    assert (course.evaluation.at, course.behind) == (None, True)
    evaluating.close()


class Clock:
    """The present, as the test says."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def grown(tmp_path: Path, until: datetime) -> tuple[Store, Callable[[datetime], None]]:
    """A store over a log that holds the first lines of all_down.log, and how to let it grow."""
    log = tmp_path / "backend_live.log"
    log.write_bytes(b"")
    store = Store.open(None)
    lines = DOWN.read_text("utf-8").splitlines(keepends=True)
    taken = 0

    def grow(to: datetime) -> None:
        nonlocal taken
        end = taken
        while end < len(lines) and lines[end][:19] < f"{to:%Y-%m-%dT%H:%M:%S}":
            end += 1
        with log.open("a", encoding="utf-8") as file:
            file.writelines(lines[taken:end])
        taken = end
        Ingest(store, [str(log)], follow=False).run_once()

    grow(until)
    return store, grow


def test_what_is_watched_as_it_grows_is_what_the_whole_log_tells(tmp_path: Path, down: Store) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    store, grow = grown(tmp_path, start + timedelta(minutes=2))
    clock = Clock(start + timedelta(minutes=2))
    evaluating = Evaluating(store, RULES, PAST, clock)
    ats = set()

    for minute in range(2, 33, 3):
        clock.now = start + timedelta(minutes=minute, seconds=2)
        grow(clock.now)
        course = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)
        ats.add(course.evaluation.at)

    _, changes = whole(down)
    assert len(ats) == 11
    assert episodes(course.changes) == episodes(changes)
    assert course.changes[: len(changes)] == changes
    evaluating.close()


def test_between_two_moments_nothing_is_evaluated(tmp_path: Path) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    store, grow = grown(tmp_path, start + timedelta(minutes=3))
    clock = Clock(start + timedelta(minutes=3, seconds=2))
    evaluating = Evaluating(store, RULES, PAST, clock)
    before = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)

    clock.now += timedelta(seconds=9)
    grow(clock.now)

    assert evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S) is before
    clock.now += timedelta(seconds=1)
    after = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)
    assert after.evaluation.at == start + timedelta(minutes=3, seconds=10)
    evaluating.close()


def test_lines_that_come_late_take_the_evaluation_back(tmp_path: Path, down: Store) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    store, grow = grown(tmp_path, start + timedelta(minutes=8))
    clock = Clock(start + timedelta(minutes=30, seconds=30))
    evaluating = Evaluating(store, RULES, PAST, clock)
    evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)  # as if nothing came any more

    grow(start + timedelta(hours=1))
    clock.now += timedelta(seconds=10)
    course = evaluating.course(store.version, extent_of(store), settled=True, wait_s=WAIT_S)

    assert episodes(course.changes) == episodes(whole(down)[1])
    evaluating.close()


def test_what_fails_is_asked_again_and_costs_nothing_known(down: Store) -> None:
    class Broken(Store):
        def event_count(self, window: object) -> int:
            raise OSError("disk")

    clock = Clock(extent_of(down)[1])
    evaluating = Evaluating(down, RULES, PAST, clock)
    course = evaluating.course(1, extent_of(down), settled=True, wait_s=WAIT_S)
    evaluating._store = Broken.__new__(Broken)

    clock.now += timedelta(seconds=30)

    assert evaluating.course(2, extent_of(down), settled=True, wait_s=WAIT_S) is course
    evaluating._store = down
    clock.now += timedelta(seconds=10)
    assert evaluating.course(2, extent_of(down), settled=True, wait_s=WAIT_S) is not course
    evaluating.close()


def test_sparks_are_the_rules_own_numbers(down: Store) -> None:
    evaluation, _ = whole(down)
    assert evaluation.at is not None
    moments = [*spark_moments(extent_of(down)[0], evaluation.at, RULES.interval_s), evaluation.at]

    found = sparks(RULES, read_history(down, RULES, moments), moments)

    assert len(found["error_rate"].values) == len(moments)
    assert max(value for value in found["error_rate"].values if value is not None) == 1.0
    assert {name: (spark.value, spark.count) for name, spark in found.items()} == {
        name: (pytest.approx(alert.value, abs=1e-6), alert.count) for name, alert in evaluation.alerts.items()
    }


STATES = {"openrouter": "OPEN", "anthropic": "HALF_OPEN", "deepseek": "CLOSED", "openai": "CLOSED"}


def test_a_rules_button_prepares_the_runbooks_step() -> None:
    found = steps(RULES, STATES)

    assert found["error_rate"].label == "Make openai first…"
    assert found["error_rate"].href == "operations?ops.what=Order&ops.order=openai,openrouter,anthropic,deepseek"
    assert found["all_circuits_open"].href == "operations?ops.checks=1"
    known_good = steps(RULES, dict.fromkeys(STATES, "OPEN"))["error_rate"]
    assert known_good.href == "operations?ops.what=Order&ops.order=anthropic,openai,deepseek,openrouter"


@pytest.mark.parametrize(
    ("step", "href"),
    [
        ("reset", "operations?ops.what=Circuit&ops.verb=reset&ops.provider=openrouter"),
        ("timeout", "operations?ops.what=Settings"),
        ("", None),
    ],
)
def test_other_steps_of_a_rule_of_ones_own(tmp_path: Path, step: str, href: str | None) -> None:
    own = tmp_path / "rules.toml"
    own.write_text(f'[rule.error_rate]\nstep = "{step}"\n', "utf-8")
    rule: Rule = load_rules(own).named("error_rate")

    found = steps(Rules(10, (rule,)), STATES).get("error_rate")

    assert href == (None if found is None else found.href)


SILENCE = Silence("ab12", "warning", at(900), "bob", "known <b>", at(450))
LEDGER = Ledger(
    (
        Entry("silence", at(450), "bob", "known <b>", id="ab12", matcher="warning", until=at(900)),
        Entry("acknowledge", at(320), "eve", "mine", rule="error_rate", firing_at=at(310)),
    ),
    (SILENCE,),
    (Acknowledgement("error_rate", at(310), "eve", "mine", at(320)),),
)


def test_rows_say_who_looks_after_an_alert_and_what_is_silenced_and_still_show_it() -> None:
    rules = COURSE.evaluation.rules

    before, later = (remarks(rules, COURSE.at(at(s)), LEDGER, at(s)) for s in (315, 330))
    now = remarks(rules, COURSE.at(at(600)), LEDGER, at(600))

    assert (before, later) == ({}, {"error_rate": "acknowledged by eve: mine"})
    assert now == {"fallback_rate": "silenced until 02:55 UTC by bob: known <b>"}
    shown = {row.name: row for row in rows(rules, COURSE.at(at(600)), {}, now)}["fallback_rate"]
    assert (shown.active, shown.remark) == (True, now["fallback_rate"])


def test_only_active_alerts_that_nobody_looks_after_wait_for_somebody() -> None:
    assert to_acknowledge(COURSE.at(at(315)), Ledger()) == {"error_rate": at(310)}
    assert to_acknowledge(COURSE.at(at(315)), LEDGER) == {}
    assert to_acknowledge(COURSE.at(at(450)), Ledger()) == {}


def test_the_history_is_the_episodes_newest_first_with_a_way_to_their_time(down: Store) -> None:
    evaluation, changes = whole(down)
    assert evaluation.at is not None

    table = tables.history(episodes(changes), RULES, evaluation.at)

    assert len(table.rows) == len(episodes(changes)) == 6
    assert table.rows[0].cells[:7] == (
        "▲ critical", "All circuits open", "2026-03-02 00:09:00", "2026-03-02 00:14:00", "2026-03-02 00:19:20", "5:20",
        "100 % open",
    )  # fmt: skip
    assert table.rows[0].href == "./?live.from=2026-03-02T00:04:00Z&live.to=2026-03-02T00:24:20Z"


def test_what_a_silence_kept_back_is_listed_and_counted() -> None:
    rules = COURSE.evaluation.rules
    found = suppressed(COURSE.changes, rules, LEDGER.silences)

    kept, listed = tables.kept_back(found, rules), tables.silences(LEDGER, found, rules, at(600))

    assert [row.cells[1:4] for row in kept.rows] == [("◆ warning", "Fallback rate", "50 %")]
    assert [row.cells[0] + row.cells[5] + row.cells[6] for row in listed.rows] == [
        "all warning alerts" + "in force, 5:00 left" + "1"
    ]


def test_the_audit_says_who_did_what_newest_first() -> None:
    table = tables.audit(LEDGER.entries, RULES)

    assert [row.cells[1:] for row in table.rows] == [
        ("eve", "acknowledged Error rate, firing since 2025-11-23 02:45:10", "mine"),
        ("bob", "silenced all warning alerts until 2025-11-23 02:55:00", "known <b>"),
    ]


def test_a_rule_says_where_it_comes_from(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        "[rule.error_rate]\nthreshold = 0.2\n"
        '[rule.slow]\ntitle = "Slow"\nseverity = "warning"\nmetric = "response_time_p95_s"\ncomparison = ">"\n'
        "threshold = 5\nwindow_s = 60\n",
        "utf-8",
    )

    table = tables.definitions(load_rules(own), RULES, "own.toml")

    origins = {row.cells[0]: (row.cells[3], row.cells[-1]) for row in table.rows}
    assert origins["Error rate"] == ("> 20 % over 1 min, for 5 min, of 5 at least", "default, changed by own.toml")
    assert origins["Slow"] == ("> 5 s over 1 min", "own.toml")
    assert origins["Fallback rate"][1] == "default"
