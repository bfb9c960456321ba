"""What the Review page's what-if asks of the store, once for all sessions. `version` is in every key, as in state.py."""

from datetime import datetime

import streamlit as st

from dashboard.state import service
from dashboard.whatif.playing import Players
from dashboard.whatif.reading import Policy, in_force


@st.cache_resource(show_spinner=False)
def players() -> Players:
    """The what-ifs of all sessions."""
    return Players(service().store)


@st.cache_resource(show_spinner=False, max_entries=8)
def settings_at(version: int, at: datetime) -> Policy:  # noqa: ARG001
    """Settings and order in force at a moment, as far as the log says them."""
    return in_force(service().store, at)
