"""What people have said about alerts: silences and acknowledgements, in words, and what may be said now."""

from collections.abc import Mapping
from datetime import datetime

from dashboard.alerts.evaluate import Alert
from dashboard.alerts.ledger import Entry, Ledger
from dashboard.alerts.rule import Rules
from dashboard.alerts.silences import EVERYTHING, Silence, acknowledged, silenced
from dashboard.inert import inert


def remarks(rules: Rules, alerts: Mapping[str, Alert], ledger: Ledger, at: datetime) -> dict[str, str]:
    """By rule: who looks after its alert, and who has silenced it until when. alerts: at the moment `at`."""
    found = {}
    for rule in rules.rules:
        alert = alerts.get(rule.name)
        said = []
        if alert is not None and alert.active:
            ack = acknowledged(rule.name, alert.firing_at, (a for a in ledger.acknowledgements if a.at <= at))
            said += [f"acknowledged by {ack.actor}: {ack.reason}"] if ack else []
        quiet = silenced(rule, ledger.silences, at)
        said += [f"silenced until {quiet.end_at:%H:%M} UTC by {quiet.actor}: {quiet.reason}"] if quiet else []
        if said:
            found[rule.name] = inert("; ".join(said), 300)
    return found


def to_acknowledge(alerts: Mapping[str, Alert], ledger: Ledger) -> dict[str, datetime]:
    """Active alerts that nobody looks after yet: the rule, and when it began to fire."""
    return {
        name: alert.firing_at
        for name, alert in alerts.items()
        if alert.firing_at is not None and acknowledged(name, alert.firing_at, ledger.acknowledgements) is None
    }


def in_force(ledger: Ledger, at: datetime) -> tuple[Silence, ...]:
    """Silences that hold at that time, the one that ends first in front."""
    return tuple(sorted((each for each in ledger.silences if each.in_force(at)), key=lambda each: each.end_at))


def deed(entry: Entry, matchers: Mapping[str, str], rules: Rules) -> str:
    """What somebody did, as the ledger tells it. matchers: what each silence is about, by its id."""
    if entry.kind == "acknowledge":
        titles = {rule.name: inert(rule.title, 60) for rule in rules.rules}
        fired = f", firing since {entry.firing_at:%Y-%m-%d %H:%M:%S}" if entry.firing_at else ""
        return f"acknowledged {titles.get(entry.rule) or inert(entry.rule, 63)}{fired}"
    matcher = entry.matcher or matchers.get(entry.id)
    about = "alerts" if matcher is None else matcher_words(matcher, rules)
    if entry.kind == "end_silence":
        return f"ended the silence of {about}"
    return f"silenced {about}" + (f" until {entry.until:%Y-%m-%d %H:%M:%S}" if entry.until else "")


def matcher_words(matcher: str, rules: Rules) -> str:
    """What a silence is about, in words."""
    if matcher == EVERYTHING:
        return "all alerts"
    known = {rule.name: inert(rule.title, 60) for rule in rules.rules}
    return known.get(matcher) or f"all {inert(matcher, 63)} alerts"
