"""Frames to charts, one function per chart. Empty input gives an empty chart with a note on it.

Every chart has the same time axis in UTC, from the window's start to its end; rates and durations begin at
zero. A bucket without data is a gap. Thresholds are those of the alert rules, and where an alert was pending or firing
its chart is shaded: chart and alert say the same. Names and texts from the log or a rule file are checked or escaped:
Plotly would make markup of them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard import theme
from dashboard.alert_board.course import Bar
from dashboard.alert_board.limits import Limit
from dashboard.alert_board.words import WORDS, against
from dashboard.alerts.evaluate import Phase
from dashboard.alerts.rule import Rule, Rules, Severity
from dashboard.inert import chart_text, provider_label
from dashboard.marks import marks, spelled
from dashboard.traces import Part, Row, Span, Threshold, dashed, epoch_ms, label, line, note, rows, shade
from dashboard.window import Window

ACTIONS_LANE = "actions"
_NO_RULES = Rules(10, ())
ALERT_LANES: Mapping[Severity, str] = {Severity.CRITICAL: "▲ critical", Severity.WARNING: "◆ warning"}
SEVERITY_COLORS: Mapping[Severity, str] = {Severity.CRITICAL: theme.CRITICAL, Severity.WARNING: theme.WARNING}


def circuits(
    order: Sequence[str],
    intervals: pd.DataFrame,
    actions: pd.DataFrame,
    window: Window,
    at: datetime,
    rules: Rules = _NO_RULES,
    bars: Sequence[Bar] = (),
) -> go.Figure:
    """Circuit states: a lane per provider in chain order, then one for the alerts of each severity and one for actions.

    OPEN is a solid bar, HALF_OPEN hatched, unknown grey, CLOSED a thin line: shape says it as well as colour.
    intervals, actions: metrics.circuit_intervals and metrics.actions. at: the moment shown as now. bars: what was pending
    or active in the window; rules that were so have each a row of their own within the lane.
    """
    others = sorted({provider_label(p) for p in intervals["provider"]} - set(order))
    lanes = [*order, *others, *ALERT_LANES.values(), ACTIONS_LANE]
    y = {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": lanes[::-1],
        "range": [-0.6, len(lanes) - 0.4],
        "showgrid": False,
    }
    states = [_bar(state, intervals[intervals["state"] == state]) for state in _BARS]
    lane = {
        "type": "scatter",
        "name": ACTIONS_LANE,
        "x": epoch_ms(actions["at"]),
        "y": [ACTIONS_LANE] * len(actions),
        "mode": "markers",
        "marker": {"symbol": "triangle-up", "size": 9, "color": theme.ACCENT},
        "hovertext": spelled(actions),
        "hovertemplate": "%{hovertext}<br>%{x|%H:%M:%S} UTC<extra></extra>",
    }
    layout = {"hovermode": "closest", "bargap": 0, "barmode": "overlay", "showlegend": False}
    return _figure(window, y, [*states, *_alert_bars(rules, bars), lane], shapes=_now_line(window, at), **layout)


def with_actions(figure: go.Figure, actions: pd.DataFrame) -> go.Figure:
    """The chart with a mark on its time axis for each change that people made. actions: metrics.actions."""
    found = marks(actions, figure.layout.yaxis.range[1])
    return figure.add_traces(found) if found else figure


def success_rate(attempts: pd.DataFrame, order: Sequence[str], window: Window) -> go.Figure:
    """Success rate per provider, of attempts that ended, in the provider's colour. attempts: attempts_by_bucket."""
    traces = []
    for provider, color, own in _per_provider(attempts, order):
        points = rows(own["bucket_at"], own["success_rate"], own["success"] + own["failed"])
        traces += line(provider, points, _step_ms(window), hover="%{y:.1%}", color=color)
    notes = [note("no attempt ended in this window")] if attempts.empty else []
    return _figure(window, {"range": [-0.03, 1.05], "tickformat": ".0%", "dtick": 0.5}, traces, annotations=notes)


def request_rates(requests: pd.DataFrame, window: Window, limits: Sequence[Limit] = ()) -> go.Figure:
    """Error rate and fallback rate of requests. requests: requests_by_bucket; limits: of the rules on either."""
    errors = rows(requests["bucket_at"], requests["error_rate"], requests["total"])
    fallbacks = rows(requests["bucket_at"], requests["fallback_rate"], requests["total"])
    top = min(1.0, _top(limits, 0.3, errors + fallbacks)) * 1.08
    step_ms = _step_ms(window)
    traces = [
        *_shades(limits, top),
        *line("fallback rate", fallbacks, step_ms, hover="%{y:.1%}", color=theme.MUTED, dash="dot"),
        *line("error rate", errors, step_ms, hover="%{y:.1%}", color=theme.TEXT),
    ]
    return _with_limits(window, {"range": [0, top], "tickformat": ".0%", "nticks": 4}, traces, limits, requests)


def response_time(
    requests: pd.DataFrame,
    attempts: pd.DataFrame,
    order: Sequence[str],
    window: Window,
    limits: Sequence[Limit] = (),
) -> go.Figure:
    """Median and 95th percentile of what callers waited, in seconds; a provider's own p95 by a click in the legend.

    requests, attempts: requests_by_bucket and attempts_by_bucket; limits: of the rules on the 95th percentile.
    """
    median = rows(requests["bucket_at"], requests["p50_ms"] / 1000, requests["total"])
    p95 = rows(requests["bucket_at"], requests["p95_ms"] / 1000, requests["total"])
    top = _top(limits, 2.0, p95) * 1.08
    step_ms = _step_ms(window)
    traces = [
        *_shades(limits, top),
        *line("median", median, step_ms, hover="%{y:.2f}", color=theme.MUTED, dash="dot"),
        *line("p95", p95, step_ms, hover="%{y:.2f}", color=theme.TEXT),
    ]
    for provider, color, own in _per_provider(attempts, order):
        points = rows(own["bucket_at"], own["p95_ms"] / 1000, own["success"] + own["failed"])
        traces += line(f"{provider} p95", points, step_ms, hover="%{y:.2f}", color=color, visible="legendonly")
    return _with_limits(window, {"range": [0, top], "ticksuffix": " s", "nticks": 4}, traces, limits, requests)


# State: how thick its bar is, in lanes, and its pattern.
_BARS: Mapping[str, tuple[float, dict[str, Any]]] = {
    "CLOSED": (0.14, {}),
    "UNKNOWN": (0.34, {}),
    "HALF_OPEN": (0.66, {"shape": "/", "size": 5, "solidity": 0.5, "fillmode": "replace", "bgcolor": theme.BACKGROUND}),
    "OPEN": (0.66, {}),
}


def _figure(window: Window, y: Part, traces: Sequence[Part], **layout: Any) -> go.Figure:
    shared = theme.layout(*epoch_ms([window.start, window.end]))
    return go.Figure(data=traces, layout=shared | {"yaxis": shared["yaxis"] | y} | layout)


def _bar(state: str, intervals: pd.DataFrame) -> Part:
    starts, ends = epoch_ms(intervals["start_at"]), epoch_ms(intervals["end_at"])
    width, pattern = _BARS[state]
    return {
        "type": "bar",
        "name": state,
        "orientation": "h",
        "y": [provider_label(provider) for provider in intervals["provider"]],
        "base": starts,
        "x": [end - start for start, end in zip(starts, ends, strict=True)],
        "width": width,
        "marker": {"color": theme.STATE_COLORS[state], "line": {"width": 0}, "pattern": pattern},
        "hovertext": [_spell(row) for row in intervals.to_dict("records")],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _top(limits: Sequence[Limit], least: float, points: Sequence[Row]) -> float:
    """How far an axis goes: to all values, with room above each threshold for its label."""
    return max([least, *(limit.value * 1.2 for limit in limits), *(y for _, y, _ in points)])


def _shades(limits: Sequence[Limit], top: float) -> list[Part]:
    return [
        part
        for limit in limits
        for part in shade(
            [_span(bar) for bar in limit.bars],
            SEVERITY_COLORS[limit.severity],
            top,
        )
    ]


def _span(bar: Bar) -> Span:
    start_ms, end_ms = epoch_ms([bar.start_at, bar.end_at])
    return Span(start_ms, end_ms, bar.active)


def _with_limits(
    window: Window, y: Part, traces: Sequence[Part], limits: Sequence[Limit], requests: pd.DataFrame
) -> go.Figure:
    lines = [
        Threshold(limit.value, limit.label, SEVERITY_COLORS[limit.severity], 0.18 * place)
        for place, limit in enumerate(limits)
    ]
    notes = [*map(label, lines), *_without(requests)]
    return _figure(window, y, traces, shapes=[*map(dashed, lines)], annotations=notes)


def _alert_bars(rules: Rules, bars: Sequence[Bar]) -> list[Part]:
    """The lanes' bars: pending lighter than firing, hatched where a firing alert has no data."""
    by_name = {rule.name: rule for rule in rules.rules}
    seen = {bar.rule for bar in bars}
    parts = []
    for severity, lane in ALERT_LANES.items():
        own = [rule.name for rule in rules.rules if rule.severity is severity and rule.name in seen]
        height = 0.84 / max(1, len(own))
        shown = [bar for bar in bars if bar.rule in own]
        edges = [epoch_ms([bar.start_at, bar.end_at]) for bar in shown]
        color = SEVERITY_COLORS[severity]
        parts.append(
            {
                "type": "bar",
                "name": lane,
                "orientation": "h",
                "y": [lane] * len(shown),
                "base": [start for start, _ in edges],
                "x": [end - start for start, end in edges],
                # The first rule on top; a little air between rows.
                "offset": [0.42 - height * (own.index(bar.rule) + 1) for bar in shown],
                "width": height * (0.86 if len(own) > 1 else 1),
                "marker": {
                    "color": [color if bar.active else theme.faded(color, 35) for bar in shown],
                    "line": {"width": 0},
                    "pattern": {
                        "shape": ["/" if bar.active and bar.phase is Phase.NO_DATA else "" for bar in shown],
                        "size": 5,
                        "solidity": 0.5,
                        "fillmode": "replace",
                        "bgcolor": theme.BACKGROUND,
                    },
                },
                "hovertext": [_spell_alert(by_name[bar.rule], bar) for bar in shown],
                "hovertemplate": "%{hovertext}<extra></extra>",
            }
        )
    return parts


def _spell_alert(rule: Rule, bar: Bar) -> str:
    word = "firing, no data" if bar.active and bar.phase is Phase.NO_DATA else WORDS[bar.phase]
    when = f"{bar.since:%H:%M:%S} to {bar.until:%H:%M:%S}" if bar.until else f"since {bar.since:%H:%M:%S}"
    return chart_text(f"{rule.title}: {word} {when} UTC, {against(rule, bar.value, bar.count)} as it began")


def _now_line(window: Window, at: datetime) -> list[Part]:
    if not window.start <= at < window.end:
        return []
    (x,) = epoch_ms([at])
    style = {"color": theme.MUTED, "width": 1, "dash": "dot"}
    return [{"type": "line", "yref": "y domain", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": style}]


def _without(requests: pd.DataFrame) -> list[Part]:
    return [note("no request ended in this window")] if requests.empty else []


def _step_ms(window: Window) -> int:
    return window.bucket_s * 1000


def _per_provider(attempts: pd.DataFrame, order: Sequence[str]) -> list[tuple[str, str, pd.DataFrame]]:
    colors = theme.provider_colors(order)
    by_provider = dict(iter(attempts.groupby("provider", sort=False)))
    return [(provider, colors[provider], by_provider.get(provider, attempts[:0])) for provider in order]


def _spell(interval: Mapping[Any, Any]) -> str:
    start, end = pd.Timestamp(interval["start_at"]), pd.Timestamp(interval["end_at"])
    cause = f" ({interval['cause']})" if isinstance(interval["cause"], str) else ""
    inferred = ", inferred" if interval["inferred"] else ""
    span = f"{start:%H:%M:%S} to {end:%H:%M:%S} UTC, {(end - start).total_seconds():,.0f} s"
    return chart_text(f"{provider_label(interval['provider'])} {interval['state']}{cause}{inferred}: {span}")
