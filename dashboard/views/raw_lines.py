"""The log's own lines, newest last, held still while somebody reads them.

Log text is hostile: it is shown through st.code and st.dataframe alone, without unseen characters.
"""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard.inert import inert

LEVEL, FIND, BOX = "live.level", "live.find", "live.lines"
BOX_CLASS = "st-key-live-lines"  # Streamlit's class for that key
SHOWN = 150
_LEVELS = {"all": (), "warnings and errors": ("WARNING", "ERROR"), "errors": ("ERROR",)}
_HELD = "live.held"


def raw_lines(read: Callable[[tuple[str, ...], str, int], pd.DataFrame], *, reading: bool) -> None:
    """Draws the lines of the page's range.

    read: the newest lines by levels (none: all), text they contain, and number; reading: the reader has scrolled up
    or marked text, so that nothing may move.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("Raw lines", width="content", anchor=False)
        level = st.segmented_control(
            "Level",
            list(_LEVELS),
            default="all",
            required=True,
            key=LEVEL,
            bind="query-params",
            label_visibility="collapsed",
        )
        find = st.text_input(
            "Find", key=FIND, bind="query-params", placeholder="contains", label_visibility="collapsed", width=220
        )
        asked = (level, find)
        held = st.session_state.get(_HELD)
        if not (reading and held and held[0] == asked):
            lines = read(_LEVELS.get(level or "all", ()), find, SHOWN)
            held = st.session_state[_HELD] = (
                asked,
                "\n".join(map(_spelled, lines["at"], lines["at_inferred"], lines["text"])),
            )
        st.caption(
            "held while you read; scroll to the end to follow" if reading else f"the newest {SHOWN}, newest last"
        )
    with st.container(height=300, key=BOX, autoscroll=False, border=True):
        st.code(held[1] or "No line of this kind in this range.", language=None)


def _spelled(at: pd.Timestamp, inferred: bool, text: str) -> str:
    # A line without a time of its own is marked with the one it was given.
    return f"~{at:%Y-%m-%dT%H:%M:%S}Z | {inert(text)}" if inferred else inert(text)


def rejects(read: Callable[[int], pd.DataFrame], count: int) -> None:
    """Draws the lines that look like events and could not be read: place and reason."""
    label = f"{count:,} unparsed line{'' if count == 1 else 's'}"
    with st.expander(label, key="live.rejects", on_change="rerun") as opened:
        if count and opened.open:
            frame = read(SHOWN)
            text = frame.select_dtypes(["object", "string"]).columns
            st.dataframe(
                frame.assign(**{name: frame[name].map(lambda v: inert(str(v))) for name in text}), hide_index=True
            )
        elif not count:
            st.write("Every line was read, as an event or as a plain line.")
