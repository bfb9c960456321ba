"""What is asked of a what-if, and its command line: the page and a terminal ask the same question."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from resilience.events import utc_text


@dataclass(frozen=True, slots=True)
class Question:
    """Settings, order and sweep as people write them; requests that arrived from `since` up to `until`.

    draws: None for the usual number.
    """

    pairs: tuple[str, ...] = ()
    order: str | None = None
    sweeps: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    draws: int | None = None
    seed: int = 1


def command_of(question: Question, logs: Sequence[str]) -> str:
    """The command that gives the same numbers, for a shell."""
    words = ["python", "-m", "dashboard", "whatif", *logs]
    for option, values in (("--set", question.pairs), ("--sweep", question.sweeps)):
        for value in values:
            words += [option, value]
    if question.order is not None:
        words += ["--order", question.order]
    for option, at in (("--since", question.since), ("--until", question.until)):
        if at is not None:
            words += [option, utc_text(at)]
    if question.draws is not None:
        words += ["--draws", str(question.draws)]
    if question.seed != 1:
        words += ["--seed", str(question.seed)]
    return shlex.join(words)


def to_json(question: Question) -> str:
    """One line that `from_json` reads."""
    times = {name: at and at.isoformat() for name, at in (("since", question.since), ("until", question.until))}
    return json.dumps(asdict(question) | times)


def from_json(line: str) -> Question:
    """The question of a line of `to_json`."""
    found: dict[str, Any] = json.loads(line)
    times = {name: found[name] and datetime.fromisoformat(found[name]) for name in ("since", "until")}
    return Question(**found | times | {name: tuple(found[name]) for name in ("pairs", "sweeps")})
