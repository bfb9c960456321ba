"""JSON files that a process goes on from after a restart: replaced in one step, versioned, and checked when read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from dashboard.alerts.evaluate import Alert, Evaluation
from dashboard.alerts.rule import Rules

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class KeptEvaluation:
    """An evaluation without its rules, which are in a file of their own and may change between two starts."""

    at: datetime | None
    alerts: Mapping[str, Alert]


def kept(evaluation: Evaluation) -> KeptEvaluation:
    """What to keep of an evaluation."""
    return KeptEvaluation(evaluation.at, dict(evaluation.alerts))


def taken_up(found: KeptEvaluation, rules: Rules) -> Evaluation:
    """The evaluation goes on under these rules: one that is gone is forgotten, a new one begins without data."""
    if found.at is None:
        return Evaluation(rules)
    names = {rule.name for rule in rules.rules}
    # Another interval has other moments: back to the last of them, so that the next one is on the grid.
    on_grid_s = found.at.timestamp() // rules.interval_s * rules.interval_s
    alerts = {name: alert for name, alert in found.alerts.items() if name in names}
    return Evaluation(rules, datetime.fromtimestamp(on_grid_s, UTC), alerts)


def save(path: Path, kind: TypeAdapter[Value], value: Value) -> None:
    """Replaces the file in one step; after a crash it holds the old value or the new. Raises: OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(kind.dump_json(value))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def restored(path: Path, kind: TypeAdapter[Value]) -> tuple[Value | None, str | None]:
    """The value in the file, None without one; and what to tell people if it had to be put aside. Raises: OSError."""
    try:
        return kind.validate_json(path.read_bytes()), None
    except FileNotFoundError:
        return None, None
    except ValidationError:
        aside = path.with_name(f"{path.name}.unusable")
        path.replace(aside)
        return None, f"{path} is damaged or of another version: beginning anew, the file is now {aside}"
