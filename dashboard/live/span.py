"""Which stretch of time the page shows, and whether that is the present.

The reader chooses a range that follows the log (`15m`), all of it, or two fixed times. A log whose newest
event is older than PAST_AFTER is a record, not a live source: its own end takes the place of now.
"""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dashboard.window import WIDTHS_S, Window

RANGES = {
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
}
ALL = "all"
DEFAULT_RANGE = "15m"
PAST_AFTER = timedelta(hours=1)
PER_BUCKET = 10  # attempts that a bucket should hold on average
FEWEST_POINTS = 30  # however thin the traffic, a chart shows a course, not an average


class Mode(StrEnum):
    """How the page relates to the present."""

    WAITING = "WAITING"
    LIVE = "LIVE"
    PAUSED = "PAUSED"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Extent:
    """Times of a log's oldest and newest event."""

    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """A window with its moment of now. `at`: what countdowns and ages count from; `past`: the log has ended."""

    window: Window
    at: datetime
    mode: Mode
    past: bool = False


def default_range(extent: Extent, now: datetime) -> str:
    """All of a log that has ended, the last quarter of an hour of a live one."""
    return ALL if now - extent.newest > PAST_AFTER else DEFAULT_RANGE


def following(choice: str, extent: Extent | None, now: datetime, stale_s: float) -> Span:
    """The range `choice` up to the present, or to the end of a log that has ended.

    stale_s: age of the newest event from which on the data count as stale, in seconds. The window's ends lie on
    whole buckets, so that a bucket keeps its content while the window moves on.
    """
    if extent is None:
        window = Window.of(now - RANGES[DEFAULT_RANGE], now)
        return Span(window, now, Mode.WAITING)
    past = now - extent.newest > PAST_AFTER
    at = extent.newest if past else max(now, extent.newest)
    length = RANGES.get(choice)
    end = at + timedelta(milliseconds=1)  # the newest event lies inside
    start = extent.oldest if length is None else end - length
    window = _on_buckets(start, end, Window.of(start, end).bucket_s)
    mode = Mode.STALE if past or at - extent.newest > timedelta(seconds=stale_s) else Mode.LIVE
    return Span(window, at, mode, past)


def fixed(start: datetime, end: datetime, extent: Extent | None, now: datetime) -> Span:
    """The time from start to end, whatever arrives later."""
    live_end = now if extent is None else max(now, extent.newest)
    past = extent is not None and now - extent.newest > PAST_AFTER
    return Span(Window.of(start, end), min(end, live_end), Mode.PAUSED, past)


def for_traffic(span: Span, attempts: int, before_s: int | None) -> Span:
    """The span with buckets wide enough for its traffic: a rate of two values says nothing.

    attempts: how many the window holds; before_s: the width chosen the last time for this range, kept while it
    fits, so that the charts do not flicker between two widths.
    """
    window = span.window
    length_s = (window.end - window.start).total_seconds()
    wanted_s = min(length_s / FEWEST_POINTS, length_s * PER_BUCKET / max(1, attempts))
    if before_s is not None and window.bucket_s <= before_s and wanted_s / 2 <= before_s <= wanted_s * 2:
        step_s = before_s
    else:
        step_s = next((s for s in WIDTHS_S if s >= max(wanted_s, window.bucket_s)), WIDTHS_S[-1])
    step_s = max(step_s, window.bucket_s)
    if span.mode is Mode.PAUSED:
        return replace(span, window=Window(window.start, window.end, step_s))
    return replace(span, window=_on_buckets(window.start, window.end, step_s))


def parse_utc(text: str) -> datetime | None:
    """A time as typed or linked (`2025-11-23T02:41:07Z`, `2025-11-23 02:41`), UTC unless it says otherwise."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def spell_utc(at: datetime) -> str:
    """The time as it stands in a link: seconds, or milliseconds where they matter."""
    precision = "milliseconds" if at.microsecond else "seconds"
    return at.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _on_buckets(start: datetime, end: datetime, step_s: int) -> Window:
    """The stretch, made longer at both ends to whole buckets."""
    first_s = math.floor(start.timestamp() / step_s) * step_s
    last_s = math.ceil(end.timestamp() / step_s) * step_s
    return Window(datetime.fromtimestamp(first_s, UTC), datetime.fromtimestamp(last_s, UTC), step_s)
