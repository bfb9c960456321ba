"""A click and what comes of it. The change is made by a thread; the page looks for its answer at each run.

One click is one change: while one is under way the button is off, a click that comes right after the change was made (the
second of a double click) is dropped, and a click after an answer that did not come carries the first one's key.
"""

import time
import uuid
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboard import state
from dashboard.control.values import Done, Problem, Refused, Role, Stale, Unreachable
from dashboard.operations import drafts, prepared
from dashboard.operations.drafts import Draft
from dashboard.operations.proof import claim, spelled
from dashboard.views import who
from dashboard.views.ops_form import REASON

JOB, RESULT, SEEN, FAULT = "ops.job", "ops.result", "ops.seen", "ops.fault"
_UNSURE, _MADE = "ops.unsure", "ops.made"
GLANCE_S = 0.3  # a service nearby has answered by then; whoever takes longer is asked again at the next run
DOUBLE_CLICK_S = 0.8


@dataclass(frozen=True, slots=True)
class Job:
    """A change under way."""

    draft: Draft
    label: str
    path: str
    body: dict[str, Any]
    key: str
    answer: "Future[Done | Problem]"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to the last click."""

    draft: Draft
    label: str
    answer: Done | Problem


def act(draft: Draft, version: int, *, force: bool = False) -> None:
    """What the button does. version: the one that the form rests on."""
    session = st.session_state
    if session.get(JOB) is not None or _is_second_click(draft):
        return
    person = who.person()
    if person.role is not Role.OPERATOR:  # whatever the page had rendered
        session[FAULT] = f"Nothing was done: {person.why or 'this needs an operator'}."
        return
    reason = str(session.get(REASON) or "").strip()
    session[FAULT] = drafts.reason_fault(reason)
    if session[FAULT]:
        return
    path, body = drafts.request(draft, version, reason, person.actor, force=force)
    unsure: Job | None = session.get(_UNSURE)
    same = unsure is not None and (unsure.path, unsure.body) == (path, body)
    key = unsure.key if unsure is not None and same else uuid.uuid4().hex
    control = state.control()

    def change() -> Done | Problem:
        answer = control.client.change(path, body, key)
        control.state.put(control.client.state())  # so that the page shows the new order with the answer
        return answer

    session[RESULT] = None
    session[JOB] = Job(draft, drafts.label(draft), path, body, key, control.pool.submit(change))


def _is_second_click(draft: Draft) -> bool:
    made_at_s, made = st.session_state.get(_MADE, (float("-inf"), None))
    return bool(draft == made and time.monotonic() - made_at_s < DOUBLE_CLICK_S)


def under_way() -> bool:
    """Whether a change is under way."""
    return st.session_state.get(JOB) is not None


def result() -> Result | None:
    """The answer to the last click, until the next one."""
    found = st.session_state.get(RESULT)
    return found if isinstance(found, Result) else None


def settle() -> bool:
    """Takes the answer in if it has come; whether the change was made just now. Before any widget of the form."""
    session = st.session_state
    job: Job | None = session.get(JOB)
    if job is None:
        return False
    wait([job.answer], GLANCE_S)
    if not job.answer.done():
        return False
    fault = job.answer.exception()
    answer = (
        job.answer.result() if fault is None else Unreachable(f"a fault here ({type(fault).__name__})", unsure=True)
    )
    session[JOB] = None
    session[RESULT] = Result(job.draft, job.label, answer)
    session[_UNSURE] = job if isinstance(answer, Unreachable) and answer.unsure else None
    if not isinstance(answer, Done):
        return False
    session[REASON], session[SEEN] = "", None
    session[_MADE] = (time.monotonic(), job.draft)
    if answer.changes:  # the log says nothing about what was so already
        st.query_params[prepared.PROOF] = spelled(claim(job.draft, answer, datetime.now(UTC)))
    return True


def conflict() -> Stale | None:
    """The conflict that the last click met."""
    found = result()
    return found.answer if found is not None and isinstance(found.answer, Stale) else None


def forceable(draft: Draft | None) -> bool:
    """Whether this draft was refused, and would be done if it were asked for all the same."""
    found = result()
    return found is not None and found.draft == draft and isinstance(found.answer, Refused) and found.answer.forceable
