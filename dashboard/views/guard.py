"""Keeps one part's failure from taking the page with it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

_log = logging.getLogger("dashboard.views")


@contextmanager
def guarded(part: str) -> Iterator[None]:
    """A part that fails says so in its place; what stands outside goes on refreshing.

    The text of the failure stays in the terminal: it may quote a log.
    """
    try:
        yield
    except Exception:  # noqa: BLE001 (whatever it is, the page must go on; Streamlit's own signals are no Exception)
        _log.exception("the part %r failed", part)
        st.error(f"This part failed: {part}. The terminal shows why; the rest of the page goes on.")
