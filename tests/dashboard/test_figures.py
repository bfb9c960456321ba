"""Charts: gaps stay gaps, low counts are marked, thresholds and breaches are drawn, texts stay texts."""

from dataclasses import replace
from typing import Any

import plotly.graph_objects as go
import pytest

from dashboard import figures, theme
from dashboard.alert_board.course import Bar
from dashboard.alert_board.limits import limits
from dashboard.alerts.evaluate import Phase
from dashboard.alerts.rule import Metric, Rules
from dashboard.alerts.rulefile import load_rules
from tests.dashboard.frames_kit import ACTIONS, INTERVALS, ORDER, START, WINDOW, at, attempts, frame, requests

RULES = load_rules()
MINUTE_MS = 60_000
START_MS = round(START.timestamp() * 1000)


def traces(figure: go.Figure, name: str, mode: str = "lines") -> list[Any]:
    return [trace for trace in figure.data if trace.name == name and trace.mode == mode]


def test_a_missing_bucket_breaks_the_line() -> None:
    frame_ = attempts(*((s, "openai", 10, 0, 900.0) for s in (0, 10, 20, 60, 70)))

    (strong, _) = traces(figures.success_rate(frame_, ORDER, WINDOW), "openai")

    assert strong.x == tuple(START_MS + s * 1000 for s in (0, 10, 20, 60, 60, 70))
    assert strong.y == (1.0, 1.0, 1.0, None, 1.0, 1.0)


def test_a_low_count_is_a_hollow_point_on_a_faint_line() -> None:
    frame_ = attempts((0, "openai", 10, 0, 900.0), (10, "openai", 10, 0, 900.0), (20, "openai", 1, 1, 900.0))

    figure = figures.success_rate(frame_, ORDER, WINDOW)

    strong, faint = traces(figure, "openai")
    (points,) = traces(figure, "openai", "markers")
    assert strong.y == (1.0, 1.0)
    assert faint.y == (1.0, 0.5)
    assert points.x == (START_MS + 20_000,)
    assert points.marker.symbol == ("circle-open",)


def test_a_bucket_alone_is_a_point() -> None:
    figure = figures.success_rate(attempts((30, "deepseek", 9, 1, 900.0)), ORDER, WINDOW)

    (points,) = traces(figure, "deepseek", "markers")
    assert points.marker.symbol == ("circle",)
    assert points.showlegend


def test_the_count_stands_beside_each_value() -> None:
    frame_ = attempts((0, "openai", 10, 0, 900.0), (10, "openai", 30, 10, 900.0))

    (strong, _) = traces(figures.success_rate(frame_, ORDER, WINDOW), "openai")

    assert strong.customdata == (10, 40)
    assert "(n %{customdata})" in strong.hovertemplate


def test_a_provider_keeps_its_colour_in_any_order() -> None:
    usual = theme.provider_colors(ORDER)

    assert usual == theme.provider_colors(ORDER[::-1])
    assert theme.provider_colors((*ORDER, "mistral"))["mistral"] == "#56B4E9"


def test_the_rules_thresholds_are_dashed_and_labelled() -> None:
    known = limits(RULES, (), Metric.ERROR_RATE, Metric.FALLBACK_RATE)

    figure = figures.request_rates(requests((0, 50, 0.0, 0.0, 900.0)), WINDOW, known)

    assert [(shape.y0, shape.line.dash) for shape in figure.layout.shapes] == [(0.10, "dash"), (0.25, "dash")]
    assert [note.text for note in figure.layout.annotations] == ["Error rate &gt; 10 %", "Fallback rate &gt; 25 %"]


def test_a_threshold_of_ones_own_is_on_the_axis() -> None:
    slow = replace(RULES.named("response_time_p95"), threshold=90.0)

    figure = figures.response_time(
        requests((0, 9, 0.0, 0.0, 900.0)),
        attempts(),
        ORDER,
        WINDOW,
        limits(Rules(10, (slow,)), (), Metric.RESPONSE_TIME_P95_S),
    )

    assert figure.layout.shapes[0].y0 == 90.0
    assert figure.layout.yaxis.range[1] > 90.0


def test_what_people_changed_is_marked_on_the_time_axis_with_who_and_why() -> None:
    hostile = "<a href=x>bob</a>"
    actions = frame(
        ACTIONS,
        (at(30), "start", "service started", None),
        (at(90), "reorder", f"ORDER: a → b ({hostile})", hostile),
        (at(95), "reset", "openrouter: manual_reset", None),
    )

    figure = figures.with_actions(figures.request_rates(requests((0, 50, 0.0, 0.0, 900.0)), WINDOW), actions)

    (points,) = traces(figure, "actions", "markers")
    assert points.x == (START_MS + 90_000, START_MS + 95_000)
    escaped = "&lt;a href=x&gt;bob&lt;/a&gt;"
    assert points.customdata == (f"reorder by {escaped}: ORDER: a → b ({escaped})", "reset: openrouter: manual_reset")


def bar(rule: str, phase: Phase, start_s: float, end_s: float, *, lasts: bool = False) -> Bar:
    active = phase in (Phase.FIRING, Phase.NO_DATA)
    until = None if lasts else at(end_s)
    return Bar(rule, phase, active, at(start_s), at(end_s), at(start_s), until, 0.231, 90)


def test_a_chart_is_shaded_where_its_alert_was_pending_and_darker_where_it_fired() -> None:
    bars = [bar("error_rate", Phase.PENDING, 10, 30), bar("error_rate", Phase.FIRING, 30, 60)]
    others = [bar("response_time_p95", Phase.FIRING, 0, 600)]
    known = limits(RULES, [*bars, *others], Metric.ERROR_RATE)

    figure = figures.request_rates(requests((0, 50, 0.0, 0.0, 900.0)), WINDOW, known)

    def box_x(start_s: int, end_s: int) -> tuple[int | None, ...]:
        return (*(START_MS + s * 1000 for s in (start_s, start_s, end_s, end_s, start_s)), None)

    (pending,), (firing,) = (traces(figure, name, "none") for name in ("pending", "firing"))
    assert (box_x(10, 30), box_x(30, 60)) == (pending.x, firing.x)
    assert (pending.fillcolor, firing.fillcolor) == ("var(--red-7)", "var(--red-17)")


def test_alerts_have_a_lane_per_severity_and_a_row_per_rule_in_it() -> None:
    bars = [
        bar("error_rate", Phase.PENDING, 0, 300),
        bar("all_circuits_open", Phase.FIRING, 60, 300, lasts=True),
        bar("fallback_rate", Phase.NO_DATA, 10, 20),
    ]

    figure = figures.circuits(ORDER, frame(INTERVALS), frame(ACTIONS), WINDOW, at(300), RULES, bars)

    critical, warning = (next(t for t in figure.data if t.name == lane) for lane in figures.ALERT_LANES.values())
    assert critical.base == (START_MS, START_MS + MINUTE_MS)
    assert critical.x == (5 * MINUTE_MS, 4 * MINUTE_MS)
    assert critical.offset[1] > critical.offset[0]  # the rules' order, from the top
    assert critical.marker.color == ("var(--red-35)", "var(--red)")
    assert warning.marker.pattern.shape == ("/",)
    assert critical.hovertext[0] == "Error rate: pending 02:40:00 to 02:45:00 UTC, 23.1 % &gt; 10 % as it began"
    assert critical.hovertext[1] == "All circuits open: firing since 02:41:00 UTC, 21 of 90 as it began"
    assert "firing, no data" in warning.hovertext[0]


def test_a_rules_title_cannot_become_markup() -> None:
    hostile = "<a href='http://evil.example'>x</a>"
    rules = Rules(10, (replace(RULES.named("error_rate"), title=hostile),))
    bars = [bar("error_rate", Phase.FIRING, 0, 60)]

    lanes = figures.circuits(ORDER, frame(INTERVALS), frame(ACTIONS), WINDOW, at(300), rules, bars)
    rates = figures.request_rates(requests(), WINDOW, limits(rules, bars, Metric.ERROR_RATE))

    assert "<a" not in lanes.to_json() + rates.to_json()


def test_response_times_are_seconds_from_zero() -> None:
    figure = figures.response_time(
        requests((0, 50, 0, 0, 20_000.0), (10, 50, 0, 0, 4_000.0)), attempts(), ORDER, WINDOW
    )

    assert traces(figure, "p95")[0].y == (20.0, 4.0)
    assert traces(figure, "median")[0].y == (10.0, 2.0)
    assert figure.layout.yaxis.range[0] == 0
    assert figure.layout.yaxis.range[1] > 20


def test_a_circuit_has_a_bar_from_start_to_end_in_its_lane() -> None:
    intervals = frame(
        INTERVALS,
        ("openrouter", "CLOSED", at(0), at(60), None, None, True),
        ("openrouter", "OPEN", at(60), at(120), "threshold", at(120), False),
    )

    figure = figures.circuits(ORDER, intervals, frame(ACTIONS), WINDOW, at(300))

    (opened,) = (trace for trace in figure.data if trace.name == "OPEN")
    assert (opened.y, opened.base, opened.x) == (("openrouter",), (START_MS + MINUTE_MS,), (MINUTE_MS,))
    assert opened.hovertext[0] == "openrouter OPEN (threshold): 02:41:00 to 02:42:00 UTC, 60 s"
    assert ["actions", "◆ warning", "▲ critical", *ORDER[::-1]] == list(figure.layout.yaxis.categoryarray)


def test_open_and_half_open_differ_in_more_than_colour() -> None:
    figure = figures.circuits(ORDER, frame(INTERVALS), frame(ACTIONS), WINDOW, at(300))

    shapes = {trace.name: (trace.width, trace.marker.pattern.shape) for trace in figure.data if trace.type == "bar"}
    assert shapes["HALF_OPEN"][1] == "/"
    assert len(set(shapes.values())) >= 3


def test_operator_actions_stand_on_the_same_time_axis() -> None:
    actions = frame(ACTIONS, (at(90), "reorder", "anthropic first", "sre"))

    figure = figures.circuits(ORDER, frame(INTERVALS), actions, WINDOW, at(300))

    (marks,) = (trace for trace in figure.data if trace.name == "actions")
    assert (marks.x, marks.y) == ((START_MS + 90_000,), ("actions",))


@pytest.mark.parametrize("hostile", ["<a href='http://evil.example'>x</a>", "<b>bold</b>", "a & b"])
def test_text_from_the_log_cannot_become_markup(hostile: str) -> None:
    intervals = frame(INTERVALS, (hostile, "OPEN", at(0), at(60), hostile, None, False))
    actions = frame(ACTIONS, (at(90), hostile, hostile, hostile))

    figure = figures.circuits(ORDER, intervals, actions, WINDOW, at(300))

    text = figure.to_json()
    assert hostile not in text
    assert "invalid name" in figure.layout.yaxis.categoryarray


@pytest.mark.parametrize(
    "figure",
    [
        figures.success_rate(attempts(), ORDER, WINDOW),
        figures.request_rates(requests(), WINDOW),
        figures.response_time(requests(), attempts(), ORDER, WINDOW),
    ],
)
def test_without_data_a_chart_says_so(figure: go.Figure) -> None:
    assert any(note.text.startswith("no ") for note in figure.layout.annotations)
