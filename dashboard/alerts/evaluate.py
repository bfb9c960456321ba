"""The evaluation of rules over time: pending, firing, resolved and no data, with Prometheus's meaning of a duration.

Moments are multiples of Rules.interval_s since 1970, so that whoever evaluates a log evaluates it at the same ones. A
moment depends on the one before it and on what the log says up to it, nothing else: an evaluation that has come so far
can be kept and taken further, and gives what it would have given in one go.

- An alert is PENDING from the first moment at which its condition is true, and FIRING once it has been true at every
  moment for hold_s. One moment at which it is false starts it anew.
- A FIRING alert is resolved once the condition has been false at every moment for keep_firing_s.
- No data is neither: it never resolves what fires, and what is pending starts anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from dashboard.alerts.history import History
from dashboard.alerts.measure import measured
from dashboard.alerts.rule import Comparison, Rule, Rules

GRACE_S = 2.0
"""How long after a moment it is evaluated while watching live: its lines have been read by then."""

_S = 1_000_000  # microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COMPARED = {
    Comparison.ABOVE: np.greater,
    Comparison.AT_LEAST: np.greater_equal,
    Comparison.BELOW: np.less,
    Comparison.AT_MOST: np.less_equal,
}


class Phase(StrEnum):
    """Where an alert stands. NO_DATA is no good news, and an alert that fired before it is not resolved by it."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    NO_DATA = "no_data"


class Kind(StrEnum):
    """What a change means to whoever is told of it; BACK is good data again after none, without an alert."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    NO_DATA = "no_data"
    BACK = "ok"


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule's state at one moment; all times are moments, UTC.

    since: when the phase began; value: None without data; count: what the value rests on; pending_at: since when the
    condition has been true; firing_at: set from FIRING until it is resolved, in NO_DATA too; quiet_at: since when the
    condition of a firing alert has been false.
    """

    rule: str
    phase: Phase
    since: datetime
    value: float | None = None
    count: int = 0
    pending_at: datetime | None = None
    firing_at: datetime | None = None
    quiet_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether it has fired and is not resolved."""
        return self.firing_at is not None


@dataclass(frozen=True, slots=True)
class Change:
    """An alert has come from one phase into another. alert: as it is after it; fired_at: when the one began that is resolved."""

    at: datetime
    rule: str
    kind: Kind
    before: Phase
    alert: Alert
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How far the rules have been evaluated, and where each alert stands.

    at: the newest moment evaluated, None before the first; alerts: by rule, in the rules' order, empty before the first.
    """

    rules: Rules
    at: datetime | None = None
    alerts: Mapping[str, Alert] = field(default_factory=dict)

    def moments(self, since: datetime, until: datetime) -> list[datetime]:
        """The moments after `at`, and not before `since`, up to `until`."""
        step_us = self.rules.interval_s * _S
        first = -(-_microseconds(since) // step_us) * step_us
        if self.at is not None:
            first = max(first, _microseconds(self.at) + step_us)
        return [_time(us) for us in range(first, _microseconds(until) + 1, step_us)]

    def advanced(self, history: History, moments: list[datetime]) -> tuple["Evaluation", tuple[Change, ...]]:
        """The evaluation at the last of the moments, and what changed on the way, in order of time.

        moments: from `moments`; history: what the log says up to the last of them. Pure.
        """
        if not moments:
            return self, ()
        alerts = dict(self.alerts)
        changes: list[Change] = []
        at_us = np.array([_microseconds(at) for at in moments], np.int64)
        for rule in self.rules.rules:
            found = measured(rule, history, at_us)
            true = _COMPARED[rule.comparison](found.value, rule.threshold)  # NaN is never true
            alert = alerts.get(rule.name)
            rows = zip(moments, found.value.tolist(), found.count.tolist(), true.tolist(), strict=True)
            for at, value, count, holds in rows:
                known = value == value  # NaN is not itself
                after = _next(rule, alert, at, holds if known else None)
                after = replace(after, value=value if known else None, count=count)
                if (change := _change(alert, after, at)) is not None:
                    changes.append(change)
                alert = after
            assert alert is not None  # noqa: S101 (there are moments)
            alerts[rule.name] = alert
        places = {rule.name: place for place, rule in enumerate(self.rules.rules)}
        changes.sort(key=lambda change: (change.at, places[change.rule]))
        return Evaluation(self.rules, moments[-1], {name: alerts[name] for name in places}), tuple(changes)


def _next(rule: Rule, before: Alert | None, at: datetime, holds: bool | None) -> Alert:
    """Where the alert stands at the moment `at`. holds: whether the condition is true; None without data."""
    before = before or Alert(rule.name, Phase.NO_DATA, at)

    def now(
        phase: Phase,
        pending_at: datetime | None = None,
        firing_at: datetime | None = None,
        quiet_at: datetime | None = None,
    ) -> Alert:
        since = before.since if phase is before.phase else at
        return Alert(rule.name, phase, since, None, 0, pending_at, firing_at, quiet_at)

    if holds is None:
        return now(Phase.NO_DATA, firing_at=before.firing_at)
    if holds:
        pending_at = before.pending_at or at
        if before.firing_at is not None:
            return now(Phase.FIRING, pending_at=pending_at, firing_at=before.firing_at)
        if at - pending_at >= timedelta(seconds=rule.hold_s):
            return now(Phase.FIRING, pending_at=pending_at, firing_at=at)
        return now(Phase.PENDING, pending_at=pending_at)
    if before.firing_at is not None:
        quiet_at = before.quiet_at or at
        if at - quiet_at < timedelta(seconds=rule.keep_firing_s):
            return now(Phase.FIRING, pending_at=before.pending_at, firing_at=before.firing_at, quiet_at=quiet_at)
    return now(Phase.OK)


def _change(before: Alert | None, after: Alert, at: datetime) -> Change | None:
    phase = Phase.NO_DATA if before is None else before.phase
    fired_at = None if before is None else before.firing_at
    if fired_at is not None and after.firing_at is None:
        return Change(at, after.rule, Kind.RESOLVED, phase, after, fired_at)
    if after.phase is phase:
        return None
    kind = Kind.BACK if after.phase is Phase.OK else Kind(after.phase)
    return Change(at, after.rule, kind, phase, after, after.firing_at)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
