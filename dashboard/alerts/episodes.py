"""What the changes of alerts amount to: stretches of one phase, and episodes from firing to resolved."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.alerts.evaluate import Change, Evaluation, Kind, Phase


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which an alert was in one phase. end_at: None while it lasts; active: it had fired and was not resolved."""

    rule: str
    phase: Phase
    active: bool
    start_at: datetime
    end_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from the first moment it fired to the one it was resolved.

    pending_at: since when its condition had been true; resolved_at: None while it lasts; value: when it began to fire.
    """

    rule: str
    pending_at: datetime
    firing_at: datetime
    resolved_at: datetime | None
    value: float | None


def stretches(changes: Iterable[Change]) -> tuple[Stretch, ...]:
    """All stretches that begin with one of the changes (in order of time), by their start."""
    found: list[Stretch] = []
    last: dict[str, int] = {}
    for change in changes:
        if change.rule in last:
            place = last[change.rule]
            found[place] = replace(found[place], end_at=change.at)
        last[change.rule] = len(found)
        found.append(Stretch(change.rule, change.alert.phase, change.alert.active, change.at))
    return tuple(found)


def episodes(changes: Iterable[Change]) -> tuple[Episode, ...]:
    """The episodes that begin with one of the changes (in order of time), by their start."""
    found: dict[tuple[str, datetime], Episode] = {}
    for change in changes:
        at = change.fired_at
        if change.kind is Kind.FIRING and at == change.at:
            found[change.rule, at] = Episode(change.rule, change.alert.pending_at or at, at, None, change.alert.value)
        elif change.kind is Kind.RESOLVED and at is not None and (change.rule, at) in found:
            found[change.rule, at] = replace(found[change.rule, at], resolved_at=change.at)
    return tuple(found.values())


def lasting(evaluation: Evaluation) -> tuple[str, ...]:
    """Rules whose alerts have fired and are not resolved, in the rules' order."""
    return tuple(name for name, alert in evaluation.alerts.items() if alert.active)
