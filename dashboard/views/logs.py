"""Logs: lines by filter or by the runbook's greps, one request's story, SQL over the events, and whose lines they are."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from dashboard import searching, state
from dashboard.ingest_status import settled as is_settled
from dashboard.live.span import Mode
from dashboard.views import controls, logs_filters, logs_lines, logs_sql
from dashboard.views.guard import guarded
from dashboard.views.refreshing import Pace, refreshing
from dashboard.views.waiting import progress, trouble, waiting
from dashboard.window import Window

PACE = Pace(rest_ms=1500, beat_ms=5000)  # a table that changes is read less easily than a chart


@st.fragment
def logs() -> None:
    """The whole page. The bell at its end reruns it when the log has grown."""
    refreshing("logs", PACE, page)


def page(version: int) -> Pace:
    """What the page shows of the data's `version`; how soon to draw it again."""
    service = state.service()
    now, status, extent = datetime.now(UTC), service.ingest.status(), state.extent(version)
    span, _ = controls.range_bar(
        extent, is_settled(status), now, service.settings.stale_s, partial(state.events_after, version)
    )
    progress(status.sources)
    trouble(service.store.notice, status.trouble)
    if extent is None:
        waiting(service.settings.logs, status.sources)
        return PACE
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
    return PACE


def _instances(version: int, window: Window) -> None:
    found = searching.known_instances(version, window)
    if found:
        logs_lines.instances(found)


logs()
