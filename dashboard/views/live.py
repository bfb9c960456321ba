"""Live: what is wrong now and since when, the chain, its circuits and rates over time, and the lines behind them."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from dashboard import alert_state, chart, panels, state
from dashboard.alert_board.care import remarks
from dashboard.alert_board.course import Course
from dashboard.alert_board.rows import rows
from dashboard.control.values import Role
from dashboard.ingest_status import settled as is_settled
from dashboard.live.cards import cards
from dashboard.live.circuits import circuits_now
from dashboard.live.reasons import reasons
from dashboard.live.span import Extent, Mode, Span, for_traffic
from dashboard.live.verdict import verdict
from dashboard.operations.prepared import links, steps
from dashboard.views import controls, who
from dashboard.views.guard import guarded
from dashboard.views.guards import CONTROL_AGE_S, guards
from dashboard.views.raw_lines import BOX_CLASS, raw_lines, rejects
from dashboard.views.refreshing import Pace, refreshing
from dashboard.views.waiting import progress, rule_problem, trouble, waiting
from dashboard.window import Window

BELL, READING, WIDTHS = "live.bell", "live.reading", "live.widths"
BEAT_MS = 5000  # without news, the page moves on this often: windows slide, a log goes stale
SOON_MS = 500  # while the alert rules are evaluated over a log that has just been read
HELD_REST_MS = 2000  # nothing moves while the page is paused; only the count of what waits does


@st.fragment
def live() -> None:
    """The whole page. The bell at its end reruns it when the log has grown."""
    usual = Pace(round(state.service().settings.refresh_s * 1000), BEAT_MS)

    def draw(version: int) -> Pace:
        mode, soon = page(state.service(), version)
        rest_ms = HELD_REST_MS if mode is Mode.PAUSED else usual.rest_ms
        return Pace(rest_ms, SOON_MS if soon else BEAT_MS)

    refreshing("live", usual, draw, on_ring=_rung, lines=BOX_CLASS)


def page(service: state.Service, version: int) -> tuple[Mode, bool]:
    """What the page shows of the data's `version`; the mode it is in, and whether it should be drawn again soon."""
    now, status, extent = datetime.now(UTC), service.ingest.status(), state.extent(version)
    settled = is_settled(status)
    span, choice = controls.range_bar(
        extent, settled, now, service.settings.stale_s, partial(state.events_after, version)
    )
    progress(status.sources)
    trouble(service.store.notice, status.trouble)
    if extent is None:
        waiting(service.settings.logs, status.sources)
        return span.mode, False
    rule_problem(alert_state.alerts().problem)
    span = _for_traffic(span, choice, settled)
    course = alert_state.course(version, extent, settled=settled)

    with guarded("numbers"):
        _numbers(version, span, extent, now, course)
    shown = span.window
    with guarded("charts"):
        for name, content in state.charts(version, span, extent, choice, course).items():
            key = f"live.{name}"
            zoom = chart.show(content, key, on_brush=partial(_brush, key))
            shown = shown if zoom is None else Window.of(zoom.start, zoom.end)
    with guarded("fallback reasons"):
        st.subheader("Fallback reasons", anchor=False)
        frames = state.frames(version, span, extent)
        panels.reasons("live.reasons", rows=reasons(frames.fallbacks_by_reason, frames.failures_by_reason))
    with guarded("guards"):
        guards(version, span)
    with guarded("raw lines"):
        raw_lines(partial(state.lines, shown), reading=st.session_state.get(READING, False))
        rejects(state.rejects, state.reject_count(version))
    return span.mode, course.behind


def _numbers(version: int, span: Span, extent: Extent, now: datetime, course: Course) -> None:
    frames = state.frames(version, span, extent)
    circuits = circuits_now(frames.circuit_intervals, frames.circuit_transitions, frames.order)
    rules = alert_state.alerts().rules
    held = course.at(span.at)
    alerts = rows(
        rules, held, alert_state.alert_sparks(course, span, extent), remarks(rules, held, alert_state.ledger(), span.at)
    )
    unparsed = state.reject_count(version)
    said = verdict(alerts, circuits, frames.recent, span, extent, unparsed, _without_alerts(course))
    panels.verdict_strip("live.strip", verdict=said, window=(span.window.start, span.window.end), now=now)
    ticks = span.mode is not Mode.PAUSED and not span.past
    state.control().state.get(CONTROL_AGE_S)  # in the background: what the page's own token may do
    acting = who.person().role is Role.OPERATOR and not span.past
    drawn = cards(circuits, frames.provider_summary, frames.attempts_by_bucket, span.window)
    states = {card.provider: card.circuit.state for card in drawn}
    ways = steps(rules, states) if acting else {}
    panels.alerts("live.alerts", rows=alerts, at=span.at, ticks=ticks, was=not ticks, links=ways)
    ways_of_cards = links(states) if acting else {}
    panels.cards("live.cards", cards=drawn, at=span.at, ticks=ticks, links=ways_of_cards)


def _without_alerts(course: Course) -> str:
    """Why the alerts are not known; empty if they are."""
    if alert_state.alerts().problem:
        return "no alert rules: their file cannot be used"
    if course.evaluation.at is None or course.behind:
        return "the alert rules are being evaluated"
    return ""


def _for_traffic(span: Span, choice: str, settled: bool) -> Span:
    widths = st.session_state.setdefault(WIDTHS, {})
    span = for_traffic(span, state.attempts(span.window, settled), widths.get(choice))
    widths[choice] = span.window.bucket_s
    return span


def _rung() -> None:
    ring = st.session_state[BELL].get("ring")
    st.session_state[READING] = isinstance(ring, dict) and ring.get("reading") is True


def _brush(key: str) -> None:
    box = chart.brushed(key)
    if box is not None:
        controls.fix(box.start, box.end)


live()
