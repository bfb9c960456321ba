"""What-if: the range above under other settings, beside reality. The form is in the address, only a click replays."""

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from dashboard import chart, panels, replaying, state
from dashboard.control.values import Role
from dashboard.inert import inert
from dashboard.operations.drafts import setting_words
from dashboard.operations.notes import Level, notes
from dashboard.views import who
from dashboard.views.guard import guarded
from dashboard.whatif import form, words
from dashboard.whatif.charts import packed_sweep
from dashboard.whatif.options import short_of
from dashboard.whatif.playing import Job
from dashboard.whatif.prediction import DRAWS, WhatIfError
from dashboard.whatif.question import Question, command_of
from dashboard.whatif.reading import Policy
from dashboard.whatif.sweep import SWEEP_DRAWS

SETTING = "whatif."
ORDER, DRAWN, SEED, THRESHOLDS, COOLDOWNS = (
    f"whatif.{name}" for name in ("order", "draws", "seed", "thresholds", "cooldowns")
)
LOOK_S = 0.5
_JOB, _FAULT, _DONE = "whatif.job", "whatif.fault", "whatif.done"
_Ask = Callable[[form.Typed, datetime, datetime], Question]
_Done = tuple[Question, words.Document]


@st.fragment
def whatif(version: int, since: datetime, until: datetime) -> None:
    """The section: form, what is under way, and the last results."""
    who.gate()
    with guarded("what-if"):
        st.subheader("What if", anchor=False)
        st.text("The requests of this range, played again under other settings; an empty field stays as it was.")
        now, busy = replaying.settings_at(version, since), _job() is not None
        if not now.known:
            st.text("The log does not say its settings: the defaults stand in for them.")
        with st.container(key="whatif.form"):
            _fields(now)
            _buttons(since, until, busy=busy)
        if busy:
            st.fragment(_under_way, run_every=LOOK_S)()
        if fault := st.session_state.get(_FAULT):
            panels.notes("whatif.fault_shown", notes=notes(Level.CRITICAL, [fault]), role="alert")
        done: dict[str, _Done] = st.session_state.get(_DONE, {})
        if "replay" in done:
            _replay(*done["replay"], _asked(form.replayed, since, until))
        if "sweep" in done:
            _sweep(*done["sweep"], _asked(form.swept_over, since, until), now)
        if done:
            with st.expander("What these numbers cannot know", key="whatif.cannot"):
                panels.notes("whatif.cannot_shown", notes=notes(Level.INFO, words.CANNOT), role=None)


def _fields(now: Policy) -> None:
    _settings(form.FIRST, now)
    with st.expander(f"More: {len(form.REST)} settings", key="whatif.more"):
        _settings(form.REST, now)
    left, draws, seed = st.columns([4, 1, 1], gap="small")
    left.text_input("Order of providers", key=ORDER, bind="query-params", placeholder=inert(form.order_hint(now), 200))
    draws.text_input("Draws", key=DRAWN, bind="query-params", placeholder=f"{DRAWS}; in a sweep {SWEEP_DRAWS}")
    seed.text_input("Seed", key=SEED, bind="query-params", placeholder="1")


def _buttons(since: datetime, until: datetime, *, busy: bool) -> None:
    def button(label: str, ask: _Ask) -> None:
        st.button(label, key=f"whatif.{label.lower()}", disabled=busy, on_click=_begin, args=(ask, since, until))

    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        button("Replay", form.replayed)
        st.space("small")
        st.text_input("Sweep: thresholds", form.THRESHOLDS, key=THRESHOLDS, bind="query-params", width=150)
        st.text_input("and cooldowns, s", form.COOLDOWNS, key=COOLDOWNS, bind="query-params", width=150)
        button("Sweep", form.swept_over)
        st.caption(f"{since:%Y-%m-%d %H:%M:%S} to {until:%Y-%m-%d %H:%M:%S} UTC")


def _settings(names: tuple[str, ...], now: Policy) -> None:
    for start in range(0, len(names), 3):  # row by row: a phone stacks them in this order
        for column, name in zip(st.columns(3, gap="small"), names[start : start + 3], strict=False):
            column.text_input(
                setting_words(name),
                key=SETTING + short_of(name),
                bind="query-params",
                placeholder=inert(form.hint(name, now), 60),
            )


def _typed() -> form.Typed:
    said: Callable[[str], str] = lambda key: str(st.session_state.get(key) or "")  # noqa: E731
    settings = {name: said(SETTING + short_of(name)) for name in (*form.FIRST, *form.REST)}
    return form.Typed(settings, *map(said, (ORDER, DRAWN, SEED, THRESHOLDS, COOLDOWNS)))


def _asked(ask: _Ask, since: datetime, until: datetime) -> Question | None:
    """What a button would ask now, None where it would be refused."""
    try:
        return ask(_typed(), since, until)
    except WhatIfError:
        return None


def _begin(ask: _Ask, since: datetime, until: datetime) -> None:
    st.session_state[_FAULT] = ""
    if who.person().role is Role.NOBODY:  # asked anew at the action; the gate says why
        return
    try:
        st.session_state[_JOB] = replaying.players().begin(ask(_typed(), since, until))
    except WhatIfError as exc:
        st.session_state[_FAULT] = str(exc)


def _job() -> Job | None:
    """The session's own what-if while it is under way; one that is over leaves its result."""
    job: Job | None = st.session_state.get(_JOB)
    if job is None:
        return None
    standing = job.standing
    if not standing.over:
        return job
    st.session_state[_JOB] = None
    st.session_state[_FAULT] = standing.problem
    if standing.found is not None:
        kind = "sweep" if "sweep" in standing.found else "replay"
        st.session_state.setdefault(_DONE, {})[kind] = (job.question, standing.found)
    return None


def _under_way() -> None:
    job: Job | None = st.session_state.get(_JOB)
    if job is None or job.standing.over:
        st.rerun()
    standing = job.standing
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(standing.share, text=f"{standing.words}, {job.took_s:.0f} s")
        st.button("Cancel", key="whatif.cancel", on_click=job.cancel)


def _replay(question: Question, found: words.Document, asked: Question | None) -> None:
    st.subheader("Beside reality", anchor=False)
    _told(found, "replay", is_as_asked=question == asked)
    panels.grid(
        "whatif.compared",
        head=["number", "was", "would be", "from", "to", "difference"],
        rows=words.compared(found),
        empty="",
    )
    st.text(words.calls(found["calls"]))
    _command(question)


def _sweep(question: Question, found: words.Document, asked: Question | None, now: Policy) -> None:
    own = {short_of(name): now.settings[name] for name in (form.THRESHOLD, form.COOLDOWN)}
    st.subheader("Sweep", anchor=False)
    _told(found, "sweep", is_as_asked=question == asked)
    columns = st.columns(2, gap="medium")
    for place, (name, content) in enumerate(packed_sweep(found, own).items()):
        with columns[place % 2]:
            chart.show(content, f"whatif.sweep_{name}", on_brush=_nothing)
    head, rows = words.swept(found, own)
    panels.grid("whatif.swept", head=head, rows=rows, empty="")
    _command(question)


def _told(found: words.Document, name: str, *, is_as_asked: bool) -> None:
    st.text(inert(words.head(found)))
    if not is_as_asked:
        st.caption("The form or the range has changed since; these are still the numbers of the line above.")
    panels.notes(f"whatif.doubts_{name}", notes=notes(Level.WARNING, words.doubts(found)), role=None)


def _command(question: Question) -> None:
    st.caption("The same in a terminal:")
    st.code(inert(command_of(question, state.service().settings.logs), 4000), language=None, wrap_lines=True)


def _nothing() -> None:
    """Nothing can be marked in these charts."""
