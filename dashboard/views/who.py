"""Who looks at the page, asked anew at every run and at every action."""

import time
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.auth_util import get_secrets_auth_section

from dashboard import state
from dashboard.access import Person, least, local, signed_in
from dashboard.control.values import ControlState, Role

WATCH_S = 5.0


def sign_in_is_set_up() -> bool:
    """Whether Streamlit's secrets have an `[auth]` section."""
    return bool(get_secrets_auth_section())


def person() -> Person:
    """The person of this session, with no more rights than the page's own token is known to have."""
    return least(_person(), _token_role())


def gate() -> None:
    """Ends the run with a way to sign in where that is needed, or with a no for those who may not look."""
    if sign_in_is_set_up() and not st.user.is_logged_in:
        st.title("METIS LLM resilience", anchor=False)
        st.button("Sign in", type="primary", on_click=st.login, key="who.sign_in")
        st.stop()
    found = _person()
    if found.role is Role.NOBODY:
        st.title("METIS LLM resilience", anchor=False)
        st.text(f"No access: {found.why}.")
        sign_out()
        st.stop()


def watch() -> None:
    """For a page that does not refresh itself: it ends with the sign-in all the same."""
    if sign_in_is_set_up():
        st.fragment(_end, run_every=WATCH_S)()


def _end() -> None:
    if not st.user.is_logged_in or _person().role is Role.NOBODY:
        st.rerun()  # of the page, whose gate says why


def sign_out() -> None:
    """A way out, where there is a way in."""
    if sign_in_is_set_up():
        st.button("Sign out", type="tertiary", on_click=st.logout, key="who.sign_out")


def _person() -> Person:
    settings = state.service().settings
    if not sign_in_is_set_up():
        # Streamlit gives no address for this machine's own.
        peer = st.context.ip_address or "127.0.0.1"
        expected = bool(settings.operators or settings.viewers) or _secrets_are_unreadable()
        return local(peer, st.get_option("server.address"), dict(st.context.headers), expected=expected)
    claims: dict[str, Any] = dict(st.user) if st.user.is_logged_in else {}
    return signed_in(claims, settings.operators, settings.viewers, time.time())


def _secrets_are_unreadable() -> bool:
    # Streamlit tells neither from there being none.
    return not st.secrets.load_if_toml_exists() and any(Path(file).exists() for file in st.get_option("secrets.files"))


def _token_role() -> Role | None:
    held = state.control().state.peek()
    return held.value.role if held is not None and isinstance(held.value, ControlState) else None
