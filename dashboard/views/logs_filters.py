"""The Logs page's filters, one row; all of it lives in the URL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from dashboard.inert import inert
from dashboard.logs.saved import SAVED, Saved
from dashboard.logs.search import OTHER, Search

KEPT, PROVIDER, EVENT, REASON, LEVEL, REQUEST, FIND = (
    f"logs.{name}" for name in ("saved", "provider", "event", "reason", "level", "request", "find")
)
_LEVELS = {"all": (), "≥ warning": ("WARNING", "ERROR", "CRITICAL"), "errors": ("ERROR", "CRITICAL")}
_NONE = "any"


def draw(choices: Mapping[str, Sequence[str]]) -> tuple[Search, Saved | None]:
    """Draws the filters; the search that they stand for, and the runbook's command if one is chosen.

    choices: what the range holds, by field of a Search.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="logs.filters"):
        saved = SAVED.get(_choice("search of the runbook", KEPT, tuple(SAVED), 230))
        event = _choice("event", EVENT, (*choices["event"], OTHER), 165)
        provider = _choice("provider", PROVIDER, choices["provider"], 135)
        reason = _choice("reason", REASON, choices["reason"], 135)
        request = _text("request id", REQUEST, 150)
        find = _text("contains", FIND, 120)
        level = st.segmented_control(
            "Level",
            list(_LEVELS),
            default="all",
            required=True,
            key=LEVEL,
            bind="query-params",
            label_visibility="collapsed",
        )
    base = Search() if saved is None else saved.search
    asked = replace(
        base,
        provider=provider,
        event=event,
        reason=reason,
        levels=_LEVELS[level or "all"],
        request=request.strip(),
        find=find,
    )
    return asked, saved


def only(request: str) -> None:
    """Asks for the lines of one request alone."""
    clear()
    st.session_state[REQUEST] = request


def _choice(label: str, key: str, options: Sequence[str], width: int) -> str:
    """A choice, or "" for none. One from a link stays, though the range holds no such thing."""
    linked = str(st.session_state.get(key) or st.query_params.get(key) or _NONE)
    names = list(dict.fromkeys((_NONE, *options, linked)))
    chosen = st.selectbox(
        label,
        names,
        key=key,
        bind="query-params",
        format_func=lambda name: f"{_NONE} {label}" if name == _NONE else inert(name, 60),
        label_visibility="collapsed",
        width=width,
    )
    return "" if chosen in (None, _NONE) else str(chosen)


def _text(label: str, key: str, width: int) -> str:
    typed = st.text_input(
        label, key=key, bind="query-params", placeholder=label, label_visibility="collapsed", width=width
    )
    return typed or ""


def clear() -> None:
    """Asks for all lines again."""
    for key in (KEPT, PROVIDER, EVENT, REASON):
        st.session_state[key] = _NONE
    for key in (REQUEST, FIND):
        st.session_state[key] = ""
    st.session_state[LEVEL] = "all"
