"""The moments of an incident, from its alerts and circuits and the calls around them: pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.alerts.rule import OF_A_PROVIDER, Metric, Rule, Rules
from dashboard.incidents.incident import Group, Moments, Outage

PAUSE = timedelta(seconds=60)
"""Failures further apart than this are not of one run: a single one minutes before is chance."""

LONGEST_RUN = timedelta(hours=1)
"""How far before an opening the failures in a row that led to it are looked for."""

_OF_NO_CALL = (Metric.OPEN_CIRCUITS, Metric.PRIMARY_OPEN, Metric.PROVIDER_OPEN, Metric.LOG_AGE_S)
_SLOW = (Metric.RESPONSE_TIME_P95_S, Metric.PROVIDER_P95_S)


@dataclass(frozen=True, slots=True)
class Call:
    """An attempt or a request that ended. provider: of attempts; fallback: of requests."""

    at: datetime
    ok: bool
    s: float
    provider: str | None = None
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened around an incident: at least LONGEST_RUN before it and after it; all ascending.

    requests: those that count; attempts: without cancelled ones; acts: when somebody changed settings or a circuit, or
    acknowledged or silenced an alert; orders: (from when, the chain); slow_s: from how long on a caller has waited too long.
    """

    requests: tuple[Call, ...] = ()
    attempts: tuple[Call, ...] = ()
    acts: tuple[datetime, ...] = ()
    orders: tuple[tuple[datetime, tuple[str, ...]], ...] = ()
    slow_s: float = 10.0

    def hurt(self, request: Call) -> bool:
        """Whether a caller got no answer, or too late."""
        return not request.ok or request.s > self.slow_s

    def primary(self, at: datetime) -> str | None:
        """The first of the chain in force at that moment."""
        chains = [chain for since, chain in self.orders if since <= at and chain]
        return chains[-1][0] if chains else None


def moments(group: Group, facts: Facts, rules: Rules, until: datetime) -> Moments:
    """When each step of the incident came. until: where the log ends."""
    first_bad_at = _first_bad_at(group, facts, rules)
    start_at = first_bad_at or group.start_at
    end_at = group.end_at or until
    hurt = [r for r in facts.requests if start_at <= r.at <= end_at and facts.hurt(r)]
    after_hurt = (r.at for r in facts.requests if hurt and r.at > hurt[-1].at)
    acts = (at for at in facts.acts if start_at <= at and (group.end_at is None or at <= group.end_at))
    return Moments(
        first_bad_at=first_bad_at,
        open_at=min((o.start_at for o in group.outages), default=None),
        alert_at=min((e.firing_at for e in group.episodes), default=None),
        action_at=next(acts, None),
        mitigated_at=next(after_hurt, None) if not hurt or hurt[-1].at < end_at else None,
        resolved_at=_resolved_at(group, facts, start_at, end_at, hurt[-1].at if hurt else None),
    )


def _first_bad_at(group: Group, facts: Facts, rules: Rules) -> datetime | None:
    """The earliest failure that the first alert or opening rests on."""
    first = group.outages[0] if group.outages else None
    if first is not None and all(first.start_at <= e.pending_at for e in group.episodes):
        return _run_before(first, facts)
    episode = min(group.episodes, key=lambda e: e.pending_at)
    rule = next((rule for rule in rules.rules if rule.name == episode.rule), None)
    if rule is None or rule.metric in _OF_NO_CALL:
        return None
    since = episode.pending_at - timedelta(seconds=rule.window_s)
    found: datetime | None = None
    for at in sorted(_bad(rule, facts, since, episode.pending_at), reverse=True):
        if found is not None and found - at > PAUSE:
            break
        found = at
    return found


def _run_before(outage: Outage, facts: Facts) -> datetime | None:
    """The first of the provider's run of failures that opened its circuit: no success between them, or no PAUSE."""
    found: datetime | None = None
    answered = False
    for call in reversed(facts.attempts):
        if call.provider != outage.provider or call.at > outage.start_at:
            continue
        if call.ok:
            answered = True
            continue
        if (outage.start_at if found is None else found) - call.at > (PAUSE if answered else LONGEST_RUN):
            break
        found, answered = call.at, False
    return found


def _bad(rule: Rule, facts: Facts, since: datetime, until: datetime) -> Iterator[datetime]:
    """When something went wrong that the rule counts, in (since, until]."""
    of_one = rule.metric in OF_A_PROVIDER
    slow_s = rule.threshold if rule.metric in _SLOW else float("inf")
    for call in facts.attempts:
        bad = not call.ok or (of_one and call.s > slow_s)
        if bad and since < call.at <= until and (not of_one or call.provider == rule.provider):
            yield call.at
    for request in () if of_one else facts.requests:
        if since < request.at <= until and (not request.ok or request.s > slow_s):
            yield request.at


def _resolved_at(
    group: Group, facts: Facts, start_at: datetime, end_at: datetime, last_hurt_at: datetime | None
) -> datetime | None:
    """When the primary first answered after the last trouble; None while its circuit is not closed."""
    primary = facts.primary(end_at)
    own = [outage for outage in group.outages if outage.provider == primary]
    moved = [at for at, chain in facts.orders if start_at < at <= end_at and chain]
    out = own if own or moved else group.outages
    ends = [outage.end_at for outage in out]
    if None in ends:
        return None
    troubles = [end for end in ends if end is not None] + moved
    if last_hurt_at is not None:
        troubles.append(last_hurt_at)
    if not group.outages:
        troubles += [a.at for a in facts.attempts if start_at <= a.at <= end_at and not a.ok][-1:]
    over_at = max(troubles, default=start_at)
    if any(outage.end_at == over_at and outage.proven for outage in own):
        return over_at
    answers = (a.at for a in facts.attempts if a.provider == primary and a.ok and a.at > over_at)
    return next(answers, None)
