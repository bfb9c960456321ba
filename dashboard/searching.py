"""What the Logs page asks of the store, once for all sessions. `version` is in every key, as in state.py."""

from collections.abc import Mapping

import streamlit as st

from dashboard.logs import instances, search, story
from dashboard.state import service
from dashboard.window import Window

_KEPT = 8


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def found(version: int, asked: search.Search, window: Window) -> search.Found:  # noqa: ARG001
    """The newest lines that a search finds in the window."""
    return search.find(service().store, asked, window)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def choices(version: int, window: Window) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG001
    """Providers, events and reasons that the window holds."""
    return search.choices(service().store, window)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def told(version: int, request: str) -> story.Story | None:  # noqa: ARG001
    """One request's story, None if no event names it."""
    return story.story(service().store, request)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def known_instances(version: int, window: Window) -> tuple[instances.Instance, ...]:  # noqa: ARG001
    """The window's instances, with their clocks as far as they can be told."""
    sources = service().ingest.status().sources
    lags_ms = {status.source: 1000 * status.lag_s for status in sources if status.lag_s is not None}
    return instances.instances(service().store, window, lags_ms)
