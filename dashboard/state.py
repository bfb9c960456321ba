"""What all sessions of this process share: store, ingest thread, bell, and what was computed from them.

Frames and charts are built once per version of the data and window, whoever asks first; the other sessions take
them from the cache. `version` is in every cached function's key for that reason alone. Times in a key are whole
seconds.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ibis
import pandas as pd
import streamlit as st

from dashboard import metrics
from dashboard.alert_board.course import Course
from dashboard.alert_board.evaluating import Evaluating
from dashboard.alert_board.sparks import Spark, moment_before, spark_moments, sparks
from dashboard.alerts.episodes import Episode
from dashboard.alerts.evaluate import Evaluation
from dashboard.alerts.ledger import Entry, Ledger, ledger_file, read_ledger
from dashboard.alerts.reading import read_history
from dashboard.alerts.rule import Rules
from dashboard.alerts.rulefile import RuleError, load_rules
from dashboard.bell import Bell
from dashboard.control.client import ControlClient
from dashboard.control.latest import Latest
from dashboard.control.values import Check, ControlState, Problem
from dashboard.incidents.incident import Incident
from dashboard.incidents.notes import notes_file, notes_of, read_notes
from dashboard.incidents.reading import incidents, past_episodes, ranged
from dashboard.inert import provider_label
from dashboard.ingest import Ingest
from dashboard.live.charts import packed_charts
from dashboard.live.circuits import CircuitNow, as_seen, circuits_now
from dashboard.live.frames import Frames
from dashboard.live.reading import read_frames
from dashboard.live.span import PAST_AFTER, Extent, Span
from dashboard.operations.audit import Act, audit
from dashboard.operations.drafts import Verb
from dashboard.operations.proof import BEFORE, SLACK, Claim, Evidence, First, Rate, own_event, under_version
from dashboard.report.content import Report, report
from dashboard.report.files import documents
from dashboard.settings import Settings, load, store_file
from dashboard.store import Store
from dashboard.window import Window

BELL_URL = "/bell"
_KEPT = 16  # results per function; an older version of the data is never asked for again

_chosen_logs: list[str] = []


@dataclass(frozen=True, slots=True)
class Service:
    """The one store of this process, the thread that fills it, and the bell that tells of it."""

    store: Store
    ingest: Ingest
    bell: Bell
    settings: Settings


@dataclass(frozen=True, slots=True)
class Control:
    """The control API's client, its last answers, and the threads that ask, so that no session waits."""

    client: ControlClient
    pool: ThreadPoolExecutor
    state: Latest[ControlState | Problem]
    checks: Latest[tuple[Check, ...] | Problem]


@st.cache_resource(show_spinner=False)
def control() -> Control:
    """Built at the first call; nothing is asked before somebody needs it."""
    settings = service().settings
    client = ControlClient(settings.control_url, settings.control_token)
    pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="control")
    return Control(client, pool, Latest(client.state, pool), Latest(client.checks, pool))


@dataclass(frozen=True, slots=True)
class Alerts:
    """The rules, and their evaluation. problem: why there is none: nothing is evaluated by other rules instead."""

    rules: Rules
    evaluating: Evaluating | None
    problem: str = ""


@st.cache_resource(show_spinner=False)
def alerts() -> Alerts:
    """Built at the first call; a rule file is read once."""
    found = service()
    try:
        rules = load_rules(found.settings.rules)
    except RuleError as exc:
        return Alerts(Rules(1, ()), None, str(exc))
    return Alerts(rules, Evaluating(found.store, rules, PAST_AFTER))


def course(version: int, known: Extent | None, *, settled: bool, wait_s: float = 0.1) -> Course:
    """How the rules have gone so far. settled: the log has been read to its end; wait_s: for what is due, at most."""
    found = alerts()
    if found.evaluating is None:
        return Course(Evaluation(found.rules))
    extent = None if known is None else (known.oldest, known.newest)
    return found.evaluating.course(version, extent, settled=settled, wait_s=wait_s)


def ledger_path() -> Path:
    """The file of silences and acknowledgements of this log."""
    return ledger_file(store_file(service().settings))


def ledger() -> Ledger:
    """Silences and acknowledgements; the file is read again when it has changed."""
    path = ledger_path()
    try:
        found = path.stat()
    except FileNotFoundError:
        return Ledger(there=False)
    except OSError as exc:
        return Ledger(notes=(f"{path} cannot be read: {exc.strerror}",), there=False)
    return _ledger(found.st_mtime_ns, found.st_size)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _ledger(changed_ns: int, size: int) -> Ledger:  # noqa: ARG001
    path = ledger_path()
    try:
        return read_ledger(path)
    except OSError as exc:
        return Ledger(notes=(f"{path} cannot be read: {exc.strerror}",), there=False)


def alert_sparks(course: Course, span: Span, known: Extent) -> Mapping[str, Spark]:
    """The rules' numbers over a span, up to what has been evaluated; the last is of the span's moment."""
    at = course.evaluation.at
    if at is None or at < span.window.start:
        return {}
    rules = alerts().rules
    before = spark_moments(span.window.start, min(at, span.at), rules.interval_s)
    found: Mapping[str, Spark] = _alert_sparks(known.oldest, before[0], before[-1], len(before)) if before else {}
    if span.at >= at:  # evaluated already
        newest: Mapping[str, Spark] = {
            name: Spark((alert.value,), alert.count) for name, alert in course.evaluation.alerts.items()
        }
    else:
        moment = moment_before(span.at, rules.interval_s)
        newest = _alert_sparks(known.oldest, moment, moment, 1)
    return {
        name: Spark((*(found[name].values if name in found else ()), spark.value), spark.count)
        for name, spark in newest.items()
    }


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _alert_sparks(oldest: datetime, first: datetime, last: datetime, count: int) -> Mapping[str, Spark]:  # noqa: ARG001
    step = (last - first) / max(1, count - 1)
    moments = [first + step * place for place in range(count)]
    rules = alerts().rules
    return sparks(rules, read_history(service().store, rules, moments), moments)


def choose_logs(paths: Sequence[str]) -> None:
    """Paths or patterns to follow instead of those of the settings. Before the first use of `service`."""
    _chosen_logs[:] = paths


@st.cache_resource(show_spinner=False)
def service() -> Service:
    """Built at the first call; `ingest` is started by whoever runs the process."""
    settings = load()
    if _chosen_logs:
        settings = replace(settings, logs=tuple(_chosen_logs))
    store = Store.open(store_file(settings))
    bell = Bell(lambda: store.version, settings.refresh_s)
    return Service(store, Ingest(store, settings.logs, follow=True, on_change=bell.ring), bell, settings)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def extent(version: int) -> Extent | None:  # noqa: ARG001
    """Times of the oldest and the newest event, None without any."""
    found = service().store.extent()
    return None if found is None else Extent(*found)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def reject_count(version: int) -> int:  # noqa: ARG001
    """How many lines look like events and could not be read."""
    return service().store.counts()[1]


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def events_after(version: int, end: datetime) -> int:  # noqa: ARG001
    """How many events are of `end` or later."""
    store = service().store
    later = store.events.filter(store.events["at"] >= end.replace(tzinfo=None))
    return int(store.run(later.aggregate(n=later.count()))["n"].iloc[0])


def attempts(window: Window, settled: bool) -> int:
    """How many ended attempts a window holds, as of the last ten seconds. settled: the log has been read to its end."""
    slot_s = 10
    return _attempts(settled, *(int(edge.timestamp()) // slot_s * slot_s for edge in (window.start, window.end)))


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _attempts(settled: bool, start_s: int, end_s: int) -> int:  # noqa: ARG001
    window = Window.of(*(datetime.fromtimestamp(edge, UTC) for edge in (start_s, end_s + 1)))
    return int(service().store.read("provider_summary", window)["attempts"].sum())


def frames(version: int, span: Span, known: Extent) -> Frames:
    """The frames of a span, at the data's `version`."""
    return _frames(version, *_key(span, known))


def charts(version: int, span: Span, known: Extent, choice: str, course: Course) -> Mapping[str, bytes]:
    """The charts of a span, packed to be sent. choice: the range's name; a zoom lasts as long as it stays."""
    evaluated = (course.evaluation.at, len(course.changes), course.behind)
    return _charts(version, *_key(span, known), choice, evaluated, course)


def lines(window: Window, levels: tuple[str, ...], find: str, count: int) -> pd.DataFrame:
    """The newest lines of a window, oldest of them first: of these levels (none: all), with `find` in their text."""
    store = service().store
    found = store.lines
    if levels:
        found = found.filter(found["level"].isin(levels))
    if find:
        found = found.filter(found["text"].contains(find))
    return store.run(metrics.raw_lines(found, window, count))


def rejects(count: int) -> pd.DataFrame:
    """The newest lines that look like events and could not be read, with place and reason."""
    store = service().store
    newest = store.rejects.order_by([ibis.desc("at"), ibis.desc("offset")]).limit(count)
    return store.run(newest.select("at", "source", "offset", "reason", "start"))


@st.cache_resource(show_spinner=False)
def rules() -> Rules:
    """The alert rules that incidents are found by. Raises: RuleError, each time."""
    return load_rules(service().settings.rules)


@st.cache_resource(show_spinner=False, max_entries=2)
def past_alerts(version: int) -> tuple[Episode, ...]:  # noqa: ARG001
    """The alert episodes of the whole log."""
    return past_episodes(service().store, rules())


def found_incidents(version: int) -> tuple[Incident, ...]:
    """The incidents of the whole log."""
    return _found_incidents(version, kept := _kept(), _mark(kept))


def range_incident(version: int, start: datetime, end: datetime) -> Incident:
    """A range chosen by hand, as if it were an incident."""
    return _range_incident(version, start, end, kept := _kept(), _mark(kept))


def reviewed(version: int, stem: str, incident: Incident) -> Report:
    """All that the Review page shows of an incident. stem: its name (report.files)."""
    return _reviewed(version, stem, incident, _mark(incident.kept))


def _kept() -> tuple[Entry, ...] | None:
    return found.entries if (found := ledger()).there else None


def _mark(kept: tuple[Entry, ...] | None) -> int:
    """Tells one state of a ledger from another: nothing is ever changed in it or taken out."""
    return -1 if kept is None else len(kept)


@st.cache_resource(show_spinner=False, max_entries=2)
def _found_incidents(version: int, _kept: tuple[Entry, ...] | None, mark: int) -> tuple[Incident, ...]:  # noqa: ARG001
    return incidents(service().store, rules(), past_alerts(version), _kept)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _range_incident(
    version: int,
    start: datetime,
    end: datetime,
    _kept: tuple[Entry, ...] | None,
    mark: int,  # noqa: ARG001
) -> Incident:
    return ranged(service().store, rules(), past_alerts(version), start, end, _kept)


@st.cache_resource(show_spinner=False, max_entries=4)
def _reviewed(version: int, stem: str, _incident: Incident, mark: int) -> Report:  # noqa: ARG001
    return report(service().store, rules(), _incident, group="review")


def exported(incident: Incident) -> Mapping[str, bytes]:
    """The files of an incident's report, by name, with its notes as they are now."""
    return documents(service().store, rules(), incident, notes_of(read_notes(notes_path()), incident))


def notes_path() -> Path:
    """Where notes are kept: beside the store."""
    return notes_file(store_file(service().settings))


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


_Key = tuple[datetime, datetime, int, int, datetime]


def _key(span: Span, known: Extent) -> _Key:
    window = span.window
    return window.start, window.end, window.bucket_s, math.ceil(span.at.timestamp()), known.oldest


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _frames(
    version: int,  # noqa: ARG001
    start: datetime,
    end: datetime,
    bucket_s: int,
    at_s: int,
    oldest: datetime,
) -> Frames:
    window = Window(start, end, bucket_s)
    return read_frames(service().store, window, datetime.fromtimestamp(at_s, UTC), oldest)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _charts(
    version: int,
    start: datetime,
    end: datetime,
    bucket_s: int,
    at_s: int,
    oldest: datetime,
    choice: str,
    evaluated: tuple[datetime | None, int, bool],  # noqa: ARG001
    _course: Course,
) -> Mapping[str, bytes]:
    found = _frames(version, start, end, bucket_s, at_s, oldest)
    at = datetime.fromtimestamp(at_s, UTC)
    bars = _course.bars(start, min(end, at)) if at > start else ()
    return packed_charts(found, Window(start, end, bucket_s), at, choice, _course.evaluation.rules, bars)
