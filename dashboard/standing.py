"""Where the alert rules stand now over some logs, with silences and acknowledgements: as values, and as a document."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.alerts.evaluate import Evaluation
from dashboard.alerts.ledger import Ledger, ledger_file, read_ledger
from dashboard.alerts.reading import read_history
from dashboard.alerts.rule import Rules
from dashboard.alerts.rulefile import load_rules
from dashboard.alerts.silences import acknowledged, silenced
from dashboard.alerts.words import condition, spelled, stamp
from dashboard.notify.due import due_moments
from dashboard.notify.incident import incidents
from dashboard.settings import Settings, store_file
from dashboard.stats import opened


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to know: evaluation, now; incident: the id of the one that lasts, "" without one."""

    rules: Rules
    evaluation: Evaluation
    incident: str
    ledger: Ledger
    now: datetime


def standing(settings: Settings, now: datetime) -> Standing:
    """Where the rules stand over the settings' logs. Raises: RuleError, StatsError, OSError."""
    rules = load_rules(settings.rules)
    evaluation, found = Evaluation(rules), None
    with closing(opened(settings.logs, "alerts-")) as store:
        moments = due_moments(store, evaluation, now)
        if moments:
            evaluation, changes = evaluation.advanced(read_history(store, rules, moments), moments)
            found = next((each for each in incidents(changes) if each.end_at is None), None)
    return Standing(rules, evaluation, found.id if found else "", read_ledger(ledger_file(store_file(settings))), now)


def document(found: Standing) -> dict[str, Any]:
    """The standing as JSON.

    Keys: at (None without events), incident, alerts (one per rule, in order), silences (in force), notes.
    """
    return {
        "at": stamp_or_none(found.evaluation.at),
        "incident": found.incident or None,
        "alerts": [_alert(found, name) for name in (rule.name for rule in found.rules.rules)],
        "silences": [
            {"id": s.id, "matcher": s.matcher, "until": stamp(s.until), "actor": s.actor, "reason": s.reason}
            for s in found.ledger.silences
            if s.in_force(found.now)
        ],
        "notes": list(found.ledger.notes),
    }


def _alert(found: Standing, name: str) -> dict[str, Any]:
    rule = found.rules.named(name)
    alert = found.evaluation.alerts.get(name)
    silence = silenced(rule, found.ledger.silences, found.now)
    ack = acknowledged(name, alert.firing_at, found.ledger.acknowledgements) if alert and alert.active else None
    return {
        "rule": name,
        "title": rule.title,
        "severity": str(rule.severity),
        "phase": str(alert.phase) if alert else "no_data",
        "active": alert.active if alert else False,
        "since": stamp_or_none(alert.since) if alert else None,
        "firing_at": stamp_or_none(alert.firing_at) if alert else None,
        "value": alert.value if alert else None,
        "value_text": spelled(rule.metric, alert.value if alert else None),
        "condition": condition(rule),
        "runbook": rule.runbook,
        "action": rule.action,
        "silenced_until": stamp_or_none(silence.until) if silence else None,
        "acknowledged_by": ack.actor if ack else None,
    }


def stamp_or_none(at: datetime | None) -> str | None:
    """The time in words, None for none."""
    return None if at is None else stamp(at)
