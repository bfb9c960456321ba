"""Events of one name, and of one stretch of time: what every metric begins with.

Metrics take their events by `of_kind` alone, because that is where queries.py puts the table of the kind in the place
of all events (columns.TABLES): the SQL is then planned in a quarter of the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import ibis
from ibis import _

from dashboard.window import Window

if TYPE_CHECKING:
    import ibis.expr.types as ir

ATTEMPT, REQUEST, FALLBACK = "LLM_ATTEMPT", "LLM_REQUEST", "FALLBACK"
TRANSITION, EXHAUSTED, CONFIGURED = "BREAKER_TRANSITION", "PROVIDERS_EXHAUSTED", "CONFIG_CHANGED"
ORDERED, STARTED, STOPPED = "PROVIDERS_INITIALIZED", "SERVICE_STARTED", "SERVICE_STOPPED"
GUARD = "GUARD_TRIGGERED"

_structured_only = ContextVar("structured_only", default=False)


@contextmanager
def structured_only() -> Iterator[None]:
    """Within it, `with_plain` leaves out what plain logs need: right for logs that say everything outright."""
    token = _structured_only.set(True)
    try:
        yield
    finally:
        _structured_only.reset(token)


def with_plain(structured: "ir.Table", plain: "ir.Table") -> "ir.Table":
    """What a structured log says, and what is found out about a plain one; both have the same columns."""
    return structured if _structured_only.get() else structured.union(plain.select(structured.columns))


def of_kind(events: "ir.Table", name: str) -> "ir.Table":
    """The events of that name, with all columns of columns.EVENTS."""
    return events.filter(_.event == name)


def within(rows: "ir.Table", window: Window) -> "ir.Table":
    """The rows whose `at` is in the window."""
    return rows.filter((_.at >= moment(window.start)) & (_.at < moment(window.end)))


def bucket(window: Window) -> "ir.Deferred":
    """The beginning of the bucket that a row's `at` is in, as `bucket_at`."""
    return _.at.bucket(seconds=window.bucket_s).name("bucket_at")


def moment(at: datetime) -> "ir.TimestampScalar":
    """The time as a literal: UTC, without a zone, as the store keeps times."""
    return ibis.literal(at.astimezone(UTC).replace(tzinfo=None), "timestamp")
