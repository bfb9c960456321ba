"""The state that a start begins with: a change that a crash cut short is finished or dropped, one by hand is noted."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from resilience.control.source import differences
from resilience.control.state import Entry, State
from resilience.events import (
    AttemptFinished,
    ConfigChanged,
    Event,
    RequestFinished,
    ServiceStarted,
    from_line,
)

TAIL_BYTES = 8 * 1024 * 1024
"""How much of the log's end is searched: the line that is looked for was written right before the crash."""

_NAMES_A_VERSION = re.compile(rb'CONFIG_CHANGED: version=|"config_version":')


def recovered(
    state: State, known: Mapping[str, str], now: datetime, told: Callable[[Entry], bool]
) -> tuple[State, tuple[Entry, ...]]:
    """The state to start with, and the changes that the log does not know yet.

    known: the settings as they are now; told: whether the log has a change.
    """
    untold: list[Entry] = []
    least = state.version
    if (intent := state.intent) is not None:
        names = [name for name, _, _ in differences(state.known, intent.known)]
        logged = told(intent.entry)
        if logged or all(known.get(name) == intent.known.get(name) for name in names):
            state = state.done()
            if not logged:
                untold.append(intent.entry)
        else:
            state = replace(state, intent=None)
        least = max(least, intent.entry.version)
    if not state.known:  # the first start of all
        return replace(state, known=known), tuple(untold)
    if changes := differences(state.known, known):
        entry = Entry(
            version=least + 1,
            at=now,
            actor="env_file",
            reason="changed while the service was down",
            origin="env_file",
            kind="env_file",
            changes=changes,
        )
        state = replace(state.with_entry(entry), version=entry.version, known=known)
        if not told(entry):
            untold.append(entry)
    return state, tuple(untold)


def event_of(entry: Entry) -> ConfigChanged:
    """What the log says of a change."""
    return ConfigChanged(
        version=entry.version, actor=entry.actor, reason=entry.reason, origin=entry.origin, changes=entry.changes
    )


def in_log(path: Path, entry: Entry) -> bool:
    """Whether the end of the log has this change."""
    mark = re.compile(f"CONFIG_CHANGED: version={entry.version},".encode())
    return event_of(entry) in _at_end_of(path, mark)


def last_version(path: Path) -> int:
    """The highest version of the settings that the end of the log names, 1 if it names none."""
    return max((_version(event) or 1 for event in _at_end_of(path, _NAMES_A_VERSION)), default=1)


def _version(event: Event) -> int | None:
    match event:
        case ConfigChanged():
            return event.version
        case AttemptFinished() | RequestFinished() | ServiceStarted():
            return event.config_version
    return None


def _at_end_of(path: Path, mark: re.Pattern[bytes]) -> Iterator[Event]:
    """The events at the end of the log in whose line the mark is found."""
    with suppress(OSError), path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - TAIL_BYTES))
        for line in log:
            if mark.search(line) and (record := from_line(line.decode("utf-8", "replace"))) is not None:
                yield record.event
