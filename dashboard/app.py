"""Entry script of the pages: what they share, and the way between them."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent

st.set_page_config(page_title="METIS LLM resilience", page_icon=str(_HERE / "icon.png"), layout="wide")
st.navigation([st.Page(_HERE / "views" / "live.py", title="Live", default=True)], position="top").run()
