"""Silences and acknowledgements, as values: who keeps quiet about what, until when, and why.

A silence keeps the firing of matching alerts from being sent. It changes nothing about the alert, which is still
evaluated and shown, and it never keeps back the news that something that was sent is over. An acknowledgement is of one
alert from its firing on, and ends with it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.alerts.evaluate import Change, Kind
from dashboard.alerts.rule import Rule, Rules, Severity

EVERYTHING = "*"
LONGEST = timedelta(days=30)
LONGEST_REASON, LONGEST_ACTOR = 200, 100


class SilenceError(ValueError):
    """A silence or an acknowledgement breaks its rule; the message names the field, the rule and the value."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Quiet about the rules that `matcher` names (a rule's name, a severity, or EVERYTHING), from `at` to `until`.

    ended_at, ended_by: set if somebody ended it sooner.
    """

    id: str
    matcher: str
    until: datetime
    actor: str
    reason: str
    at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""

    @property
    def end_at(self) -> datetime:
        """When it is over, one way or the other."""
        return self.until if self.ended_at is None else min(self.ended_at, self.until)

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at that time; its end is not included."""
        return self.at <= at < self.end_at

    def matches(self, rule: Rule) -> bool:
        """Whether it is about that rule."""
        return self.matcher in (EVERYTHING, rule.name, rule.severity)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody looks after the alert of `rule` that began to fire at `firing_at`."""

    rule: str
    firing_at: datetime
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An alert began to fire, and a silence kept it from being sent then."""

    change: Change
    silence: Silence


def silenced(rule: Rule, silences: Iterable[Silence], at: datetime) -> Silence | None:
    """The silence that holds for the rule at that time, the longest of several; None without one."""
    found = (silence for silence in silences if silence.in_force(at) and silence.matches(rule))
    return max(found, key=lambda silence: silence.end_at, default=None)


def acknowledged(
    rule: str, firing_at: datetime | None, acknowledgements: Iterable[Acknowledgement]
) -> Acknowledgement | None:
    """The first acknowledgement of this alert since it began to fire; None without one."""
    found = (ack for ack in acknowledgements if ack.rule == rule and ack.firing_at == firing_at)
    return min(found, key=lambda ack: ack.at, default=None)


def suppressed(changes: Iterable[Change], rules: Rules, silences: Iterable[Silence]) -> tuple[Suppressed, ...]:
    """Of the changes, those in which an alert began to fire while a silence held for it."""
    kept = tuple(silences)
    named = {rule.name: rule for rule in rules.rules}
    fired = (c for c in changes if c.kind is Kind.FIRING and c.fired_at == c.at and c.rule in named)
    found = ((change, silenced(named[change.rule], kept, change.at)) for change in fired)
    return tuple(Suppressed(change, silence) for change, silence in found if silence is not None)


def check_silence(silence: Silence, rules: Rules) -> None:
    """Raises SilenceError for a silence that nobody could have meant."""
    names = [EVERYTHING, *Severity, *(rule.name for rule in rules.rules)]
    if silence.matcher not in names:
        raise SilenceError(f"matcher must be one of {', '.join(names)}, got {silence.matcher!r}")
    if not silence.at < silence.until <= silence.at + LONGEST:
        latest = silence.at + LONGEST
        words = f"after {silence.at.isoformat()} and not after {latest.isoformat()} ({LONGEST.days} days)"
        raise SilenceError(f"until must be {words}, got {silence.until.isoformat()}")
    check_who(silence.actor, silence.reason)


def check_who(actor: str, reason: str) -> None:
    """Raises SilenceError unless both are there, printable and not too long."""
    for field, text, longest in (("actor", actor, LONGEST_ACTOR), ("reason", reason, LONGEST_REASON)):
        if not text.strip() or len(text) > longest or not text.isprintable():
            raise SilenceError(f"{field} must be 1 to {longest} printable characters, got {text!r}")


def duration(text: str) -> timedelta:
    """A time such as 90s, 30m, 2h or 1d. Raises: SilenceError."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if found is None or int(found[1]) == 0:
        raise SilenceError(f"a duration must be such as 90s, 30m, 2h or 1d, got {text!r}")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
    return timedelta(**{unit: int(found[1])})
