"""Building blocks of the charts, as Plotly's own dictionaries: lines with honest gaps, thresholds, shade where their alerts are.

Values come as plain rows: (epoch milliseconds, value, count the value rests on). A chart is put together from
dictionaries in one go, which costs a third of adding to a figure piece by piece.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard import theme
from dashboard.inert import chart_text

LOW_COUNT = 5
"""Below this many values a bucket is drawn as a hollow point."""

Row = tuple[int, float, int]
Part = dict[str, Any]
"""A trace, a shape or an annotation."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which an alert was pending, or firing; epoch milliseconds."""

    start_ms: int
    end_ms: int
    firing: bool


@dataclass(frozen=True, slots=True)
class Threshold:
    """The line of an alert rule.

    value: in the axis' unit; color: a status colour; label_at: where the label begins, 0..1 of the width.
    """

    value: float
    label: str
    color: str
    label_at: float = 0.0


def epoch_ms(times: "pd.Series[Any] | list[datetime]") -> list[int]:
    """Times as whole milliseconds since the epoch, UTC."""
    return pd.DatetimeIndex(times).as_unit("ms").asi8.tolist()


def rows(at: pd.Series, values: Iterable[Any], counts: Iterable[Any]) -> list[Row]:
    """One row per known value, in the order given."""
    found = zip(epoch_ms(at), values, counts, strict=True)
    return [(x, round(float(y), 4), int(n)) for x, y, n in found if pd.notna(y)]


def line(name: str, points: Sequence[Row], step_ms: int, *, hover: str, **style: Any) -> list[Part]:
    """A line that breaks where a bucket is missing, faint where counts are low, with hollow points there.

    step_ms: width of a bucket. hover: what a value looks like, in Plotly's template syntax. style: Plotly's
    properties of the line, and `visible`.
    """
    shared = {
        "type": "scatter",
        "name": name,
        "legendgroup": name,
        "visible": style.pop("visible", True),
        "hovertemplate": f"{hover} (n %{{customdata}})<extra>{chart_text(name)}</extra>",
    }
    silent = {"hovertemplate": None, "hoverinfo": "skip"}
    strong, faint = _segments(points, step_ms)
    covered = {x for x, y, _ in strong if y is not None}
    marked = [p for p in points if p[2] < LOW_COUNT or p[0] not in covered]
    marker = {
        "color": style["color"],
        "size": 4.5,
        "symbol": ["circle-open" if n < LOW_COUNT else "circle" for _, _, n in marked],
    }
    thin = style | {"width": 0.7, "dash": "solid"}
    return [
        shared | _columns(strong) | {"mode": "lines", "line": {"width": 1.7} | style, "showlegend": bool(strong)},
        shared | _columns(faint) | silent | {"mode": "lines", "line": thin, "opacity": 0.6, "showlegend": False},
        shared | _columns(marked) | {"mode": "markers", "marker": marker, "showlegend": not strong},
    ]


def shade(spans: Sequence[Span], color: str, top: float) -> list[Part]:
    """Boxes of full height where an alert was pending, and darker ones where it fired. top: upper end of the axis."""
    return [_boxes([span for span in spans if span.firing is firing], color, top, firing) for firing in (False, True)]


def _boxes(spans: Sequence[Span], color: str, top: float, firing: bool) -> Part:
    xs: list[int | None] = []
    ys: list[float | None] = []
    for span in spans:
        xs += [span.start_ms, span.start_ms, span.end_ms, span.end_ms, span.start_ms, None]
        ys += [0, top, top, 0, 0, None]
    return {
        "type": "scatter",
        "name": "firing" if firing else "pending",
        "x": xs,
        "y": ys,
        "mode": "none",
        "fill": "toself",
        "fillcolor": theme.faded(color, 17 if firing else 7),
        "hoverinfo": "skip",
        "showlegend": False,
    }


def dashed(threshold: Threshold) -> Part:
    """The threshold's line over the whole width (a shape)."""
    style = {"color": threshold.color, "width": 1, "dash": "dash"}
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": threshold.value, "y1": threshold.value} | {
        "line": style
    }


def label(threshold: Threshold) -> Part:
    """The threshold's name on its line (an annotation)."""
    return {
        "text": chart_text(threshold.label),
        "font": {"color": threshold.color, "size": 10},
        "xref": "x domain",
        "x": threshold.label_at,
        "y": threshold.value,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
    }


def note(text: str) -> Part:
    """A note in the middle of a chart that has nothing else to show (an annotation)."""
    place = {"x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
    return place | {"text": chart_text(text), "font": {"color": theme.MUTED}}


_Point = tuple[int, float | None, int]


def _segments(points: Sequence[Row], step_ms: int) -> tuple[list[_Point], list[_Point]]:
    """Pairs of neighbouring buckets, joined to lines: those with enough values at both ends, and the others."""
    strong: list[_Point] = []
    faint: list[_Point] = []
    for before, after in itertools.pairwise(points):
        if after[0] - before[0] > step_ms:
            continue
        path = strong if min(before[2], after[2]) >= LOW_COUNT else faint
        if not path or path[-1] != before:
            path += [(before[0], None, 0), before] if path else [before]
        path.append(after)
    return strong, faint


def _columns(points: Sequence[_Point]) -> Part:
    return {
        "x": [x for x, _, _ in points],
        "y": [y for _, y, _ in points],
        "customdata": [n for _, _, n in points],
    }
