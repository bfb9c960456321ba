"""Alerts: how each rule stands, who looks after what, what was silenced, and all alerts of the log."""

from datetime import UTC, datetime

import streamlit as st

from dashboard import alert_state, panels, state
from dashboard.access import Person
from dashboard.alert_board import tables
from dashboard.alert_board.care import in_force, remarks, to_acknowledge
from dashboard.alert_board.course import Course
from dashboard.alert_board.rows import rows, worst_first
from dashboard.alerts.episodes import episodes
from dashboard.alerts.rulefile import load_rules
from dashboard.alerts.silences import suppressed
from dashboard.control.values import Role
from dashboard.inert import inert
from dashboard.ingest_status import settled
from dashboard.live.circuits import circuits_now
from dashboard.live.span import ALL, DEFAULT_RANGE, Extent, following
from dashboard.operations.notes import Level, notes
from dashboard.operations.prepared import steps
from dashboard.views import alert_form, links, who
from dashboard.views.guard import guarded
from dashboard.views.refreshing import Pace, refreshing
from dashboard.views.waiting import rule_problem, trouble

REST_MS, BEAT_MS, SOON_MS = 1000, 5000, 500
SHOWN = 300


@st.fragment
def alerts() -> None:
    """The whole page. The bell at its end reruns it when the log has grown, and in between."""

    def draw(version: int) -> Pace:
        return Pace(REST_MS, SOON_MS if page(version) else BEAT_MS)

    refreshing("alerts", Pace(REST_MS, BEAT_MS), draw)


def page(version: int) -> bool:
    """Draws the page; whether the evaluation is still on its way."""
    person, now, extent = who.person(), datetime.now(UTC), state.extent(version)
    course = alert_state.course(version, extent, settled=settled(state.service().ingest.status()))
    _bar(person, course, extent)
    rule_problem(alert_state.alerts().problem)
    ledger = alert_state.ledger()
    trouble(*ledger.notes)
    with guarded("rules"):
        _rules(version, person, course, extent, now)
    left, right = st.columns([9, 11], gap="medium")
    with left, guarded("form"):
        st.subheader("Acknowledge or silence", anchor=False)
        if person.role is Role.OPERATOR:
            alert_form.form(to_acknowledge(course.evaluation.alerts, ledger), in_force(ledger, now))
        else:
            st.text(f"Read-only: {person.why}.")
    known = alert_state.alerts().rules
    found = suppressed(course.changes, known, ledger.silences)
    with right, guarded("silences"):
        st.subheader("Silences", anchor=False)
        panels.table("alerts.silences", table=tables.silences(ledger, found, known, now))
        st.subheader("Kept back by silences", anchor=False)
        panels.table("alerts.kept_back", table=tables.kept_back(found[-SHOWN:], known))
        st.subheader("Who silenced or acknowledged what", anchor=False)
        panels.table("alerts.audit", table=tables.audit(ledger.entries[-SHOWN:], known))
    with guarded("history"):
        _history(course)
    with guarded("definitions"):
        st.subheader("The rules", anchor=False)
        file = state.service().settings.rules
        panels.table(
            "alerts.definitions", table=tables.definitions(known, load_rules(), "" if file is None else str(file))
        )
    return course.behind


def _bar(person: Person, course: Course, extent: Extent | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="alerts.bar"):
        links.bar()
        at = course.evaluation.at
        if extent is None or at is None:
            said, level = "not evaluated yet", Level.WAITING
        else:
            said = f"evaluated up to {at:%Y-%m-%d %H:%M:%S} UTC"
            level = Level.WAITING if course.behind else Level.OK
        name = f"{person.actor}, {person.role}" if person.actor else str(person.role)
        panels.notes("alerts.status", notes=notes(level, [f"{said} · {inert(name, 120)}"]), role="status")


def _rules(version: int, person: Person, course: Course, extent: Extent | None, now: datetime) -> None:
    rules, ledger = alert_state.alerts().rules, alert_state.ledger()
    if extent is None:
        st.text("The log holds no event yet.")
        return
    span = following(DEFAULT_RANGE, extent, now, state.service().settings.stale_s)
    if span.past:
        span = following(ALL, extent, now, state.service().settings.stale_s)
    held = course.at(span.at)
    found = rows(rules, held, alert_state.alert_sparks(course, span, extent), remarks(rules, held, ledger, span.at))
    frames = state.frames(version, span, extent)
    circuits = circuits_now(frames.circuit_intervals, frames.circuit_transitions, frames.order)
    acting = person.role is Role.OPERATOR and not span.past
    ways = steps(rules, {name: circuit.state for name, circuit in circuits.items()}) if acting else {}
    panels.alerts("alerts.rows", rows=worst_first(found), at=span.at, ticks=not span.past, was=span.past, links=ways)


def _history(course: Course) -> None:
    st.subheader("History", anchor=False)
    at = course.evaluation.at or datetime.now(UTC)
    found = episodes(course.changes)
    panels.table("alerts.history", table=tables.history(found[-SHOWN:], alert_state.alerts().rules, at))
    if len(found) > SHOWN:
        st.caption(f"The newest {SHOWN} of {len(found):,}.")


alerts()
