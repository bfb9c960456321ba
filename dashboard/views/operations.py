"""Operations: the chain now, what to change about it, and the proof from the log that it was changed."""

import json
import math
import time
from concurrent.futures import Future, wait
from datetime import UTC, datetime
from typing import cast

import streamlit as st

from dashboard import operating, panels, state
from dashboard.access import Person
from dashboard.control.values import ControlState, Preview, Problem, Role
from dashboard.inert import inert
from dashboard.operations import conflicts, drafts, prepared
from dashboard.operations.chain import from_log, from_service
from dashboard.operations.drafts import Draft
from dashboard.operations.notes import Level, notes, of_answer, of_preview, of_problem
from dashboard.views import links, ops_acting, ops_form, ops_log, who
from dashboard.views.guard import guarded
from dashboard.views.refreshing import Pace, refreshing

RUN = "ops.run"
PACE = Pace(rest_ms=700, beat_ms=1500)
SOON_MS = 500  # while an answer or a line is awaited
STATE_AGE_S = 1.0
FIRST_ANSWER_S = 1.2
PREVIEW_AGE_S, PREVIEW_GLANCE_S = 10.0, 0.25
_PREVIEW = "ops.preview"


@st.fragment
def operations() -> None:
    """The whole page. The bell at its end reruns it when the log has grown, and in between."""

    def draw(version: int) -> Pace:
        return Pace(SOON_MS, SOON_MS) if page(version) else PACE

    refreshing("ops", PACE, draw)


def page(version: int) -> bool:
    """Draws the page; whether something is awaited, so that it should be drawn again soon."""
    if ops_acting.settle():
        ops_form.clear()
    latest = state.control().state
    held = latest.get(STATE_AGE_S) if RUN in st.session_state else latest.fresh(FIRST_ANSWER_S)
    found = None if held is None else held.value
    known = found if isinstance(found, ControlState) else None
    problem = None if found is None or known is not None else cast(Problem, found)
    person = who.person()
    _bar(person, known, problem)
    left, right = st.columns([11, 9], gap="medium")
    awaited = False
    with left, guarded("chain and form"):
        if known is None:
            _without_service(version, problem)
            ops_form.keep(None)
            ops_form.drawn(None)
        elif person.role is Role.OPERATOR:
            awaited = _with_form(known, person)
        else:
            _chain(known, editable=False)
            st.text(f"Read-only: {person.why}.")
    checks_first = prepared.CHECKS in st.query_params  # a link has come for them
    with right:
        if checks_first:
            with guarded("diagnostics"):
                awaited = ops_log.diagnostics(reachable=known is not None, first=True) or awaited
        with guarded("proof"):
            awaited = ops_log.proof(version) or awaited
        with guarded("audit"):
            ops_log.audit(version)
        if not checks_first:
            with guarded("diagnostics"):
                awaited = ops_log.diagnostics(reachable=known is not None) or awaited
    return awaited or ops_acting.under_way()


def _bar(person: Person, known: ControlState | None, problem: Problem | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="ops.bar"):
        links.bar()
        says = f"{person.actor}, {person.role}" if person.actor else str(person.role)
        if known is not None:
            says = f"settings version {known.version}, {says}"
        level = Level.OK if known is not None else Level.WAITING if problem is None else Level.CRITICAL
        text = f"{inert(says, 120)} · control API {inert(state.service().settings.control_url, 80)}"
        panels.notes("ops.status", notes=notes(level, [text]), role="status")


def _without_service(version: int, problem: Problem | None) -> None:
    """The page without a control API: what the log tells, and why nothing can be done."""
    order, circuits = operating.chain_in_log(version, math.ceil(time.time()))
    st.subheader("Chain, as the log tells it", anchor=False)
    if order:
        _list("ops.chain_in_log", [*from_log(order, circuits)], order, order, editable=False)
    else:
        st.text("The log holds no event yet.")
    if problem is None:
        panels.notes("ops.problem", notes=notes(Level.WAITING, ["Waiting for the control API …"]), role="alert")
        return
    off = "Nothing can be changed from here until it answers. The chain falls back by itself meanwhile."
    hint = "Is the backend up? python -m resilience serve; its address is METIS_CONTROL_URL. Or edit .env by hand."
    said = (*of_problem(problem), *notes(Level.INFO, [off, hint]))
    panels.notes("ops.problem", notes=said, role="alert")
    st.button("Change the chain", key="ops.off", disabled=True)


def _chain(known: ControlState, *, editable: bool) -> None:
    order = ops_form.drafted_order(known) if editable else known.order
    st.subheader("Chain" if order == known.order else "Chain, not yet set", anchor=False)
    _list(ops_form.CHAIN, [*from_service(known)], order, known.order, editable=editable)
    said = [f"An edit of .env was not taken: {known.env_problem}"] if known.env_problem else []
    said += [f"Applied by a restart only: {', '.join(known.needs_restart)}"] if known.needs_restart else []
    if said:
        panels.notes("ops.env", notes=notes(Level.WARNING, said), role=None)


def _list(key: str, rows: list[object], order: tuple[str, ...], before: tuple[str, ...], *, editable: bool) -> None:
    panels.chain(
        key,
        on_order=ops_form.moved,
        rows=rows,
        order=order,
        before=before,
        number=st.session_state.get(ops_form.MOVES, 0),
        editable=editable,
        at=datetime.now(UTC),
        ticks=True,
    )


def _with_form(known: ControlState, person: Person) -> bool:
    """Chain, form, preview and button; whether something is awaited."""
    ops_form.prepare(known.available, known.order)
    what = st.session_state.get(ops_form.WHAT) or "Order"
    _chain(known, editable=what == "Order")
    what = ops_form.kind()
    ops_form.keep(what)
    draft = ops_form.draft(what, known)
    seen = _seen(known, draft)
    _between(known, seen)
    awaited = _previewed(draft, known)
    st.text_input(
        "Reason (goes into the log)",
        key=ops_form.REASON,
        max_chars=drafts.REASON_LENGTH,
        placeholder="why, in a few words",
    )
    nothing = draft is None or drafts.is_noop(draft, known)
    busy = ops_acting.under_way()
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Under way …" if busy else "Nothing to change" if nothing and draft is not None else drafts.label(draft),
            key="ops.do",
            type="primary",
            disabled=nothing or busy,
            on_click=ops_acting.act,
            args=(draft, seen),
        )
        st.text(f"as {inert(person.actor, 100)}, on version {seen}")
    _came_of_it(draft, seen)
    ops_form.drawn(what)
    return awaited


def _seen(known: ControlState, draft: Draft | None) -> int:
    typed = isinstance(draft, drafts.OrderDraft | drafts.SettingsDraft) and not drafts.is_noop(draft, known)
    dirty = typed or bool(st.session_state.get(ops_form.REASON)) or ops_acting.under_way()
    seen = conflicts.seen_version(st.session_state.get(ops_acting.SEEN), known.version, dirty=dirty)
    st.session_state[ops_acting.SEEN] = seen
    return seen


def _between(known: ControlState, seen: int) -> None:
    """What somebody else changed since the form was begun; the form goes on only when that has been read."""
    if ops_acting.under_way() or (between := conflicts.since(seen, known.changes, ops_acting.conflict())) == ():
        return
    said = f"Changed by somebody else since you began (version {seen}, now {known.version}). Nothing of yours was lost:"
    panels.notes("ops.between", notes=notes(Level.WARNING, [said]), role="alert")
    st.code(inert_lines(conflicts.spelled(between)), language=None, wrap_lines=True)
    st.button(
        f"I have read this: go on from version {known.version}",
        key="ops.go_on",
        on_click=_go_on,
        args=(known.version,),
    )


def _go_on(version: int) -> None:
    st.session_state[ops_acting.SEEN] = version
    st.session_state[ops_acting.RESULT] = None


def _previewed(draft: Draft | None, known: ControlState) -> bool:
    """What the draft would do; whether the answer is awaited."""
    if draft is None or drafts.is_noop(draft, known):
        panels.notes("ops.preview_shown", notes=(), role=None)
        return False
    body = drafts.preview(draft, known.version)
    said = (*notes(Level.INFO, drafts.says(draft)), *notes(Level.WARNING, drafts.warnings(draft, known)))
    answer = None
    if body is not None:
        answer = _asked(json.dumps(body, sort_keys=True), body)
        said = (*of_preview(answer), *said)
    panels.notes("ops.preview_shown", notes=said, role=None)
    return body is not None and answer is None


def _asked(name: str, body: dict[str, object]) -> Preview | Problem | None:
    """The preview's answer, asked for in the background; an old one stands until the new one is there."""
    held = st.session_state.get(_PREVIEW)
    now = time.monotonic()
    if held is None or held["name"] != name or now - held["at"] > PREVIEW_AGE_S:
        control = state.control()
        answer: Future[Preview | Problem] = control.pool.submit(control.client.preview, body)
        last = held["last"] if held is not None and held["name"] == name else None
        held = st.session_state[_PREVIEW] = {"name": name, "at": now, "answer": answer, "last": last}
        wait([answer], PREVIEW_GLANCE_S)
    if held["answer"].done() and held["answer"].exception() is None:
        held["last"] = held["answer"].result()
    return cast("Preview | Problem | None", held["last"])


def _came_of_it(draft: Draft | None, seen: int) -> None:
    """The last click's answer; a way to force what may be forced."""
    said = notes(Level.CRITICAL, [fault]) if (fault := st.session_state.get(ops_acting.FAULT)) else ()
    if (found := ops_acting.result()) is not None:
        said = (*said, *of_answer(found.answer, found.label))
    panels.notes("ops.result_shown", notes=said, role="status")
    if draft is not None and ops_acting.forceable(draft):
        st.button(
            f"{drafts.label(draft)} in spite of the refusal",
            key="ops.force",
            on_click=ops_acting.act,
            args=(draft, seen),
            kwargs={"force": True},
            disabled=ops_acting.under_way(),
        )


def inert_lines(text: str) -> str:
    """Each line of the text without unseen characters."""
    return "\n".join(inert(line, 400) for line in text.split("\n"))


operations()
