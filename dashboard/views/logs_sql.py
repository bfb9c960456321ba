"""The SQL console on the page: a SELECT over the range's rows, its answer or what was wrong with it, and the export."""

import pandas as pd
import streamlit as st

from dashboard.console import ROWS, TABLES, TIME_S, Answer, ConsoleError, ask
from dashboard.inert import inert
from dashboard.logs.export import as_csv
from dashboard.store import Store
from dashboard.window import Window

SQL = "logs.sql"
_SAID, _OPEN = "logs.said", "logs.console"
EXAMPLE = "SELECT provider, reason, count(*) AS n FROM attempts WHERE status = 'failed' GROUP BY ALL ORDER BY n DESC"


def draw(store: Store, window: Window) -> None:
    """Draws the console. A link brings a statement along, but only a click asks it."""
    linked = bool(st.query_params.get(SQL))
    with st.expander("SQL, read only", key=_OPEN, expanded=linked):
        sql = st.text_area("SELECT", key=SQL, bind="query-params", placeholder=EXAMPLE, height=100)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            asked = st.button("Ask", key="logs.ask", type="primary", disabled=not (sql or "").strip())
            with st.popover("Tables"):
                st.code(
                    "\n\n".join(f"{table}\n  {', '.join(columns)}" for table, columns in TABLES.items()), language=None
                )
            st.caption(
                f'Over the page\'s range; one SELECT, {TIME_S:g} s, {ROWS:,} rows. "at" and "offset" stand in double quotes.'
            )
        if asked:
            with st.spinner("Asking …"):
                try:
                    st.session_state[_SAID] = ask(store, str(sql), window)
                except ConsoleError as exc:
                    st.session_state[_SAID] = str(exc)
        _answer(st.session_state.get(_SAID))


def _answer(said: Answer | str | None) -> None:
    if isinstance(said, str):
        st.text("No answer:")
        # The engine's words may quote the statement and the log: text, and nothing else.
        st.code("\n".join(inert(line) for line in said.splitlines()), language=None, wrap_lines=True)
    elif said is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            more = f", and there are more: the first {ROWS:,} are shown" if said.more else ""
            st.text(
                f"{len(said.rows):,} row{'' if len(said.rows) == 1 else 's'} in {said.took_s:.1f} s{more}",
                width="content",
            )
            st.download_button(
                "CSV",
                lambda: as_csv(said.columns, said.rows),
                "answer.csv",
                "text/csv",
                key="logs.answer_csv",
                on_click="ignore",
                type="tertiary",
            )
        st.dataframe(_frame(said), hide_index=True, row_height=26)


def _frame(said: Answer) -> pd.DataFrame:
    # Two columns may bear one name, and a table's may not.
    names = [inert(name, 60) for name in said.columns]
    unique = [name if names.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(names, 1)]
    rows = [[inert(value) if isinstance(value, str) else value for value in row] for row in said.rows]
    return pd.DataFrame(rows, columns=unique)
