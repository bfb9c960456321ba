"""All that `watch` must not forget, as one value in one file: how far it is, what it has told, and what it has yet to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from dashboard.alerts.evaluate import Change, Evaluation
from dashboard.alerts.keeping import KeptEvaluation, kept, restored, save, taken_up
from dashboard.alerts.ledger import Ledger
from dashboard.alerts.rule import Rules
from dashboard.notify.channel import Channel
from dashboard.notify.incident import Incident, incidents, limited
from dashboard.notify.notice import Notice, Told, news
from dashboard.notify.outbox import Outbox


@dataclass(frozen=True, slots=True)
class State:
    """incident: the one that lasts, None without one; told: alerts that have been told, by rule; outboxes: by channel."""

    evaluation: Evaluation
    incident: Incident | None = None
    told: Mapping[str, Told] = field(default_factory=dict)
    outboxes: Mapping[str, Outbox] = field(default_factory=dict)

    def after(
        self,
        evaluation: Evaluation,
        changes: Sequence[Change],
        ledger: Ledger,
        channels: Sequence[Channel],
        now: datetime,
    ) -> tuple["State", tuple[Notice, ...]]:
        """The state with what came of one or several moments, and what is new to tell, already in the outboxes."""
        found = incidents(changes, self.incident)
        lasting = found[-1] if found and found[-1].end_at is None else None
        told, notices = news(self.told, evaluation, lasting, ledger, now)
        boxes = dict(self.outboxes)
        for channel in channels:
            box = boxes.get(channel.name, Outbox())
            boxes[channel.name] = box.with_notices([notice for notice in notices if channel.takes(notice)])
        return State(evaluation, lasting, told, boxes), notices

    def with_outbox(self, name: str, outbox: Outbox) -> "State":
        """With a channel's outbox changed."""
        return replace(self, outboxes={**self.outboxes, name: outbox})


@dataclass(frozen=True, slots=True)
class _Kept:
    evaluation: KeptEvaluation
    incident: Incident | None
    told: dict[str, Told]
    outboxes: dict[str, Outbox]
    version: Literal[1] = 1


_KEPT = TypeAdapter(_Kept)


def save_state(path: Path, state: State) -> None:
    """Writes it, in one step. Raises: OSError."""
    outboxes, told = dict(state.outboxes), dict(state.told)
    save(path, _KEPT, _Kept(kept(state.evaluation), state.incident, told, outboxes))


def restore_state(path: Path, rules: Rules) -> tuple[State | None, str | None]:
    """The state under these rules, None if there is none yet; and what to tell people. Raises: OSError."""
    outcome = restored(path, _KEPT)
    found, notice = outcome
    if found is None:
        return None, notice
    incident = limited(found.incident, (rule.name for rule in rules.rules))
    return State(taken_up(found.evaluation, rules), incident, found.told, found.outboxes), notice
