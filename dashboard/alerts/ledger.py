"""Silences and acknowledgements on disk: an append-only file beside the store, one JSON object per line.

The page, `watch` and the terminal write to it and read it, at the same time and without asking each other. Nothing is
ever changed or taken out, so the file is the audit list as well: who, when, what and why.
"""

import errno
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from dashboard.alerts.rule import Rules
from dashboard.alerts.silences import Acknowledgement, Silence, check_silence, check_who


@checked(frozen=True, slots=True)
class Entry:
    """One line: somebody did something.

    kind: what; id: the silence's, for both of its kinds; matcher, until: of "silence"; rule, firing_at: of
    "acknowledge". Times are UTC.
    """

    kind: Literal["silence", "end_silence", "acknowledge"]
    at: datetime
    actor: str
    reason: str
    id: str = ""
    matcher: str = ""
    until: datetime | None = None
    rule: str = ""
    firing_at: datetime | None = None
    v: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the file says.

    entries: the audit list, oldest first; silences, acknowledgements: what they amount to; notes: lines that could not
    be read, in words for people; there: whether there is such a file, without which nobody knows what was done.
    """

    entries: tuple[Entry, ...] = ()
    silences: tuple[Silence, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    notes: tuple[str, ...] = ()
    there: bool = True


_ENTRY = TypeAdapter(Entry)


def ledger_file(store: Path) -> Path:
    """The ledger's file for the logs whose events the page keeps in `store` (settings.store_file)."""
    return store.with_name(f"{store.name}.alerts.jsonl")


def read_ledger(path: Path) -> Ledger:
    """What the file says; nothing if there is none. A broken line is told and passed over. Raises: OSError."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Ledger(there=False)
    entries: list[Entry] = []
    notes: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = _ENTRY.validate_json(line)
            if any(at is not None and at.tzinfo is None for at in (entry.at, entry.until, entry.firing_at)):
                raise ValueError
            entries.append(entry)
        except (ValidationError, ValueError):
            notes.append(f"{path}, line {number} is no entry of this version: passed over")
    return Ledger(tuple(entries), *_folded(entries), tuple(notes))


def silence(
    path: Path, rules: Rules, matcher: str, until: datetime, actor: str, reason: str, at: datetime | None = None
) -> Silence:
    """Begins a silence. Raises: SilenceError, OSError."""
    new = Silence(secrets.token_hex(4), matcher, until, actor, reason, at or datetime.now(UTC))
    check_silence(new, rules)
    _append(path, Entry("silence", new.at, actor, reason, id=new.id, matcher=matcher, until=until))
    return new


def end_silence(path: Path, silence_id: str, actor: str, reason: str, at: datetime | None = None) -> None:
    """Ends a silence before its time. Raises: KeyError if none of that id is in force, SilenceError, OSError."""
    at = at or datetime.now(UTC)
    check_who(actor, reason)
    if not any(each.id == silence_id and each.in_force(at) for each in read_ledger(path).silences):
        raise KeyError(silence_id)
    _append(path, Entry("end_silence", at, actor, reason, id=silence_id))


def acknowledge(
    path: Path, rule: str, firing_at: datetime, actor: str, reason: str, at: datetime | None = None
) -> Acknowledgement:
    """Says that somebody looks after an alert. Raises: SilenceError, OSError."""
    check_who(actor, reason)
    new = Acknowledgement(rule, firing_at, actor, reason, at or datetime.now(UTC))
    _append(path, Entry("acknowledge", new.at, actor, reason, rule=rule, firing_at=firing_at))
    return new


def _folded(entries: Iterable[Entry]) -> tuple[tuple[Silence, ...], tuple[Acknowledgement, ...]]:
    silences: dict[str, Silence] = {}
    acknowledgements: list[Acknowledgement] = []
    for entry in entries:
        if entry.kind == "silence" and entry.until is not None:
            new = Silence(entry.id, entry.matcher, entry.until, entry.actor, entry.reason, entry.at)
            silences.setdefault(entry.id, new)
        elif entry.kind == "end_silence" and entry.id in silences and silences[entry.id].ended_at is None:
            silences[entry.id] = replace(silences[entry.id], ended_at=entry.at, ended_by=entry.actor)
        elif entry.kind == "acknowledge" and entry.firing_at is not None:
            acknowledgements.append(Acknowledgement(entry.rule, entry.firing_at, entry.actor, entry.reason, entry.at))
    return tuple(silences.values()), tuple(acknowledgements)


def _append(path: Path, entry: Entry) -> None:
    plain: dict[str, Any] = _ENTRY.dump_python(entry, mode="json", exclude_defaults=True)
    line = json.dumps({"v": 1} | plain).encode() + b"\n"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            line = b"\n" + line  # an earlier line is in pieces: this one stands by itself
        # One write, so that several processes' lines stay apart.
        if os.write(fd, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))  # the disk took a part
        os.fsync(fd)
    finally:
        os.close(fd)
