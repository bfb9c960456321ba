"""Notes that people add to incidents: an append-only file beside the store, one JSON object per line.

A note belongs to a moment, not to a number: where rules or logs change, incidents are counted anew, and a note is still
found by the incident that holds its moment.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from dashboard.incidents.incident import Incident

LONGEST = 4000
_LONGEST_NAME = 200


class NoteError(ValueError):
    """A note cannot be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote. about: a moment of the incident; at: when; actor: who. UTC."""

    about: datetime
    at: datetime
    actor: str
    text: str


def notes_file(store: Path) -> Path:
    """The file of the notes on the logs whose events are kept in `store` (settings.store_file)."""
    return store.with_name(f"{store.name}.notes.jsonl")


def add_note(path: Path, note: Note) -> None:
    """Keeps a note. Raises: NoteError if it is empty or too long, or cannot be written."""
    if not note.text.strip() or len(note.text) > LONGEST:
        raise NoteError(f"a note must have from 1 to {LONGEST:,} characters, got {len(note.text.strip()):,}")
    if not note.actor.strip() or len(note.actor) > _LONGEST_NAME:
        raise NoteError(f"a note's author must have from 1 to {_LONGEST_NAME} characters, got {len(note.actor)}")
    fields = asdict(note) | {name: getattr(note, name).astimezone(UTC).isoformat() for name in ("about", "at")}
    line = json.dumps(fields) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # A line that was cut short by a full disk must not take this one with it.
            size = os.fstat(file).st_size
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            os.write(file, (b"\n" if torn else b"") + line.encode())  # one write, so that two pages do not mix
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as exc:
        raise NoteError(f"{path} cannot be written: {exc.strerror}") from exc


def read_notes(path: Path) -> tuple[Note, ...]:
    """All notes in the order in which they were added; a line that is none is passed over. Raises: NoteError."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise NoteError(f"{path} cannot be read: {exc.strerror}") from exc
    return tuple(note for line in text.split("\n") if (note := _note(line)) is not None)


def notes_of(notes: Iterable[Note], incident: Incident) -> tuple[Note, ...]:
    """The notes about a moment of the incident."""
    return tuple(note for note in notes if incident.start_at <= note.about <= incident.end_at)


def _note(line: str) -> Note | None:
    try:
        found = json.loads(line)
        about, at = (datetime.fromisoformat(found[name]) for name in ("about", "at"))
        actor, text = found["actor"], found["text"]
    except (ValueError, TypeError, KeyError):
        return None
    usable = isinstance(actor, str) and isinstance(text, str) and about.tzinfo is not None and at.tzinfo is not None
    return Note(about, at, actor, text) if usable else None
