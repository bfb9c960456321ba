"""What all sessions of this process share: store, ingest thread, bell, and what was computed from them.

Frames and charts are built once per version of the data and window, whoever asks first; the other sessions take
them from the cache. `version` is in every cached function's key for that reason alone. Times in a key are whole
seconds.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import ibis
import pandas as pd
import streamlit as st

from dashboard import metrics
from dashboard.alert_board.course import Course
from dashboard.bell import Bell
from dashboard.control.client import ControlClient
from dashboard.control.latest import Latest
from dashboard.control.values import Check, ControlState, Problem
from dashboard.ingest import Ingest
from dashboard.live.charts import packed_charts
from dashboard.live.frames import Frames
from dashboard.live.guards import GuardNumbers
from dashboard.live.reading import read_frames, read_guards
from dashboard.live.span import Extent, Span
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


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def guard_numbers(version: int, start: datetime, end: datetime, bucket_s: int) -> GuardNumbers:  # noqa: ARG001
    """What the guards did in a window."""
    return read_guards(service().store, Window(start, end, bucket_s))


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
