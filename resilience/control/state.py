"""What outlives the process: version, history, answers by key, switches, open circuits, and the change under way.

One JSON file, replaced in one step. It holds no secret: of a key it has a salted digest, to see that it changed.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from resilience import envfile
from resilience.breaker import Kept

FORMAT = 1
MOST_CHANGES = 50
MOST_ANSWERS = 1000
ANSWER_LIFE = timedelta(hours=1)


def anew_path(state_file: Path) -> Path:
    """While this file is there, the next process takes over no circuit; it takes the file away."""
    return state_file.with_suffix(".anew")


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. changes: (name, old, new) as shown; before, after: what .env said of those that can be put back.

    version: the one that it made, or, of a circuit's, the one under which it happened. at: UTC.
    """

    version: int
    at: datetime
    actor: str
    reason: str
    origin: str
    kind: str
    changes: tuple[tuple[str, str, str], ...]
    undoes: int | None = None
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a request that came with an idempotency key. digest: of the request; at: UTC."""

    digest: str
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Switch:
    """A guard that is off until a time (UTC), by whom and why."""

    until: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A change that has begun. known, switches: as they are once it stands."""

    entry: Entry
    known: Mapping[str, str]
    switches: Mapping[str, Switch]
    answers: Mapping[str, Answered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """All that is kept. known: the settings in force, secrets as digests; switches: the guards that are off."""

    format: int = FORMAT
    version: int = 1
    salt: str = field(default_factory=lambda: secrets.token_hex(16))
    known: Mapping[str, str] = field(default_factory=dict)
    history: tuple[Entry, ...] = ()
    answers: Mapping[str, Answered] = field(default_factory=dict)
    switches: Mapping[str, Switch] = field(default_factory=dict)
    circuits: Mapping[str, Kept] = field(default_factory=dict)
    intent: Intent | None = None

    def begun(self, intent: Intent) -> "State":
        """With a change under way."""
        return replace(self, intent=intent)

    def done(self) -> "State":
        """With the change under way made."""
        if self.intent is None:
            return self
        intent = self.intent
        return replace(
            self.with_entry(intent.entry),
            version=intent.entry.version,
            known=intent.known,
            switches=intent.switches,
            answers={**self.answers, **intent.answers},
            intent=None,
        )

    def with_entry(self, entry: Entry) -> "State":
        """With one more entry in the history, newest first."""
        return replace(self, history=(entry, *self.history)[:MOST_CHANGES])

    def remembering(self, answers: Mapping[str, Answered], now: datetime) -> "State":
        """With these answers, and without those whose time is over."""
        living = {key: answer for key, answer in self.answers.items() if now - answer.at < ANSWER_LIFE} | dict(answers)
        return replace(self, answers=dict(list(living.items())[-MOST_ANSWERS:]))

    def after(self, version: int) -> tuple[Entry, ...]:
        """The changes of later versions, newest first."""
        return tuple(entry for entry in self.history if entry.version > version and entry.kind != "circuit")


_STATE = TypeAdapter(State)


def read(path: Path) -> tuple[State | None, str | None]:
    """The state in the file, None without one; and what to tell people if it was put aside. Raises OSError."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None, None
    try:
        found = json.loads(raw)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError("another format")
        return _STATE.validate_json(raw, strict=True), None
    except (ValueError, ValidationError, RecursionError):
        aside = path.with_name(f"{path.name}.bad")
        path.replace(aside)
        return (
            None,
            f"{path} cannot be read: put aside as {aside}; the history begins anew, the version goes on from the log's",
        )


def write(path: Path, state: State) -> None:
    """Replace the file. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    envfile.write(path, _STATE.dump_json(state).decode() + "\n")
