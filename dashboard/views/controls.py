"""The bar at the top: which stretch of time, and whether it moves. All of it lives in the URL."""

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from dashboard import panels
from dashboard.live.span import (
    ALL,
    DEFAULT_RANGE,
    RANGES,
    Extent,
    Mode,
    Span,
    default_range,
    fixed,
    following,
    parse_utc,
    spell_utc,
)
from dashboard.views import links

RANGE, FROM, TO = "live.range", "live.from", "live.to"
_NAMES = {name: name.replace("m", " min").replace("h", " h") for name in RANGES} | {ALL: ALL}


def range_bar(
    extent: Extent | None, settled: bool, now: datetime, stale_s: float, newer: Callable[[datetime], int]
) -> tuple[Span, str]:
    """Draws the bar; the span it stands for, and the name under which a zoom in the charts lasts.

    settled: the log has been read to its end, so that its age is known;
    stale_s: age of the newest event that counts as
    stale; newer: how many events came after a time, asked while the page is held.
    """
    # A link's range is in the address first, as it is shown, and in the session only once its widget has been drawn.
    linked = st.session_state.get(RANGE) in _NAMES or st.query_params.get(RANGE) in _NAMES.values()
    if extent is not None and settled and not linked:
        st.session_state[RANGE] = default_range(extent, now)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="live.bar"):
        links.bar()
        choice = st.segmented_control(
            "Range",
            list(_NAMES),
            format_func=_NAMES.__getitem__,
            key=RANGE,
            bind="query-params",
            label_visibility="collapsed",
            on_change=resume,
        )
        with st.popover("From / to"):
            st.caption("A fixed stretch of time, UTC unless it names another zone. A box drawn in a chart sets it too.")
            st.text_input("From", key=FROM, bind="query-params", placeholder="2025-11-23T02:41:07Z")
            st.text_input("To", key=TO, bind="query-params", placeholder="2025-11-23T02:56:07Z")
        given = [str(st.session_state.get(key) or "") for key in (FROM, TO)]
        start, end = map(parse_utc, given)
        if start is not None and end is not None and start < end:
            span = fixed(start, end, extent, now)
            st.button("Resume", key="live.resume", shortcut="L", type="primary", on_click=resume)
        else:
            span = following(choice or DEFAULT_RANGE, extent, now, stale_s)
            window = span.window
            st.button("Pause", key="live.pause", shortcut="P", on_click=fix, args=(window.start, window.end))
        newest = None if extent is None else extent.newest
        later = newer(span.window.end) if span.mode is Mode.PAUSED else 0
        panels.status("live.status", mode=span.mode, newest=newest, newer=later, now=now)
    if any(given) and span.mode is not Mode.PAUSED:
        st.warning("From and to must both be times like 2025-11-23T02:41:07Z, from before to.", icon="⚠️")
    return span, "/".join(given) if any(given) else choice or DEFAULT_RANGE


def fix(start: datetime, end: datetime) -> None:
    """Holds the page at a stretch of time; what arrives meanwhile waits."""
    st.session_state[FROM], st.session_state[TO] = spell_utc(start), spell_utc(end)


def resume() -> None:
    """Follows the log again."""
    st.session_state[FROM] = st.session_state[TO] = ""
