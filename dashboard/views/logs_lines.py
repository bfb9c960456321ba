"""The lines found, the one that is marked, its request's story, and the instances. All log text is inert."""

import re
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import panels
from dashboard.inert import inert
from dashboard.logs import instances as known
from dashboard.logs.export import as_csv, as_text
from dashboard.logs.saved import Saved
from dashboard.logs.search import Found, Line, Search, quoted_value
from dashboard.logs.story import Story
from dashboard.views import logs_filters
from resilience.events import LOGGER

TABLE, STORY = "logs.table", "logs.story"
LONGEST_PX, ROW_PX, HEAD_PX = 390, 26, 36
LONGEST_CELL = 400
_HELD = "logs.held"
_USUAL_HEAD = re.compile(rf"^\S+ [A-Z]+:{re.escape(LOGGER)}:")
_COLUMNS = ("at", "source", "offset", "level", "event", "provider", "reason", "request", "text")


def draw(read: Callable[[], Found], asked: Search, saved: Saved | None, *, moves: bool) -> str:
    """Draws the lines; the id of the request of the marked one, or of the one asked for, "" without.

    moves: the range follows the log; a table with a marked line stays as it is all the same.
    """
    held = st.session_state.get(_HELD)
    if not (moves and held and held[0] == asked and _marked() is not None):
        held = st.session_state[_HELD] = (asked, read())
    found: Found = held[1]
    # Read from the top: the newest first, where an order of the runbook's own does not matter more.
    lines = found.lines if asked.context or asked.quoted else found.lines[::-1]
    _caption(found, asked, saved)
    if not found.lines:
        st.text("No line of this range is like that. A longer range, or fewer filters, may show one.")
        return asked.request
    st.dataframe(
        _frame(lines, asked),
        key=TABLE,
        hide_index=True,
        height=min(LONGEST_PX, HEAD_PX + ROW_PX * len(lines) + 2),
        row_height=ROW_PX,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "time (UTC)": st.column_config.TextColumn(width=165),
            "level": st.column_config.TextColumn(width=75),
            "event": st.column_config.TextColumn(width=150),
            "provider": st.column_config.TextColumn(width=85),
            "reason": st.column_config.TextColumn(width=105),
            "message": st.column_config.TextColumn(width=1200),
        },
    )
    row = _marked()
    line = lines[row] if row is not None and row < len(lines) else None
    if line is not None:
        st.code(inert(line.text, 20_000), language=None, wrap_lines=True)
        if line.request:
            st.query_params[STORY] = line.request
            return line.request
    return asked.request or st.query_params.get(STORY, "")


def story(read: Callable[[str], Story | None], request: str) -> None:
    """Draws the request's story, if there is a request."""
    if not request:
        st.text("Mark a line to see all of it, and its request's story.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("One request", anchor=False, width="content")
        st.text(inert(request, 100), width="content")
        st.button("Its lines only", key="logs.only", type="tertiary", on_click=logs_filters.only, args=(request,))
    told = read(request)
    if told is None:
        st.text("No event names this request.")
    else:
        panels.story("logs.waterfall", story=told)


def instances(found: Sequence[known.Instance]) -> None:
    """Draws whose lines these are."""
    label = f"{len(found)} instance{'' if len(found) == 1 else 's'}"
    with st.expander(label, key="logs.instances", expanded=len(found) > 1):
        rows = [
            {
                "instance": inert(", ".join(each.names) or "not said", 60),
                "content": inert(each.source, 60),
                "first (UTC)": f"{each.first:%Y-%m-%d %H:%M:%S}",
                "last (UTC)": f"{each.last:%Y-%m-%d %H:%M:%S}",
                "lines": each.lines,
                "events": each.events,
                "clock skew": "unknown" if each.skew_ms is None else f"{each.skew_ms / 1000:+,.2f} s",
                "told by": each.basis,
                "set back by": "" if each.set_back_ms is None else f"{each.set_back_ms / 1000:,.2f} s",
            }
            for each in found
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, row_height=ROW_PX)
        st.caption("Merged by the times that the lines bear. Skew: how far a clock is ahead (+); nothing is corrected.")


def _caption(found: Found, asked: Search, saved: Saved | None) -> None:
    shown = len(found.lines)
    said = f"{found.count:,} line{'' if found.count == 1 else 's'}"
    if asked.context:
        said += f" with {asked.context} lines around each"
    if asked.last is None and shown < found.count:
        said += f", the newest {shown:,} shown"
    if shown > 1 and not (asked.context or asked.quoted):
        said += ", newest first"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="logs.caption"):
        st.text(said, width="content")
        if saved is not None:
            st.caption(f"Runbook: {saved.where}" if saved.where else "Not in the runbook", width="content")
            st.code(saved.command, language=None)
        lines = found.lines
        text, rows = partial(_text, lines, asked), partial(_csv, lines)
        st.download_button(
            "Text", text, "lines.txt", "text/plain", key="logs.as_text", on_click="ignore", type="tertiary"
        )
        st.download_button("CSV", rows, "lines.csv", "text/csv", key="logs.as_csv", on_click="ignore", type="tertiary")
        if asked != Search():
            st.button("Clear the filters", key="logs.clear", on_click=logs_filters.clear, type="tertiary")


def _text(lines: Sequence[Line], asked: Search) -> str:
    return as_text(lines, separated=bool(asked.context))


def _csv(lines: Sequence[Line]) -> str:
    return as_csv(_COLUMNS, [[getattr(line, column) for column in _COLUMNS] for line in lines])


def _frame(lines: Sequence[Line], asked: Search) -> pd.DataFrame:
    rows = {
        "time (UTC)": [f"{'~' if line.at_inferred else ''}{_spelled(line)}" for line in lines],
        "level": [line.level or "" for line in lines],
        "event": [inert(line.event or "", 40) for line in lines],
        "provider": [inert(line.provider or "", 40) for line in lines],
        "reason": [inert(line.reason or "", 40) for line in lines],
        "message": [inert(_message(line), LONGEST_CELL) for line in lines],
    }
    if asked.quoted:
        rows = {"value": [inert(quoted_value(line.text), 40) for line in lines], **rows}
    return pd.DataFrame(rows)


def _message(line: Line) -> str:
    """The line without what the columns before say: time, level and the core's logger."""
    return line.text if line.at_inferred else _USUAL_HEAD.sub("", line.text)


def _spelled(line: Line) -> str:
    return f"{line.at:%Y-%m-%d %H:%M:%S}.{line.at.microsecond // 1000:03d}"


def _marked() -> int | None:
    state = st.session_state.get(TABLE)
    rows = state["selection"]["rows"] if state else []
    return int(rows[0]) if rows else None
