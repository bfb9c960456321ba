"""The guards' part of the Live page: what they did in the window, and which of them is switched off now."""

import streamlit as st

from dashboard import panels, state
from dashboard.control.values import ControlState
from dashboard.live.guards import guard_panel
from dashboard.live.span import Span
from dashboard.operations.notes import Level, Note, of_guards

CONTROL_AGE_S = 30.0
"""How old the control API's last answer may be: it is asked anew in the background."""

_NO_ANSWER = "Whether a guard is switched off now is not known: the control API gives no answer."


def guards(version: int, span: Span) -> None:
    """Draws it. version: of the data."""
    st.subheader("Guards", anchor=False)
    if notes := () if span.past else _switched_off():
        panels.notes("live.switches", notes=notes, role=None)
    window = span.window
    numbers = state.guard_numbers(version, window.start, window.end, window.bucket_s)
    panels.guards("live.guards", panel=guard_panel(numbers, window))


def _switched_off() -> tuple[Note, ...]:
    held = state.control().state.get(CONTROL_AGE_S)
    if held is None:
        return ()
    if not isinstance(held.value, ControlState):
        return (Note(Level.INFO, _NO_ANSWER),)
    return of_guards(guard for guard in held.value.guards if not guard.enabled)
