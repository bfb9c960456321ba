"""The moments of an incident, from its alerts and circuits and the calls around them: pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from dashboard.alerts.history import Calls, Times
from dashboard.alerts.rule import OF_A_PROVIDER, Metric, Rule, Rules
from dashboard.incidents.calls import Ended, first_after, last_within, time, us
from dashboard.incidents.incident import Group, Moments, Outage

PAUSE = timedelta(seconds=60)
"""Failures further apart than this are not of one run: a single one minutes before is chance."""

LONGEST_RUN = timedelta(hours=1)
"""How far before an opening the failures in a row that led to it are looked for."""

_OF_NO_CALL = (Metric.OPEN_CIRCUITS, Metric.PRIMARY_OPEN, Metric.PROVIDER_OPEN, Metric.LOG_AGE_S)
_SLOW = (Metric.RESPONSE_TIME_P95_S, Metric.PROVIDER_P95_S)


@dataclass(frozen=True, slots=True)
class Facts:
    """What happened around an incident: LONGEST_RUN before it and after it; all ascending.

    ended: calls; acts: when somebody changed settings or a circuit, or acknowledged or silenced an alert; orders: (from
    when, the chain); slow_s: from how long on a caller has waited too long.
    """

    ended: Ended = field(default_factory=Ended)
    acts: tuple[datetime, ...] = ()
    orders: tuple[tuple[datetime, tuple[str, ...]], ...] = ()
    slow_s: float = 10.0

    @property
    def hurt_at(self) -> Times:
        """When callers got no answer, or too late."""
        requests = self.ended.requests
        return requests.at[requests.failed | (requests.s > self.slow_s)]

    def primary(self, at: datetime) -> str | None:
        """The first of the chain in force at that moment."""
        chains = [chain for since, chain in self.orders if since <= at and chain]
        return chains[-1][0] if chains else None


def moments(group: Group, facts: Facts, rules: Rules, until: datetime) -> Moments:
    """When each step of the incident came. until: where the log ends."""
    first_bad_at = _first_bad_at(group, facts, rules)
    start_at = first_bad_at or group.start_at
    end_at = group.end_at or until
    last_hurt_at = last_within(facts.hurt_at, start_at, end_at)
    fine_at = None if last_hurt_at is None else first_after(facts.ended.requests.at, last_hurt_at)
    acts = (at for at in facts.acts if start_at <= at and (group.end_at is None or at <= group.end_at))
    return Moments(
        first_bad_at=first_bad_at,
        open_at=min((o.start_at for o in group.outages), default=None),
        alert_at=min((e.firing_at for e in group.episodes), default=None),
        action_at=next(acts, None),
        mitigated_at=fine_at if last_hurt_at is None or last_hurt_at < end_at else None,
        resolved_at=_resolved_at(group, facts, start_at, end_at, last_hurt_at),
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
    calls = facts.ended.attempts.get(outage.provider, Calls())
    before = int(np.searchsorted(calls.at, us(outage.start_at), side="right"))
    found_at, place = outage.start_at, before
    for number in reversed(np.flatnonzero(calls.failed[:before]).tolist()):
        at, answered = time(calls.at[number]), place - number > 1  # what lies between was answered
        if found_at - at > (PAUSE if answered else LONGEST_RUN):
            break
        found_at, place = at, number
    return None if place == before else found_at


def _bad(rule: Rule, facts: Facts, since: datetime, until: datetime) -> list[datetime]:
    """When something went wrong that the rule counts, in (since, until]."""
    of_one = rule.metric in OF_A_PROVIDER
    slow_s = rule.threshold if rule.metric in _SLOW else float("inf")
    attempts = facts.ended.attempts
    found = [
        calls.at[calls.failed | (calls.s > slow_s)] if of_one else calls.at[calls.failed]
        for provider, calls in attempts.items()
        if not of_one or provider == rule.provider
    ]
    if not of_one:
        requests = facts.ended.requests
        found.append(requests.at[requests.failed | (requests.s > slow_s)])
    return [time(at) for times in found for at in times[(times > us(since)) & (times <= us(until))]]


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
        failed = (calls.at[calls.failed] for calls in facts.ended.attempts.values())
        troubles += [at for times in failed if (at := last_within(times, start_at, end_at)) is not None]
    over_at = max(troubles, default=start_at)
    if any(outage.end_at == over_at and outage.proven for outage in own):
        return over_at
    own_calls = facts.ended.attempts.get(primary, Calls())
    return first_after(own_calls.at[~own_calls.failed], over_at)
