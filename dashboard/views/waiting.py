"""What the page says while there is nothing to show, and what to do about it."""

from collections.abc import Iterable, Sequence

import pandas as pd
import streamlit as st

from dashboard.inert import inert
from dashboard.ingest import SourceStatus
from dashboard.tailed_file import FileState

WORTH_SAYING_BYTES = 10_000_000

_NEXT = {
    FileState.WAITING: "The file is not there yet, or empty. It is read as soon as it appears.",
    FileState.READING: "The file is being read.",
    FileState.UNREADABLE: "A file cannot be read: the table says why.",
    FileState.DAMAGED: "An archive can be read only in part: the table says why.",
}
_NO_EVENT = "The file has been read to its end and holds no event. Is it the log of the resiliency core?"


def waiting(paths: Sequence[str], sources: Iterable[SourceStatus]) -> None:
    """The empty page: which log is awaited, how its files stand, what to do next."""
    found = list(sources)
    states = [source.state for source in found] or [FileState.WAITING]
    st.subheader("Waiting for the first event in", anchor=False)
    st.code("\n".join(inert(path) for path in paths), language=None)
    st.write(next((text for state, text in _NEXT.items() if state in states), _NO_EVENT))
    st.markdown(
        "What to do next:\n"
        "- a demonstration with simulated providers: `make run`\n"
        "- the backend with your providers: `python -m resilience serve`\n"
        "- another log: `python -m dashboard run --log PATH`"
    )
    if found:
        rows = [(inert(s.path), str(s.state), s.size, s.offset, inert(s.note)) for s in found]
        st.dataframe(pd.DataFrame(rows, columns=["file", "state", "bytes", "read", "note"]), hide_index=True)


def trouble(*texts: str | None) -> None:
    """What is wrong with reading or keeping the log, as text: it may quote a path."""
    said = [inert(text) for text in texts if text]
    if said:
        st.warning("Not everything is well with reading the log:", icon="⚠️")
        st.code("\n".join(said), language=None, wrap_lines=True)


def rule_problem(text: str) -> None:
    """Why the alert rules cannot be used; nothing if they can. As text: it quotes the rule file."""
    if text:
        st.error(
            "No alert is evaluated: the rule file (METIS_DASHBOARD_RULES) cannot be used. Correct it, then restart."
        )
        st.code(inert(text), language=None, wrap_lines=True)


def progress(sources: Iterable[SourceStatus]) -> None:
    """How far a long first reading has come; nothing once the files are only followed."""
    found = list(sources)
    size, read = sum(s.size for s in found), sum(s.offset for s in found)
    if size - read > WORTH_SAYING_BYTES and any(s.state is FileState.READING for s in found):
        st.progress(read / size, text=f"Reading the log: {read / 1e6:,.0f} of {size / 1e6:,.0f} MB")
