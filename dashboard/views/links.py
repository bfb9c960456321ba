"""The way between the pages, in the bar at the top of each."""

from pathlib import Path

import streamlit as st

from dashboard.views import who

_HERE = Path(__file__).parent
PAGES = {
    _HERE / "live.py": "Live",
    _HERE / "operations.py": "Operations",
    _HERE / "alerts.py": "Alerts",
    _HERE / "review.py": "Review",
    _HERE / "logs.py": "Logs",
}
"""The first is where one arrives."""


def pages() -> list[st.Page]:
    """The pages, for st.navigation."""
    return [
        st.Page(script, title=title, default=i == 0, url_path=None if i == 0 else script.stem)
        for i, (script, title) in enumerate(PAGES.items())
    ]


def bar() -> None:
    """Title and links, inside a horizontal container."""
    st.title("METIS LLM resilience", width="content", anchor=False)
    for script, title in PAGES.items():
        st.page_link(script, label=title)
    who.sign_out()
