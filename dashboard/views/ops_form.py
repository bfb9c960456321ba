"""The form: what an operator wants, as a draft. It keeps what was typed, whatever happens meanwhile."""

from collections.abc import Sequence

import streamlit as st

from dashboard import panels
from dashboard.control.values import SETTING_NAMES, Change, ControlState
from dashboard.inert import inert
from dashboard.operations import drafts, prepared, presets
from dashboard.operations.drafts import CircuitDraft, Draft, GuardDraft, OrderDraft, UndoDraft, Verb
from dashboard.operations.notes import Level, notes, of_guards

KINDS = ("Order", "Circuit", "Settings", "Guards", "Undo")
WHAT, PROVIDER, VERB = prepared.WHAT, prepared.PROVIDER, prepared.VERB
ORDER, MOVES, CHAIN, PRESET_NOTE = "ops.draft_order", "ops.moves", "ops.chain", "ops.preset_note"
FOR_S, GUARD, GUARD_FOR_S, UNDO = "ops.for_s", "ops.guard", "ops.guard_for_s", "ops.undo"
SETTING, REASON, DRAWN = "ops.set.", "ops.reason", "ops.drawn"
_FIELDS = {
    "Circuit": (PROVIDER, VERB, FOR_S),
    "Guards": (GUARD, GUARD_FOR_S),
    "Undo": (UNDO,),
}
"""The fields of these kinds; those of the settings begin with SETTING."""
_ISOLATIONS_S = (60, 300, 900, 1800, 3600, 14_400, 86_400)
_GUARDS_OFF_S = (60, 300, 600, 1800, 3600)


def kind() -> str:
    """Draws the choice of what to do; the chosen one."""
    chosen = st.segmented_control(
        "What to do", KINDS, default="Order", required=True, key=WHAT, bind="query-params", label_visibility="collapsed"
    )
    return chosen or "Order"


def prepare(available: Sequence[str], present: Sequence[str]) -> None:
    """Takes an order that a link brings along, once."""
    linked = st.query_params.get(prepared.ORDER)
    if linked is None:
        return
    del st.query_params[prepared.ORDER]
    fitted = presets.fitted(linked.split(",")[:50], available, present)
    if fitted.order:
        _take(fitted)


def clear() -> None:
    """Empties the form after its change was made. Before its widgets."""
    session = st.session_state
    session[ORDER] = session[PRESET_NOTE] = None
    session[MOVES] = session.get(MOVES, 0) + 1
    for key in [key for key in session if str(key).startswith(SETTING)]:
        session[key] = ""


def keep(drawn: str | None) -> None:
    """Keeps what stands in fields that this run does not draw, and gives it back to those that it draws again.

    Streamlit would forget it: after another kind was looked at, or the service was away. drawn: the kind whose fields
    are drawn, None where there is no form. Before its widgets; `drawn` after them.
    """
    session = st.session_state
    now, before = _fields_of(drawn), _fields_of(session.get(DRAWN))
    away = frozenset().union(*map(_fields_of, KINDS)) - now
    for key in away | (now - before):
        if key in session:
            session[key] = session[key]


def drawn(kind: str | None) -> None:
    """Notes whose fields stand on the page now: not before they do, because a run may be cut short by the next one."""
    st.session_state[DRAWN] = kind


def _fields_of(kind: str | None) -> frozenset[str]:
    if kind is None:
        return frozenset()
    typed = [str(key) for key in st.session_state if str(key).startswith(SETTING)] if kind == "Settings" else []
    return frozenset({REASON, *_FIELDS.get(kind, ()), *typed})


def drafted_order(state: ControlState) -> tuple[str, ...]:
    """The order in the form: the one in force, until somebody moves a row."""
    return presets.chosen(st.session_state.get(ORDER), state.available) or state.order


def moved() -> None:
    """Takes a move in the list over."""
    sent = st.session_state[CHAIN].get("order")
    if isinstance(sent, dict) and isinstance(sent.get("number"), int):
        st.session_state[ORDER], st.session_state[MOVES] = sent.get("order"), sent["number"]
        st.session_state[PRESET_NOTE] = None


def draft(what: str, state: ControlState) -> Draft | None:
    """Draws the fields of one kind of change; what they ask for, None while that is nothing."""
    match what:
        case "Circuit":
            return _circuit(state)
        case "Settings":
            return _settings(state)
        case "Guards":
            return _guard(state)
        case "Undo":
            return _undo(state)
    return _order(state)


def _order(state: ControlState) -> Draft:
    with st.container(horizontal=True, gap="small"):
        for name, order in presets.PRESETS.items():
            fitted = presets.fitted(order, state.available, state.order)
            st.button(
                name,
                key=f"ops.preset.{name}",
                on_click=_take,
                args=(fitted,),
                disabled=not fitted.order,
                width="content",
            )
        st.button("Discard", key="ops.preset.back", type="tertiary", on_click=_take_back)
    if note := st.session_state.get(PRESET_NOTE):
        panels.notes("ops.preset_note_shown", notes=notes(Level.WARNING, [note]), role=None)
    return OrderDraft(drafted_order(state))


def _take(fitted: presets.Fitted) -> None:
    session = st.session_state
    session[ORDER], session[PRESET_NOTE] = list(fitted.order), fitted.note
    session[MOVES] = session.get(MOVES, 0) + 1


def _take_back() -> None:
    st.session_state[ORDER] = st.session_state[PRESET_NOTE] = None
    st.session_state[MOVES] = st.session_state.get(MOVES, 0) + 1


def _circuit(state: ControlState) -> Draft | None:
    st.session_state.setdefault(FOR_S, 1800)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        names = [row.provider for row in state.providers if row.circuit is not None]
        provider = st.segmented_control("Provider", names, key=PROVIDER, bind="query-params")
        verb = st.segmented_control("Action", [str(verb) for verb in Verb], key=VERB, bind="query-params")
        for_s = st.selectbox(
            "For",
            _ISOLATIONS_S,
            format_func=drafts.duration,
            key=FOR_S,
            width=110,
            disabled=verb != Verb.ISOLATE,
        )
    if provider is None or verb is None:
        return None
    return CircuitDraft(provider, Verb(verb), for_s)


def _settings(state: ControlState) -> Draft:
    known = {setting.name: setting for setting in state.settings}
    first = [name for name in SETTING_NAMES if name in known]
    rest = [name for name in known if name not in SETTING_NAMES]
    typed = _fields(first, state)
    if rest:
        with st.expander(f"More: {len(rest)} settings", key="ops.more"):
            typed |= _fields(rest, state)
    st.caption("An empty field stays as it is; `default` takes a setting back to its default.")
    return drafts.settings_draft(typed, state)


def _fields(names: Sequence[str], state: ControlState) -> dict[str, str]:
    known = {setting.name: setting for setting in state.settings}
    columns, typed = st.columns(3, gap="small"), {}
    for i, name in enumerate(names):
        setting = known[name]
        now = inert(f"{setting.value} {setting.unit}".strip(), 40)
        typed[name] = columns[i % 3].text_input(
            drafts.setting_words(name),
            key=SETTING + name,
            placeholder=f"now {now}" if setting.fixed is None else f"{now}, {inert(setting.fixed, 60)}",
            disabled=setting.fixed is not None,
        )
    return typed


def _guard(state: ControlState) -> Draft | None:
    st.session_state.setdefault(GUARD_FOR_S, 600)
    panels.notes("ops.guards", notes=of_guards(state.guards), role=None)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        guard = st.segmented_control("Guard", [each.guard for each in state.guards], key=GUARD)
        for_s = st.selectbox("Off for", _GUARDS_OFF_S, format_func=drafts.duration, key=GUARD_FOR_S, width=110)
    found = next((each for each in state.guards if each.guard == guard), None)
    return None if found is None else GuardDraft(found.guard, not found.enabled, for_s)


def _undo(state: ControlState) -> Draft | None:
    undoable = {change.version: change for change in state.changes if change.undoable}
    if not undoable:
        st.text("Nothing that could be put back.")
        return None
    version = st.selectbox(
        "Which change", list(undoable), key=UNDO, format_func=lambda version: _of(undoable.get(version)), index=0
    )
    return UndoDraft(undoable[version]) if version in undoable else None


def _of(change: Change | None) -> str:
    return "" if change is None else inert(f"version {change.version}: {change.kind} by {change.actor}", 120)
