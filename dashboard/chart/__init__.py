"""A Plotly chart that new data does not disturb: zoom, selection and hidden series stay.

st.plotly_chart mounts anew with each change of its data; this component keeps the node and calls Plotly.react.
Charts of one `group` share their time axis: a zoom in one is a zoom in all; one whose axis
is no time stands still. Plotly's JavaScript is the one
inside the installed Python package, served by dashboard/asgi.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of time that the reader chose in a chart."""

    start: datetime
    end: datetime


def show(content: bytes, key: str, on_brush: Callable[[], None]) -> TimeRange | None:
    """Draw a packed figure. The answer is the stretch that the reader has zoomed into, None for the whole.

    on_brush: called when a box was drawn; `brushed(key)` is the stretch it covers.
    """
    result = _component()(key=key, data=content, on_brush_change=on_brush, on_zoom_change=_nothing)
    return _range(result.get("zoom"))


def brushed(key: str) -> TimeRange | None:
    """The box that the reader has just drawn in the chart of this key, inside its on_brush callback."""
    return _range(st.session_state[key].get("brush"))


@cache
def _component() -> Callable[..., Any]:
    return st.components.v2.component(
        "metis.chart",
        html=(_HERE / "chart.html").read_text("utf-8"),
        css=(_HERE / "chart.css").read_text("utf-8"),
        js=(_HERE / "chart.js").read_text("utf-8"),
        isolate_styles=False,  # Plotly puts its own styles into the document
    )


def _nothing() -> None:
    """Streamlit keeps only values that have a callback."""


def _range(value: Any) -> TimeRange | None:
    # The value comes from a browser: it may be anything.
    try:
        start_ms, end_ms = (float(edge) for edge in value)
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (start_ms, end_ms))
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return TimeRange(start, end) if start < end else None
