"""What operators did, as marks on a chart's time axis: when, who, what and why."""

from typing import Any

import pandas as pd

from dashboard import theme
from dashboard.inert import chart_text
from dashboard.traces import Part, epoch_ms

BY_PEOPLE = ("reorder", "config", "reset")
NAME = "actions"


def spelled(actions: pd.DataFrame) -> list[str]:
    """A hover text per action: kind, who, what with the reason. actions: metrics.actions. Escaped for Plotly."""
    columns = actions[["kind", "text", "actor"]].itertuples(index=False)
    return [chart_text(f"{kind}{_by(actor)}: {text}") for kind, text, actor in columns]


def marks(actions: pd.DataFrame, top: float) -> list[Part]:
    """A triangle at zero and a thin line up to `top` (in the axis' unit) for each change made by people or for them.

    actions: metrics.actions; starts and stops of the service are left to the lane below the circuits.
    """
    shown = actions[actions["kind"].isin(BY_PEOPLE)]
    if shown.empty:
        return []
    at = epoch_ms(shown["at"])
    lines: Part = {
        "type": "scatter",
        "name": f"{NAME} lines",
        "x": [x for ms in at for x in (ms, ms, None)],
        "y": [0, top, None] * len(at),
        "mode": "lines",
        "line": {"color": theme.faded(theme.ACCENT, 60), "width": 1},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    points: Part = {
        "type": "scatter",
        "name": NAME,
        "x": at,
        "y": [0] * len(at),
        "mode": "markers",
        "marker": {"symbol": "triangle-up", "size": 8, "color": theme.ACCENT},
        "cliponaxis": False,
        "customdata": spelled(shown),
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }
    return [lines, points]


def _by(actor: Any) -> str:
    return f" by {actor}" if isinstance(actor, str) and actor else ""
