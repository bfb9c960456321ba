"""The values around a what-if: the form, the command line, words, charts, and what of a long log is played."""

import random
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest

from dashboard.ingest import Ingest
from dashboard.store import Store
from dashboard.whatif import choosing, form, words
from dashboard.whatif.charts import packed_sweep
from dashboard.whatif.choosing import Chosen, chosen
from dashboard.whatif.document import document
from dashboard.whatif.form import Typed
from dashboard.whatif.prediction import WhatIfError
from dashboard.whatif.question import Question, command_of, from_json, to_json
from dashboard.whatif.reading import in_force, lives_of
from dashboard.whatif.summary import Ends
from resilience.events import RequestFinished, RequestStatus
from resilience.simulator.samples import DIRECTORY

SINCE, UNTIL = datetime(2026, 3, 2, 0, 2, 0, 123_456, UTC), datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
NOTHING = Typed({})


@pytest.fixture(scope="module")
def day() -> Iterator[Store]:
    store = Store.open(None)
    Ingest(store, [str(DIRECTORY / "mixed_day.log")], follow=False).run_once()
    yield store
    store.close()


def test_an_empty_form_asks_for_the_range_as_it_was() -> None:
    asked = form.replayed(NOTHING, SINCE, UNTIL)

    assert asked == Question(since=SINCE.replace(microsecond=123_000), until=UNTIL)


def test_what_is_typed_becomes_the_question_and_its_command() -> None:
    typed = Typed({"METIS_LLM_CIRCUIT_THRESHOLD": " 5 ", "METIS_LLM_MAX_RETRIES": ""}, "claude, openai", "7", "3")

    asked = form.replayed(typed, SINCE, UNTIL)

    assert command_of(asked, ["a log.log"]) == (
        "python -m dashboard whatif 'a log.log' --set circuit_threshold=5 --order claude,openai "
        "--since 2026-03-02T00:02:00.123Z --until 2026-03-02T00:05:00.000Z --draws 7 --seed 3"
    )
    assert from_json(to_json(asked)) == asked


def test_a_sweep_takes_the_place_of_the_settings_that_it_goes_over() -> None:
    settings = {"METIS_LLM_CIRCUIT_THRESHOLD": "9", "METIS_LLM_MAX_RETRIES": "1"}

    asked = form.swept_over(Typed(settings, thresholds="2, 3", cooldowns=""), SINCE, UNTIL)

    assert (asked.sweeps, asked.pairs) == (("circuit_threshold=2,3",), ("max_retries=1",))
    assert "--sweep circuit_threshold=2,3" in command_of(asked, [])


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        (Typed({}, thresholds="2", draws="0"), "draws must be a whole number from 1 to 1000, got '0'"),
        (Typed({}, thresholds="2", draws="1001"), "draws must be a whole number"),
        (Typed({}, thresholds="2", seed="x"), "seed must be a whole number from 0"),
        (Typed({}, thresholds="1,2,3,4,5,6,7,8,9"), "a sweep takes 1 to 8 values"),
        (NOTHING, "a sweep needs thresholds or cooldowns"),
    ],
)
def test_a_mistake_in_the_form_names_field_rule_and_value(typed: Typed, rule: str) -> None:
    with pytest.raises(WhatIfError, match=rule):
        form.swept_over(typed, SINCE, UNTIL)


def test_a_shell_takes_the_command_as_it_stands_whatever_was_typed() -> None:
    typed = Typed({"METIS_LLM_CIRCUIT_THRESHOLD": "5; rm -rf $HOME"}, order="a'b`c`")

    told = shlex.split(command_of(form.replayed(typed, SINCE, UNTIL), []))

    assert told[4:8] == ["--set", "circuit_threshold=5; rm -rf $HOME", "--order", "a'b`c`"]


def test_the_hints_say_what_was_in_force_then(day: Store) -> None:
    now = in_force(day, datetime(2026, 3, 2, 12, tzinfo=UTC))

    assert form.hint("METIS_LLM_CIRCUIT_THRESHOLD", now) == "as it was: 3"
    assert form.order_hint(now) == "as it was: openrouter,anthropic,deepseek,openai"
    before = in_force(day, datetime(2020, 1, 1, tzinfo=UTC))
    assert (before.known, form.order_hint(before)) == (False, "as it was: not in the log")


def each_number(low: float | None, middle: float | None, high: float | None) -> dict[str, dict[str, float | None]]:
    return {name: {"low": low, "middle": middle, "high": high} for name in words.NUMBERS}


def told(unknown: float = 0.0, *, order: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "window": {"since": None, "until": None},
        "processes": 2,
        "settings_known": True,
        "policy": {"changes": {}, "order": list(order)},
        "reality": {"requests": 10, **dict.fromkeys(words.NUMBERS, 0.9)},
        "predicted": each_number(0.9, 0.95, 0.99),
        "calls": {"happened": 1 - unknown, "drawn": 0.0, "unknown": unknown},
        "draws": 20,
        "left_out": 0,
        "quiet": 0,
    } | more


def test_much_that_is_unknown_and_a_new_order_are_said_plainly() -> None:
    assert list(words.doubts(told(0.03))) == []
    assert list(words.doubts(told(0.05))) == [
        "5.0 % of the calls are unknown: read this as a question, not as an answer."
    ]
    (doubt,) = words.doubts(told(order=("openai",)))
    assert "hardly better than a guess" in doubt
    doubts = list(words.doubts(told(settings_known=False, left_out=2, quiet=1200)))
    assert [text.split(":")[0] for text in doubts] == [
        "The log does not say its settings",
        "Not played but counted as they were",
        "2 requests are left out",
    ]


def test_a_difference_is_told_in_the_numbers_unit() -> None:
    rows = words.compared(told())

    assert rows[0] == ("success rate", "90.0 %", "95.0 %", "90.0 %", "99.0 %", "+5.0 points")
    same = told(predicted=each_number(0.9, 0.9, 0.9))
    assert {row[-1] for row in words.compared(same)} == {"none"}
    without = told(predicted=each_number(None, None, None))
    assert words.compared(without)[0][2:] == ("–", "–", "–", "–")


def test_a_sweep_over_one_setting_has_one_line_and_no_legend() -> None:
    cells = [told() | {"settings": {"circuit_threshold": value}} for value in ("2", "3.0")]
    charts = packed_sweep(told(sweep=cells), {"circuit_threshold": "3", "circuit_cooldown_seconds": "60"})

    figure = orjson.loads(charts["success"])["figure"]
    (line, ring) = figure["data"]
    assert (line["showlegend"], line["x"], line["y"]) == (False, [0, 1], [0.95, 0.95])
    assert line["error_y"]["array"] == [pytest.approx(0.04)] * 2
    assert (ring["name"], ring["x"]) == ("in force", [1])
    assert figure["layout"]["annotations"][0]["text"] == "was 90.0 %"


def test_quiet_requests_count_and_change_nothing() -> None:
    end = RequestFinished(
        request_id="r",
        status=RequestStatus.EXHAUSTED,
        provider=None,
        attempts=1,
        fallbacks=0,
        total_ms=500.0,
        wasted_ms=500.0,
    )

    found = Ends.of([end], np.array([100.0, 200.0, 300.0])).summary(0)

    assert (found.requests, found.success_rate, found.wasted_s) == (4, 0.75, 0.5)


def answered(store: Store, found: Chosen) -> dict[str, Any]:
    with found.lines(store) as lines:
        return document(lives_of(lines), found.question, found.quiet)


def test_of_a_log_too_long_to_play_the_quiet_requests_are_counted_as_they_were(
    day: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Question(draws=1, since=datetime(2026, 3, 2, 2, tzinfo=UTC), until=datetime(2026, 3, 2, 9, tzinfo=UTC))
    whole = answered(day, chosen(day, asked))
    monkeypatch.setattr(choosing, "MOST_REQUESTS", 300)

    part = answered(day, chosen(day, asked))

    assert 100 < part["quiet"] < whole["reality"]["requests"]
    assert (part["reality"], part["left_out"]) == (whole["reality"], whole["left_out"])
    for name, told_ in part["predicted"].items():  # under its own policy the log gives reality back, either way
        assert told_["middle"] == pytest.approx(whole["reality"][name], rel=1e-3)


def test_other_settings_tell_the_same_of_the_played_part_as_of_the_whole(
    day: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"since": datetime(2026, 3, 2, 17, tzinfo=UTC), "until": datetime(2026, 3, 2, 20, tzinfo=UTC)}
    asked = Question(("circuit_threshold=2", "circuit_cooldown_seconds=20"), draws=5, **times)
    whole = answered(day, chosen(day, asked))
    monkeypatch.setattr(choosing, "MOST_REQUESTS", 300)

    part = answered(day, chosen(day, asked))

    assert part["quiet"] > 100
    for name, told_ in part["predicted"].items():  # other draws: the intervals meet
        other = whole["predicted"][name]
        assert told_["low"] <= other["high"], name
        assert other["low"] <= told_["high"], name


@pytest.mark.parametrize(
    ("words_", "least"),
    [({}, 0), ({"pairs": ("max_concurrency=1",)}, None), ({"order": "anthropic,openrouter"}, None)],
)
def test_nothing_is_quiet_where_the_policy_would_change_it(
    day: Store, monkeypatch: pytest.MonkeyPatch, words_: dict[str, Any], least: int | None
) -> None:
    monkeypatch.setattr(choosing, "MOST_REQUESTS", 300)
    found = chosen(day, Question(draws=1, **words_))

    assert (len(found.quiet) > 0) is (least is not None)


def test_draws_are_fewer_where_the_requests_are_many(day: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST_REQUESTS", 20_000)

    found = chosen(day, Question())

    assert 5 <= found.question.draws < 20
    assert chosen(day, Question(until=datetime(2026, 3, 2, 1, tzinfo=UTC))).question.draws == 20


def test_a_sample_is_the_one_that_pythons_own_generator_draws() -> None:
    from dashboard.whatif.prediction import _uniform

    rng = random.Random("1:2:requests")

    assert _uniform(1000, "1:2:requests").tolist() == [rng.random() for _ in range(1000)]
