"""A log's events, parted by the process that wrote them: circuits are a process's own."""

from collections.abc import Iterable
from dataclasses import dataclass

from resilience.events import Origin, Record, ServiceStarted


@dataclass(frozen=True, slots=True)
class Life:
    """What one process wrote, in the log's order. whole: from its start on."""

    origin: Origin
    records: tuple[Record, ...]
    whole: bool


def lives(records: Iterable[Record]) -> tuple[Life, ...]:
    """The lives in a log, by their first line. A start under a known origin begins another life (a restart)."""
    open_: dict[Origin, list[Record]] = {}
    found: list[tuple[Origin, list[Record]]] = []
    for record in records:
        lines = open_.get(record.origin)
        if lines is None or type(record.event) is ServiceStarted:
            lines = open_[record.origin] = []
            found.append((record.origin, lines))
        lines.append(record)
    return tuple(Life(origin, tuple(lines), type(lines[0].event) is ServiceStarted) for origin, lines in found)
