"""A store's lines as the records that a replay takes."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dashboard.kinds import ATTEMPT, CONFIGURED, EXHAUSTED, FALLBACK, ORDERED, REQUEST, STARTED, TRANSITION
from resilience.events import from_line
from resilience.replay import NAMES, UNKNOWN, Life, Past, lives, past

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from dashboard.store import Store

MARGIN = timedelta(hours=1)
"""So far around a stretch of time its calls are read: for the beginnings of its requests, and for draws."""

_SETTINGS = (STARTED, ORDERED, CONFIGURED)
_RARE = (*_SETTINGS, TRANSITION)
_FREQUENT = (ATTEMPT, REQUEST, FALLBACK, EXHAUSTED)


def recorded_lives(store: "Store", since: datetime | None = None, until: datetime | None = None) -> tuple[Life, ...]:
    """The processes of the log. With a stretch of time, of all else only what it needs: no life is whole then.

    store: one that keeps lines.
    """
    with recorded_lines(store, since, until) as lines:
        return lives_of(lines)


@contextmanager
def recorded_lines(
    store: "Store", since: datetime | None = None, until: datetime | None = None
) -> Iterator[Iterator[str]]:
    """The lines that `lives_of` needs, in the log's order, to be read inside the block."""
    with store.batches(_lines(store, since, until), {}) as batches:
        yield (text for batch in batches for text in batch.column("text").to_pylist())


def lives_of(lines: Iterable[str]) -> tuple[Life, ...]:
    """The processes that wrote these lines; one that tells no event is passed over."""
    return lives(record for record in map(from_line, lines) if record is not None)


def recorded_pasts(found: tuple[Life, ...], since: datetime | None = None, until: datetime | None = None) -> list[Past]:
    """What each process was asked then, where it was asked anything."""
    pasts = (past(life, since, until) for life in found)
    return [each for each in pasts if each.requests or each.left_out]


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings in force, as text by variable, and the order. known: the log says them, else they are the defaults."""

    settings: Mapping[str, str]
    order: tuple[str, ...]
    known: bool


def in_force(store: "Store", at: datetime) -> Policy:
    """Settings and order then, of the process that began last."""
    from ibis import _

    from dashboard.kinds import moment

    rows = store.lines.filter(_.event.isin(_SETTINGS) & (_.at <= moment(at)))
    with store.batches(_in_order(store, rows), {}) as batches:
        found = lives_of(text for batch in batches for text in batch.column("text").to_pylist())
    now = UNKNOWN
    for record in found[-1].records if found else ():
        now = now.after(record.event)
    return Policy({name: now.value(name) for name in NAMES}, now.order, now.known)


def _lines(store: "Store", since: datetime | None, until: datetime | None) -> str:
    from ibis import _

    from dashboard.kinds import moment

    near = _.event.isin(_FREQUENT)
    if since is not None:
        near &= _.at >= moment(since - MARGIN)
    if until is not None:
        near &= _.at < moment(until + MARGIN)
    return _in_order(store, store.lines.filter(_.event.isin(_RARE) | near))


def _in_order(store: "Store", rows: "ir.Table") -> str:
    import ibis
    from ibis import _

    lines = store.lines
    # Files in the order of their beginnings, each in its own: a wall clock that jumps does not change the order of lines.
    begins = lines.group_by("source").agg(begin=_.at.min())
    found = rows.join(begins, "source").order_by(["begin", "source", "offset"]).select("text")
    return str(ibis.to_sql(found, dialect="duckdb"))
