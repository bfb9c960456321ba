"""What the Operations page asks of the store, once for all sessions. `version` is in every key, as in state.py."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard.inert import provider_label
from dashboard.live.circuits import CircuitNow, as_seen, circuits_now
from dashboard.operations.audit import Act, audit
from dashboard.operations.drafts import Verb
from dashboard.operations.proof import BEFORE, SLACK, Claim, Evidence, First, Rate, own_event, under_version
from dashboard.state import service
from dashboard.window import Window

_KEPT = 16


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def chain_in_log(version: int, at_s: int) -> tuple[tuple[str, ...], dict[str, CircuitNow]]:  # noqa: ARG001
    """Order and circuits as the log tells them at a moment (seconds since the epoch); empty without an event."""
    store, found = service().store, service().store.extent()
    if found is None:
        return (), {}
    at = max(datetime.fromtimestamp(at_s, UTC), found[1])
    order = tuple(dict.fromkeys(map(provider_label, store.read("order_now", at=at)["provider"])))
    whole = Window.of(min(found[0], at - timedelta(seconds=1)), at)
    intervals = as_seen(store.read("circuit_intervals", whole, at))
    return order, circuits_now(intervals, store.read("circuit_transitions", whole), order)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def audited(version: int) -> tuple[Act, ...]:  # noqa: ARG001
    """Who did what, when and why, newest first, in the whole log."""
    store, found = service().store, service().store.extent()
    now = datetime.now(UTC)
    start, end = (now - BEFORE, now) if found is None else (found[0], max(found[1], now) + SLACK)
    whole = Window.of(start, end)
    return audit(store.read("config_changes", whole), store.read("actions", whole))


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def evidence(version: int, claim: Claim) -> Evidence:  # noqa: ARG001
    """What the log holds of a change."""
    store = service().store
    since = Window.of(claim.at - SLACK, max(datetime.now(UTC), claim.at) + timedelta(hours=1))
    row = own_event(claim, store.rows("config_changes", since), store.rows("actions", since))
    event_at = claim.at if row is None else row["at"]
    before = _rate(Window.of(event_at - BEFORE, event_at))
    if row is None:
        return Evidence(None, "", "", None, before, Rate(0, 0))
    what, actor = row.get("changes") or row.get("text") or "", row["actor"] or ""
    after = Window.of(event_at, since.end)
    if claim.provider is None:
        first, rate = under_version(claim, store.rows("requests_by_version", after))
    else:
        first, rate = _first_call(claim, event_at), _rate(after)
    return Evidence(event_at, what, actor, first, before, rate)


def _rate(window: Window) -> Rate:
    (row,) = service().store.rows("request_summary", window)
    return Rate(row["success"], row["total"])


def _first_call(claim: Claim, since: datetime) -> First | None:
    """Of an isolated provider the first request that ended after it, of another circuit the first call to it."""
    store = service().store
    isolated = claim.verb is Verb.ISOLATE
    rows = store.events.filter(store.events["event"] == ("LLM_REQUEST" if isolated else "LLM_ATTEMPT"))
    rows = rows.filter(rows["at"] >= since.replace(tzinfo=None))
    if not isolated:
        rows = rows.filter(rows["provider"] == claim.provider)
    found = store.run(rows.order_by(["at", "offset"]).limit(1)).to_dict("records")
    if not found:
        return None
    row = found[0]
    provider = row["provider"] if isinstance(row["provider"], str) else None
    ms = row["total_ms"] if isolated else row["generation_time_ms"]
    return First(row["at"].to_pydatetime(), provider, row["status"], float(ms))
