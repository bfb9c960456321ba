"""A sweep as small charts: one per number, the first setting along the axis, a line per value of the second.

The bars are the intervals. What really happened is a dashed line, the policy in force has a ring around its point.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from dashboard import theme
from dashboard.inert import chart_text
from dashboard.packing import packed
from dashboard.traces import Part, Threshold, dashed, label
from dashboard.whatif.words import NUMBERS, Document, is_own, ranged, share

HEIGHT_PX = 190
APART = 0.09
"""Between neighbouring lines at one value of the axis, so that their intervals can be told apart; 1 is the next value."""
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "5px 2px", "2px 4px")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "triangle-down", "star", "cross")
_CHARTS = {
    "success": ("success_rate", 1.0, "Success rate", "% of requests", {"tickformat": ".1~%"}),
    "p95": ("p95_ms", 1e-3, "p95 of the wait", "seconds", {"ticksuffix": " s", "rangemode": "tozero"}),
    "wasted": ("wasted_s", 1.0, "Wasted in all", "seconds", {"ticksuffix": " s", "rangemode": "tozero"}),
    "fallbacks": (
        "fallback_rate",
        1.0,
        "Requests with a fallback",
        "% of requests",
        {"tickformat": ".1~%", "rangemode": "tozero"},
    ),
}
"""By name: the number, what it is multiplied by, title, unit, axis."""


def packed_sweep(found: Document, own: Mapping[str, str]) -> Mapping[str, bytes]:
    """The charts by name, ready to send. own: the settings in force, by short name."""
    charts = {}
    for name, (number, times, title, unit, axis) in _CHARTS.items():
        was = found["reality"][number]
        line = None if was is None else Threshold(was * times, f"was {NUMBERS[number].shown(was)}", theme.MUTED)
        figure = _figure(found, number, times, own, axis, line)
        settings = " and ".join(map(_named, found["sweep"][0]["settings"]))
        alt = f"{title}, {unit}, by {settings}; the table below has the numbers"
        charts[name] = packed(figure, title=title, unit=unit, alt=alt, group=f"whatif.{name}", height_px=HEIGHT_PX)
    return charts


def _figure(
    found: Document, number: str, times: float, own: Mapping[str, str], axis: Part, was: Threshold | None
) -> go.Figure:
    cells = found["sweep"]
    first, *others = cells[0]["settings"]
    values = list(dict.fromkeys(cell["settings"][first] for cell in cells))
    lines: dict[str, list[Any]] = {}
    for cell in cells:
        lines.setdefault(cell["settings"][others[0]] if others else "", []).append(cell)
    traces, rings = [], []
    for place, (value, points) in enumerate(lines.items()):
        offset = (place - (len(lines) - 1) / 2) * min(APART, 0.6 / len(lines))
        name = f"{_named(others[0])} {value}" if others else _named(first)
        trace = _line(name, [(values.index(c["settings"][first]) + offset, c) for c in points], number, times, place)
        traces.append(trace | {"hovertext": [_spelled(cell) for cell in points], "showlegend": bool(others)})
        rings += [
            (x, y) for x, y, cell in zip(trace["x"], trace["y"], points, strict=True) if is_own(cell["settings"], own)
        ]
    if rings:
        traces.append(_ring(rings))
    shared = theme.layout(0, 1)
    x = {
        "type": "linear",
        "range": [-0.5, len(values) - 0.5],
        "tickvals": list(range(len(values))),
        "ticktext": [chart_text(value) for value in values],
        "title": {"text": _named(first), "standoff": 4},
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "linecolor": theme.GRID,
    }
    layout = shared | {
        "xaxis": x,
        "yaxis": shared["yaxis"] | {"nticks": 5} | axis,
        "uirevision": "sweep",
        "dragmode": False,
        "hovermode": "closest",
        "margin": {"l": 58, "r": 10, "t": 24, "b": 36},
        "legend": shared["legend"] | {"x": 1},
    }
    if number == "success_rate":
        layout["yaxis"] = layout["yaxis"] | {"range": _rates(cells)}
    marks = {} if was is None else {"shapes": [dashed(was)], "annotations": [label(was)]}
    return go.Figure(data=traces, layout=layout | marks)


def _line(name: str, points: Sequence[tuple[float, Any]], number: str, times: float, place: int) -> Part:
    told = [cell["predicted"][number] for _, cell in points]
    middles = [None if each["middle"] is None else each["middle"] * times for each in told]
    color = theme.SERIES[place % len(theme.SERIES)]
    return {
        "type": "scatter",
        "name": chart_text(name),
        "mode": "lines+markers",
        "x": [x for x, _ in points],
        "y": middles,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [_beyond(each, "high", times) for each in told],
            "arrayminus": [_beyond(each, "low", times) for each in told],
            "color": color,
            "thickness": 1.2,
            "width": 3,
        },
        "line": {"color": color, "width": 1.5, "dash": _DASHES[place % len(_DASHES)]},
        "marker": {"color": color, "size": 6, "symbol": _SYMBOLS[place % len(_SYMBOLS)]},
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _rates(cells: Sequence[Any]) -> list[float]:
    """An axis for success rates: close enough to see a point's difference, never so close that one looks like a fall."""
    lows = [low for cell in cells if (low := cell["predicted"]["success_rate"]["low"]) is not None]
    lowest = min(lows, default=0.0)
    return [max(0.0, min(lowest - 0.02, 0.9)), 1.02]


def _beyond(told: Mapping[str, float | None], edge: str, times: float) -> float:
    middle, end = told["middle"], told[edge]
    return 0.0 if middle is None or end is None else abs(end - middle) * times


def _ring(points: Sequence[tuple[float, float]]) -> Part:
    return {
        "type": "scatter",
        "name": "in force",
        "mode": "markers",
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "marker": {"symbol": "circle-open", "size": 14, "color": theme.TEXT, "line": {"width": 2}},
        "hoverinfo": "skip",
    }


def _named(setting: str) -> str:
    return setting.removeprefix("circuit_").removesuffix("_seconds").replace("_", " ")


def _spelled(cell: Mapping[str, Any]) -> str:
    policy = ", ".join(f"{_named(name)} {value}" for name, value in cell["settings"].items())
    told = cell["predicted"]
    rates = "<br>".join(f"{each.words}: {ranged(told[name], each.shown)}" for name, each in NUMBERS.items())
    return f"{chart_text(policy)}<br>{rates}<br>unknown: {share(cell['calls']['unknown'])}"
