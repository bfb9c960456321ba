"""What every page that refreshes itself does around its content, each time its fragment runs."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from dashboard import panels, state
from dashboard.views import who
from dashboard.views.guard import guarded


@dataclass(frozen=True, slots=True)
class Pace:
    """rest_ms: least time between two refreshes; beat_ms: most."""

    rest_ms: int
    beat_ms: int


def _rung() -> None:
    """The rerun is all there is to it."""


def refreshing(
    name: str, usual: Pace, draw: Callable[[int], Pace], *, on_ring: Callable[[], None] = _rung, lines: str = ""
) -> None:
    """Draws a page of the data's present version, and the bell that reruns its fragment when the log has grown.

    name: what the page's keys begin with; draw: draws the version, and says how soon to draw again; usual: the pace
    when it fails; on_ring, lines: as in panels.bell.
    """
    who.gate()  # at each refresh: a page stays open for longer than a sign-in counts
    version = state.service().bell.version
    panels.page_style(f"{name}.style")
    pace = usual
    with guarded("page"):
        pace = draw(version)
    run = f"{name}.run"
    st.session_state[run] = st.session_state.get(run, 0) + 1
    panels.bell(
        f"{name}.bell",
        on_ring=on_ring,
        url=state.BELL_URL,
        version=version,
        run=st.session_state[run],
        rest_ms=pace.rest_ms,
        beat_ms=pace.beat_ms,
        lines=lines,
    )
