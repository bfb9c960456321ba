"""What is to be told: an alert fires, is acknowledged, or is over. Found by comparing what has been told with what is.

Because states are compared, not changes, nothing is told twice or forgotten, whatever happened in between: a restart, a
silence that began or ended, rules that changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.alerts.evaluate import Evaluation
from dashboard.alerts.ledger import Ledger
from dashboard.alerts.rule import Rule, Severity
from dashboard.alerts.silences import acknowledged, silenced
from dashboard.alerts.words import stamp
from dashboard.notify.incident import Incident

BEFORE, AFTER = timedelta(minutes=5), timedelta(minutes=5)
"""How much of the time around an alert the link shows."""


class NoticeKind(StrEnum):
    """What is told of an alert."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Told:
    """An alert whose firing has been told. rule: as it was then; incident: its id."""

    rule: Rule
    firing_at: datetime
    since: datetime
    incident: str
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell of one alert; whole, so that it can be sent later as it was.

    at: the moment; value: at that moment, None without data; since: when its condition became true; open_critical,
    unacknowledged: how many critical alerts of the incident that have been told last after it, and how many of them
    nobody has acknowledged; actor, reason: of ACKNOWLEDGED.
    """

    kind: NoticeKind
    at: datetime
    rule: Rule
    value: float | None
    since: datetime
    firing_at: datetime
    incident: str
    open_critical: int = 0
    unacknowledged: int = 0
    actor: str = ""
    reason: str = ""

    @property
    def critical(self) -> bool:
        """Whether somebody is paged for it."""
        return self.rule.severity is Severity.CRITICAL

    def link(self, page: str) -> str:
        """The Live page at the time of the alert. page: its address, without a slash at its end."""
        return f"{page}/?live.from={stamp(self.since - BEFORE)}&live.to={stamp(self.at + AFTER)}"


def news(
    told: Mapping[str, Told], evaluation: Evaluation, incident: Incident | None, ledger: Ledger, now: datetime
) -> tuple[dict[str, Told], tuple[Notice, ...]]:
    """What has been told after this, by rule, and what there is to tell now.

    incident: the one that lasts, None without one; now: for the silences. An alert that fires under a silence is told
    when the silence ends, if it still fires; what was told is told to be over, silence or not. Pure.
    """
    at = evaluation.at
    if at is None:
        return dict(told), ()
    after: dict[str, Told] = {}
    notices: list[Notice] = []
    for name, before in told.items():
        alert = evaluation.alerts.get(name)
        if alert is not None and alert.firing_at == before.firing_at:
            after[name] = before
        else:
            value = None if alert is None else alert.value
            notices.append(_notice(NoticeKind.RESOLVED, at, before, value))
    for rule in evaluation.rules.rules:
        alert = evaluation.alerts.get(rule.name)
        if alert is None or alert.firing_at is None:
            continue
        if rule.name not in after and silenced(rule, ledger.silences, now) is None:
            number = incident.id if incident is not None else ""
            new = after[rule.name] = Told(rule, alert.firing_at, alert.pending_at or alert.firing_at, number)
            notices.append(_notice(NoticeKind.FIRING, at, new, alert.value))
        ack = acknowledged(rule.name, alert.firing_at, ledger.acknowledgements)
        if rule.name in after and ack is not None and not after[rule.name].acknowledged:
            after[rule.name] = replace(after[rule.name], acknowledged=True)
            words = _notice(NoticeKind.ACKNOWLEDGED, at, after[rule.name], alert.value)
            notices.append(replace(words, actor=ack.actor, reason=ack.reason))
    return after, tuple(_counted(notice, after) for notice in notices)


def _notice(kind: NoticeKind, at: datetime, told: Told, value: float | None) -> Notice:
    return Notice(kind, at, told.rule, value, told.since, told.firing_at, told.incident)


def _counted(notice: Notice, told: Mapping[str, Told]) -> Notice:
    critical = [
        each for each in told.values() if each.incident == notice.incident and each.rule.severity is Severity.CRITICAL
    ]
    return replace(notice, open_critical=len(critical), unacknowledged=sum(not each.acknowledged for each in critical))
