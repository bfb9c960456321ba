"""The form of the Alerts page: acknowledge, silence, end a silence. Each needs a reason and leaves a line in the ledger."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard import alert_state, panels
from dashboard.alert_board.care import matcher_words
from dashboard.alert_board.words import duration
from dashboard.alerts import ledger
from dashboard.alerts.rule import Severity
from dashboard.alerts.silences import EVERYTHING, LONGEST_REASON, Silence, SilenceError
from dashboard.control.values import Role
from dashboard.inert import inert
from dashboard.operations.notes import Level, notes
from dashboard.views import who
from dashboard.views.ops_acting import DOUBLE_CLICK_S

ACKNOWLEDGE, SILENCE, END = "Acknowledge", "Silence", "End a silence"
WHAT, RULE, MATCHER, FOR_S, WHICH, REASON = (
    "alerts.what", "alerts.rule", "alerts.matcher", "alerts.for_s", "alerts.which", "alerts.reason",
)  # fmt: skip
SAID, _MADE = "alerts.said", "alerts.made"
_FOR_S = (900, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600, 7 * 24 * 3600)


def form(open_alerts: Mapping[str, datetime], in_force: Sequence[Silence]) -> None:
    """Draws the form. open_alerts: active and not acknowledged, with the moment each began to fire."""
    what = st.segmented_control(
        "What to do",
        (ACKNOWLEDGE, SILENCE, END),
        default=ACKNOWLEDGE,
        required=True,
        key=WHAT,
        label_visibility="collapsed",
    )
    act = _fields(what or ACKNOWLEDGE, open_alerts, in_force)
    st.text_input(
        "Reason (goes into the audit list)", key=REASON, max_chars=LONGEST_REASON, placeholder="why, in a few words"
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            what or ACKNOWLEDGE, key="alerts.do", type="primary", disabled=act is None, on_click=_done, args=(act,)
        )
        st.text(f"as {inert(who.person().actor, 100)}")
    level, text = st.session_state.get(SAID) or (Level.INFO, "")
    panels.notes("alerts.said_shown", notes=notes(level, [text] if text else []), role="status")


Act = Callable[[str, str], str]
"""What the button does, for an actor with a reason; the answer is what has been done."""


def _fields(what: str, open_alerts: Mapping[str, datetime], in_force: Sequence[Silence]) -> Act | None:
    """Draws the fields of one kind; what they ask for, None while that is nothing."""
    if what == ACKNOWLEDGE:
        return _acknowledge(open_alerts)
    return _silence() if what == SILENCE else _end(in_force)


def _acknowledge(open_alerts: Mapping[str, datetime]) -> Act | None:
    if not open_alerts:
        st.text("No active alert that nobody looks after.")
        return None
    rules = alert_state.alerts().rules

    def spelled(name: str) -> str:
        since = f", firing since {open_alerts[name]:%H:%M:%S} UTC" if name in open_alerts else ""
        return inert(matcher_words(name, rules) + since, 120)

    rule = st.selectbox("Alert", list(open_alerts), key=RULE, format_func=spelled)
    firing_at = open_alerts.get(rule or "")
    if rule is None or firing_at is None:
        return None

    def act(actor: str, reason: str) -> str:
        ledger.acknowledge(alert_state.ledger_path(), rule, firing_at, actor, reason)
        return f"Acknowledged: {matcher_words(rule, rules)}. It ends with this alert."

    return act


def _silence() -> Act | None:
    rules = alert_state.alerts().rules
    matchers = [*(rule.name for rule in rules.rules), *map(str, Severity), EVERYTHING]
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        matcher = st.selectbox("About", matchers, key=MATCHER, format_func=lambda name: matcher_words(name, rules))
        st.session_state.setdefault(FOR_S, 3600)
        for_s = st.selectbox("For", _FOR_S, key=FOR_S, format_func=_spell, width=110)
    st.caption(
        f"Until {datetime.now(UTC) + timedelta(seconds=for_s):%Y-%m-%d %H:%M} UTC. It is still evaluated and shown."
    )

    def act(actor: str, reason: str) -> str:
        at = datetime.now(UTC)
        made = ledger.silence(
            alert_state.ledger_path(), rules, matcher, at + timedelta(seconds=for_s), actor, reason, at
        )
        return f"Silenced: {matcher_words(matcher, rules)}, until {made.until:%Y-%m-%d %H:%M} UTC."

    return act


def _end(in_force: Sequence[Silence]) -> Act | None:
    if not in_force:
        st.text("No silence is in force.")
        return None
    rules, known = alert_state.alerts().rules, {each.id: each for each in in_force}

    def spelled(name: str) -> str:
        each = known.get(name)
        if each is None:
            return ""
        return inert(f"{matcher_words(each.matcher, rules)}, until {each.until:%m-%d %H:%M} UTC, by {each.actor}", 120)

    chosen = st.selectbox("Silence", list(known), key=WHICH, format_func=spelled)
    if chosen not in known:
        return None

    def act(actor: str, reason: str) -> str:
        ledger.end_silence(alert_state.ledger_path(), chosen, actor, reason)
        return f"Ended: the silence of {matcher_words(known[chosen].matcher, rules)}."

    return act


def _done(act: Act | None) -> None:
    """What the button does, whatever the page had rendered."""
    person, session = who.person(), st.session_state
    if person.role is not Role.OPERATOR:
        session[SAID] = (Level.CRITICAL, f"Nothing was done: {person.why or 'this needs an operator'}.")
        return
    reason = str(session.get(REASON) or "").strip()
    second_click = not reason and time.monotonic() - session.get(_MADE, float("-inf")) < DOUBLE_CLICK_S
    if act is None or second_click:
        return
    try:
        session[SAID] = (Level.OK, act(person.actor, reason))
        session[REASON], session[_MADE] = "", time.monotonic()
    except SilenceError as exc:
        session[SAID] = (Level.CRITICAL, f"Nothing was done: {inert(str(exc), 300)}.")
    except KeyError:
        session[SAID] = (Level.WARNING, "Nothing was done: that silence is over already.")
    except OSError as exc:
        session[SAID] = (Level.CRITICAL, f"It could not be written down, so it does not hold: {exc.strerror or exc}.")


def _spell(seconds: int) -> str:
    return f"{seconds // 86_400} d" if seconds % 86_400 == 0 else duration(seconds)
