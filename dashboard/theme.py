"""Colours per provider and state, thresholds' colours, and the layout that all charts share.

A chart is built once and shown in light and dark: a colour that depends on the theme is a variable
(`var(--red)`), which the chart component resolves in the browser; `var(--red-15)` is red at 15 % opacity. Series
are Okabe-Ito and the same in both.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from resilience.events import State

TEXT, MUTED, GRID = "var(--text)", "var(--muted)", "var(--grid)"
BACKGROUND, ACCENT = "var(--background)", "var(--accent)"
CRITICAL, WARNING, OK, NO_DATA = "var(--red)", "var(--orange)", "var(--green)", "var(--gray)"
"""Status colours: where there is a status, and nowhere else."""

STATE_COLORS: Mapping[str, str] = {
    State.OPEN: CRITICAL,
    State.HALF_OPEN: WARNING,
    State.CLOSED: OK,
    "UNKNOWN": NO_DATA,
}

# Okabe and Ito, "Color Universal Design", 2008; then greys.
SERIES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#595959", "#8C8C8C", "#BFBFBF")
_KNOWN = ("openrouter", "anthropic", "deepseek", "openai")


def faded(color: str, percent: int) -> str:
    """One of this module's variables at `percent` opacity."""
    return color.replace(")", f"-{percent})")


def provider_colors(names: Iterable[str]) -> dict[str, str]:
    """A colour per provider. The four known ones keep theirs in any order; others share the rest by name."""
    colors = dict(zip(_KNOWN, SERIES, strict=False))
    rest = SERIES[len(_KNOWN) :]
    others = sorted(set(names) - set(_KNOWN))
    return colors | {name: rest[i % len(rest)] for i, name in enumerate(others)}


def layout(start_ms: int, end_ms: int) -> dict[str, Any]:
    """Layout of a chart over time: one time axis in UTC, no frame, a legend above on the right.

    start_ms, end_ms: ends of the axis, epoch milliseconds.
    """
    return {
        "template": "none",
        "margin": {"l": 84, "r": 10, "t": 20, "b": 20},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 11, "color": TEXT},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": BACKGROUND, "bordercolor": GRID, "font": {"color": TEXT, "size": 11}},
        "dragmode": "select",
        "selectdirection": "h",
        "newselection": {"line": {"color": ACCENT, "width": 1}},
        "modebar": {"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": MUTED, "activecolor": ACCENT},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0.97,  # the tools stand to the right
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 11},
            "uirevision": "legend",
        },
        "xaxis": {
            "type": "date",
            "range": [start_ms, end_ms],
            "gridcolor": GRID,
            "linecolor": GRID,
            "zeroline": False,
            "hoverformat": "%Y-%m-%d %H:%M:%S UTC",
        },
        "yaxis": {"gridcolor": GRID, "zerolinecolor": GRID, "fixedrange": True, "automargin": False},
    }
