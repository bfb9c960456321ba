"""Entry script of the pages: what they share, and the way between them."""

from pathlib import Path

import streamlit as st

from dashboard.views import links, who

_HERE = Path(__file__).parent

st.set_page_config(page_title="METIS LLM resilience", page_icon=str(_HERE / "icon.png"), layout="wide")
who.gate()
st.navigation(links.pages(), position="hidden").run()  # the links stand in each page's own bar
