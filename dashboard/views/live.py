"""Live: what is wrong now and since when, the chain, its circuits and rates over time, and the lines behind them."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from dashboard import chart, panels, state
from dashboard.control.values import Role
from dashboard.ingest import IngestStatus
from dashboard.live.cards import cards
from dashboard.live.circuits import circuits_now
from dashboard.live.reasons import reasons
from dashboard.live.span import Extent, Mode, Span, for_traffic
from dashboard.live.verdict import verdict
from dashboard.operations.prepared import links
from dashboard.tailed_file import FileState
from dashboard.views import controls, who
from dashboard.views.guard import guarded
from dashboard.views.raw_lines import BOX_CLASS, raw_lines, rejects
from dashboard.views.waiting import progress, trouble, waiting
from dashboard.window import Window

BELL, RUN, READING, WIDTHS = "live.bell", "live.run", "live.reading", "live.widths"
BEAT_MS = 5000  # without news, the page moves on this often: windows slide, a log goes stale
ROLE_AGE_S = 30.0
HELD_REST_MS = 2000  # nothing moves while the page is paused; only the count of what waits does


@st.fragment
def live() -> None:
    """The whole page. The bell at its end reruns it when the log has grown."""
    who.gate()  # at each refresh: a page stays open for longer than a sign-in counts
    service = state.service()
    version, rest_ms = service.bell.version, round(service.settings.refresh_s * 1000)
    panels.page_style("live.style")
    with guarded("page"):
        if page(service, version) is Mode.PAUSED:
            rest_ms = HELD_REST_MS
    st.session_state[RUN] = st.session_state.get(RUN, 0) + 1
    panels.bell(
        BELL,
        on_ring=_rung,
        url=state.BELL_URL,
        version=version,
        run=st.session_state[RUN],
        rest_ms=rest_ms,
        beat_ms=BEAT_MS,
        lines=BOX_CLASS,
    )


def page(service: state.Service, version: int) -> Mode:
    """What the page shows of the data's `version`; the mode it is in."""
    now, status, extent = datetime.now(UTC), service.ingest.status(), state.extent(version)
    settled = _settled(status)
    span, choice = controls.range_bar(
        extent, settled, now, service.settings.stale_s, partial(state.events_after, version)
    )
    progress(status.sources)
    trouble(service.store.notice, status.trouble)
    if extent is None:
        waiting(service.settings.logs, status.sources)
        return span.mode
    span = _for_traffic(span, choice, settled)

    with guarded("numbers"):
        _numbers(version, span, extent, now)
    shown = span.window
    with guarded("charts"):
        for name, content in state.charts(version, span, extent, choice).items():
            key = f"live.{name}"
            zoom = chart.show(content, key, on_brush=partial(_brush, key))
            shown = shown if zoom is None else Window.of(zoom.start, zoom.end)
    with guarded("fallback reasons"):
        st.subheader("Fallback reasons", anchor=False)
        frames = state.frames(version, span, extent)
        panels.reasons("live.reasons", rows=reasons(frames.fallbacks_by_reason, frames.failures_by_reason))
    with guarded("raw lines"):
        raw_lines(partial(state.lines, shown), reading=st.session_state.get(READING, False))
        rejects(state.rejects, state.reject_count(version))
    return span.mode


def _numbers(version: int, span: Span, extent: Extent, now: datetime) -> None:
    frames = state.frames(version, span, extent)
    circuits = circuits_now(frames.circuit_intervals, frames.circuit_transitions, frames.order)
    said = verdict(circuits, frames.recent, span, extent, state.reject_count(version))
    panels.verdict_strip("live.strip", verdict=said, window=(span.window.start, span.window.end), now=now)
    drawn = cards(circuits, frames.provider_summary, frames.attempts_by_bucket, span.window)
    ticks = span.mode is not Mode.PAUSED and not span.past
    state.control().state.get(ROLE_AGE_S)  # in the background: what the page's own token may do
    acting = who.person().role is Role.OPERATOR and not span.past
    ways = links({card.provider: card.circuit.state for card in drawn}) if acting else {}
    panels.cards("live.cards", cards=drawn, at=span.at, ticks=ticks, links=ways)


def _for_traffic(span: Span, choice: str, settled: bool) -> Span:
    widths = st.session_state.setdefault(WIDTHS, {})
    span = for_traffic(span, state.attempts(span.window, settled), widths.get(choice))
    widths[choice] = span.window.bucket_s
    return span


def _settled(status: IngestStatus) -> bool:
    return bool(status.sources) and all(source.state is not FileState.READING for source in status.sources)


def _rung() -> None:
    ring = st.session_state[BELL].get("ring")
    st.session_state[READING] = isinstance(ring, dict) and ring.get("reading") is True


def _brush(key: str) -> None:
    box = chart.brushed(key)
    if box is not None:
        controls.fix(box.start, box.end)


live()
