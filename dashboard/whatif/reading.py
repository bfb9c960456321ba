"""A store's lines as the records that a replay takes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dashboard.kinds import ATTEMPT, CONFIGURED, EXHAUSTED, FALLBACK, ORDERED, REQUEST, STARTED, TRANSITION
from resilience.events import from_line
from resilience.replay import Life, Past, lives, past

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from dashboard.store import Store

MARGIN = timedelta(hours=1)
"""So far around a stretch of time its calls are read: for the beginnings of its requests, and for draws."""

_RARE = (STARTED, ORDERED, CONFIGURED, TRANSITION)
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
    with store.batches(_lines(store, since, until)) as batches:
        yield (text for batch in batches for text in batch.column("text").to_pylist())


def lives_of(lines: Iterable[str]) -> tuple[Life, ...]:
    """The processes that wrote these lines; one that tells no event is passed over."""
    return lives(record for record in map(from_line, lines) if record is not None)


def recorded_pasts(found: tuple[Life, ...], since: datetime | None = None, until: datetime | None = None) -> list[Past]:
    """What each process was asked then, where it was asked anything."""
    pasts = (past(life, since, until) for life in found)
    return [each for each in pasts if each.requests or each.left_out]


def _lines(store: "Store", since: datetime | None, until: datetime | None) -> "ir.Table":
    from ibis import _

    from dashboard.kinds import moment

    near = _.event.isin(_FREQUENT)
    if since is not None:
        near &= _.at >= moment(since - MARGIN)
    if until is not None:
        near &= _.at < moment(until + MARGIN)
    lines = store.lines
    # Files in the order of their beginnings, each in its own: a wall clock that jumps does not change the order of lines.
    begins = lines.group_by("source").agg(begin=_.at.min())
    return (
        lines.filter(_.event.isin(_RARE) | near)
        .join(begins, "source")
        .order_by(["begin", "source", "offset"])
        .select("text")
    )
