"""What is known of an incident. Times are UTC; None is unknown or not yet, and never guessed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.alerts.episodes import Episode
from dashboard.alerts.ledger import Entry
from dashboard.live.words import Advice


@dataclass(frozen=True, slots=True)
class Outage:
    """A stretch from a circuit's opening until it is CLOSED again.

    end_at: None while it lasts; proven: a call that succeeded ended it, not a hand, a restart, or nobody's asking.
    """

    provider: str
    start_at: datetime
    end_at: datetime | None
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Episodes and outages that are one incident, each by its start; one of both at least."""

    episodes: tuple[Episode, ...] = ()
    outages: tuple[Outage, ...] = ()

    @property
    def start_at(self) -> datetime:
        """When the first of them began."""
        return min([*(e.pending_at for e in self.episodes), *(o.start_at for o in self.outages)])

    @property
    def end_at(self) -> datetime | None:
        """When the last of them ended; None while one lasts."""
        ends = [*(e.resolved_at for e in self.episodes), *(o.end_at for o in self.outages)]
        known = [end for end in ends if end is not None]
        return max(known) if len(known) == len(ends) else None


@dataclass(frozen=True, slots=True)
class Moments:
    """The course of an incident.

    first_bad_at: the first failed attempt, or slow answer, that it rests on; open_at: the first opening of a circuit;
    alert_at: the first alert fired; action_at: somebody changed settings or a circuit, or acknowledged or silenced an
    alert; mitigated_at: callers are fine again, None also if none was hurt; resolved_at: the primary answers again.
    """

    first_bad_at: datetime | None = None
    open_at: datetime | None = None
    alert_at: datetime | None = None
    action_at: datetime | None = None
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What one provider cost in an incident. provider: None where the log does not say.

    lost_s: in failed attempts; spared: calls that its OPEN circuit spared; saved_s: about so long they would have
    taken, None without a failed attempt to go by; wasted_tokens: of failed attempts, None where none says.
    """

    provider: str | None
    lost_s: float = 0.0
    wasted_tokens: int | None = None
    spared: int = 0
    saved_s: float | None = None


@dataclass(frozen=True, slots=True)
class Impact:
    """What callers had of it, from the incident's start to its resolution, or as far as the log goes.

    requests: those that count; failed: without an answer; rescued: answered after a fallback; slowed: answered, but
    after more than slow_s; costs: by provider; derived: the log has no requests of its own.
    """

    requests: int = 0
    failed: int = 0
    rescued: int = 0
    slowed: int = 0
    slow_s: float = 10.0
    costs: tuple[Cost, ...] = ()
    derived: bool = False

    @property
    def lost_s(self) -> float:
        """Seconds in attempts that failed."""
        return sum(cost.lost_s for cost in self.costs)

    @property
    def spared(self) -> int:
        """Calls that OPEN circuits spared."""
        return sum(cost.spared for cost in self.costs)

    @property
    def saved_s(self) -> float | None:
        """Seconds that OPEN circuits saved, an estimate; None if calls were spared and nothing failed to go by."""
        known = [cost.saved_s for cost in self.costs if cost.saved_s is not None]
        return sum(known) if known or not self.spared else None

    @property
    def wasted_tokens(self) -> int | None:
        """Tokens that providers counted in failed attempts; None where no attempt says."""
        known = [cost.wasted_tokens for cost in self.costs if cost.wasted_tokens is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Cause:
    """Failed attempts of one reason. reason: in words; provider, http_status: None where the log does not say."""

    provider: str | None
    reason: str
    http_status: int | None
    n: int
    advice: Advice


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. number: from 1 by start; seen_until: how far the log went, for what lasts; critical: a critical alert
    fired; causes: most frequent first; primary: the order's first when it began; chosen: the stretch that somebody chose by
    hand instead (number 0); kept: what the ledger of the alerts tells of it, None without a ledger: then nobody knows.
    """

    number: int
    group: Group
    moments: Moments
    impact: Impact
    causes: tuple[Cause, ...]
    seen_until: datetime
    primary: str | None
    critical: bool = False
    chosen: tuple[datetime, datetime] | None = None
    kept: tuple[Entry, ...] | None = None

    @property
    def start_at(self) -> datetime:
        """The first bad attempt; where that is unknown, the first alert's condition or circuit's opening."""
        if self.chosen is not None:
            return self.chosen[0]
        return self.moments.first_bad_at or self.group.start_at

    @property
    def end_at(self) -> datetime:
        """Its resolution, or how far the log went."""
        if self.chosen is not None:
            return self.chosen[1]
        return self.moments.resolved_at or self.seen_until

    @property
    def lasts(self) -> bool:
        """Whether it is not known to be resolved."""
        return self.moments.resolved_at is None

    @property
    def acted_by_ledger(self) -> bool:
        """Whether the ledger of the alerts tells the first human action, and not the log."""
        return any(entry.at == self.moments.action_at for entry in self.kept or ())

    @property
    def to_detect(self) -> timedelta | None:
        """From the first bad attempt to the first alert."""
        return _between(self.moments.first_bad_at, self.moments.alert_at)

    @property
    def to_act(self) -> timedelta | None:
        """From the first alert to the first human action; None if somebody acted before it."""
        found = _between(self.moments.alert_at, self.moments.action_at)
        return None if found is None or found < timedelta() else found

    @property
    def to_mitigate(self) -> timedelta | None:
        """From the first bad attempt until callers were fine again."""
        return _between(self.moments.first_bad_at, self.moments.mitigated_at)

    @property
    def to_resolve(self) -> timedelta | None:
        """From the first bad attempt until the primary answered again."""
        return _between(self.moments.first_bad_at, self.moments.resolved_at)


def _between(start: datetime | None, end: datetime | None) -> timedelta | None:
    return None if start is None or end is None else end - start
