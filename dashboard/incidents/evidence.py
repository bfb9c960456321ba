"""The lines behind an incident: those that tell its steps, and what the runbook's `grep -A 5 -B 5 "ERROR"` finds."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from dashboard.kinds import (
    ATTEMPT,
    CONFIGURED,
    FALLBACK,
    REQUEST,
    STARTED,
    STOPPED,
    TRANSITION,
    moment,
    of_kind,
    within,
)
from dashboard.window import Window
from resilience.events import Cause

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

AROUND = 5
"""Lines shown before and after each: runbook, "Post-Incident Review"."""

MOST_LINES = 20_000
_MARGIN = timedelta(hours=1)  # in which the neighbours of the first and last line are looked for
BY_HAND = (Cause.MANUAL_RESET, Cause.ISOLATED, Cause.RELEASED)
_PLACE = ("at", "source", "offset")
_STEPS = ("BREAKER_TRANSITION", "CONFIG_CHANGED", "SERVICE_STARTED", "SERVICE_STOPPED")


class LineStore(Protocol):
    """The store as this module sees it."""

    @property
    def events(self) -> "ir.Table":
        """All events."""
        ...

    @property
    def lines(self) -> "ir.Table":
        """All lines."""
        ...

    def run(self, expression: "ir.Table") -> "pd.DataFrame":
        """The rows of an expression."""
        ...


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log. place: source and offset; number: among its file's lines; found: evidence, not a neighbour."""

    place: tuple[str, int]
    number: int
    at: datetime
    at_inferred: bool
    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Lines in file order, source after source; left_out: how many there were beyond MOST_LINES."""

    lines: tuple[LogLine, ...] = ()
    left_out: int = 0

    def around(self, place: tuple[str, int] | None) -> tuple[LogLine, ...]:
        """The line at that place with its neighbours; empty if it is not here."""
        if place is None:
            return ()
        at = bisect_left(self.lines, place, key=lambda line: line.place)
        if at == len(self.lines) or self.lines[at].place != place:
            return ()
        own, near = self.lines[at], self.lines[max(0, at - AROUND) : at + AROUND + 1]
        return tuple(line for line in near if line.place[0] == place[0] and abs(line.number - own.number) <= AROUND)

    def blocks(self) -> list[list[LogLine]]:
        """Runs of neighbouring lines, which grep parts by `--`."""
        found: list[list[LogLine]] = []
        for line in self.lines:
            last = found[-1][-1] if found else None
            if last is None or (last.place[0], last.number + 1) != (line.place[0], line.number):
                found.append([])
            found[-1].append(line)
        return found


def evidence(
    store: LineStore, start: datetime, end: datetime, also: Sequence[datetime] = (), most: int = MOST_LINES
) -> Evidence:
    """The lines of [start, end] with ERROR in them, those of the incident's steps, and what `also` happened at these
    times; each with AROUND lines before and after.
    """
    import ibis
    from ibis import _

    padded = Window.of(start - _MARGIN, end + _MARGIN)
    told = _.text.contains("ERROR") | _.event.isin(_STEPS).fill_null(False)
    if also:
        told |= _.event.notnull() & _.at.isin([moment(at) for at in also])
    near = ibis.window(group_by="source", order_by="offset", preceding=AROUND, following=AROUND)
    in_file = ibis.window(group_by="source", order_by="offset")
    found = (
        within(store.lines, padded)
        .mutate(found=(_.at >= moment(start)) & (_.at <= moment(end)) & told)
        .mutate(shown=_.found.any().over(near), number=ibis.row_number().over(in_file))
        .filter(_.shown)
    )
    total = int(store.run(found.aggregate(n=found.count()))["n"].iloc[0])
    rows = store.run(found.order_by("source", "offset").limit(most).drop("shown", "level", "event"))
    lines = tuple(
        LogLine(
            place=(row["source"], row["offset"]),
            number=row["number"],
            at=row["at"].to_pydatetime(),
            at_inferred=row["at_inferred"],
            text=row["text"],
            found=row["found"],
        )
        for row in rows.to_dict("records")
    )
    return Evidence(lines, total - len(lines))


def steps(
    store: LineStore, start: datetime, end: datetime, also: Sequence[datetime]
) -> dict[str, list[dict[str, Any]]]:
    """What happened in [start, end], with the places of the lines: transitions, fallbacks, acts, and the attempts and
    requests that ended at `start` or at the times `also`; in order of time. NULL is None.
    """
    from ibis import _

    from dashboard import circuits

    window = Window.of(start, end + timedelta(microseconds=1))
    events = store.events
    acts = [within(of_kind(events, name), window) for name in (CONFIGURED, STARTED, STOPPED)]
    acts.append(within(of_kind(events, TRANSITION), window).filter(_.cause.isin(BY_HAND)))
    asked = {
        "transitions": within(circuits.transitions(events), window),
        "fallbacks": within(of_kind(events, FALLBACK), window).select(
            *_PLACE, "from_provider", "to_provider", "reason"
        ),
        "acts": acts[0].union(*acts[1:]),
    }
    for name, kind in (("attempts", ATTEMPT), ("requests", REQUEST)):
        asked[name] = within(of_kind(events, kind), window).filter(_.at.isin([moment(at) for at in (*also, start)]))
    return {name: _rows(store.run(table.order_by(*_PLACE))) for name, table in asked.items()}


def _rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    frame = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
