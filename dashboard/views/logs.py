"""Logs: lines by filter or by the runbook's greps, one request's story, SQL over the events, and whose lines they are."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from dashboard import panels, searching, state
from dashboard.live.span import Mode
from dashboard.tailed_file import FileState
from dashboard.views import controls, logs_filters, logs_lines, logs_sql, who
from dashboard.views.guard import guarded
from dashboard.views.waiting import progress, trouble, waiting
from dashboard.window import Window

BELL, RUN = "logs.bell", "logs.run"
REST_MS, BEAT_MS = 1500, 5000  # a table that changes is read less easily than a chart


@st.fragment
def logs() -> None:
    """The whole page. The bell at its end reruns it when the log has grown."""
    who.gate()  # at each refresh: a page stays open for longer than a sign-in counts
    version = state.service().bell.version
    panels.page_style("logs.style")
    with guarded("page"):
        page(version)
    st.session_state[RUN] = st.session_state.get(RUN, 0) + 1
    panels.bell(
        BELL,
        on_ring=_nothing,
        url=state.BELL_URL,
        version=version,
        run=st.session_state[RUN],
        rest_ms=REST_MS,
        beat_ms=BEAT_MS,
        lines="",
    )


def page(version: int) -> None:
    """What the page shows of the data's `version`."""
    service = state.service()
    now, status, extent = datetime.now(UTC), service.ingest.status(), state.extent(version)
    settled = bool(status.sources) and all(source.state is not FileState.READING for source in status.sources)
    span, _ = controls.range_bar(extent, settled, now, service.settings.stale_s, partial(state.events_after, version))
    progress(status.sources)
    trouble(service.store.notice, status.trouble)
    if extent is None:
        waiting(service.settings.logs, status.sources)
        return
    window = span.window
    with guarded("filters"):
        asked, saved = logs_filters.draw(searching.choices(version, window))
        with guarded("lines"):
            found = partial(searching.found, version, asked, window)
            request = logs_lines.draw(found, asked, saved, moves=span.mode is Mode.LIVE)
            with guarded("story"):
                logs_lines.story(partial(searching.told, version), request)
    with guarded("SQL"):
        logs_sql.draw(service.store, window)
    with guarded("instances"):
        _instances(version, window)


def _instances(version: int, window: Window) -> None:
    found = searching.known_instances(version, window)
    if found:
        logs_lines.instances(found)


def _nothing() -> None:
    """The bell needs somebody to tell; the rerun itself is what counts."""


logs()
