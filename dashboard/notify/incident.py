"""Incidents: what alerts that overlap have in common. One lasts as long as at least one alert is active."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby

from dashboard.alerts.evaluate import Change, Kind


@dataclass(frozen=True, slots=True)
class Incident:
    """From the first alert's firing to the last one's end.

    active: rules whose alerts last; rules: all that have fired in it, in that order; end_at: None while it lasts.
    """

    start_at: datetime
    active: tuple[str, ...]
    rules: tuple[str, ...]
    end_at: datetime | None = None

    @property
    def id(self) -> str:
        """Its name, the same for whoever evaluates the log: `metis-20260302T000510Z`."""
        return f"metis-{self.start_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def incidents(changes: Iterable[Change], before: Incident | None = None) -> tuple[Incident, ...]:
    """The incidents that the changes (in order of time) are of; the first is `before`, if it lasts, taken further."""
    found = [before] if before is not None and before.end_at is None else []
    for at, together in groupby(changes, key=lambda change: change.at):
        lasts = found.pop() if found and found[-1].end_at is None else Incident(at, (), ())
        for change in together:
            if change.kind is Kind.FIRING and change.fired_at == at:
                lasts = replace(
                    lasts,
                    active=(*lasts.active, change.rule),
                    rules=tuple(dict.fromkeys((*lasts.rules, change.rule))),
                )
            elif change.kind is Kind.RESOLVED:
                lasts = _without(lasts, change.rule)
        if lasts.rules:
            found.append(lasts if lasts.active else replace(lasts, end_at=at))
    return tuple(found)


def limited(incident: Incident | None, names: Iterable[str]) -> Incident | None:
    """The incident without alerts of other rules than these; None if nothing is left of it."""
    kept = set(names)
    for name in incident.active if incident is not None else ():
        if name not in kept and incident is not None:
            incident = _without(incident, name)
    return incident if incident is not None and incident.active else None


def _without(incident: Incident, rule: str) -> Incident:
    return replace(incident, active=tuple(name for name in incident.active if name != rule))
