"""Which moments are to be evaluated now."""

from datetime import datetime, timedelta

from dashboard.alerts.evaluate import GRACE_S, Evaluation
from dashboard.alerts.reading import EventStore
from dashboard.alerts.rule import Metric, Rule

LATE = timedelta(minutes=5)
"""What came and went longer ago than this, while nobody watched, is printed and not sent."""


def due_moments(store: EventStore, evaluation: Evaluation, now: datetime) -> list[datetime]:
    """The moments to evaluate now; of a time long after the last event only the newest, as nothing changes in it."""
    extent = store.extent()
    if extent is None:
        return []
    until = now - timedelta(seconds=GRACE_S)
    rules = evaluation.rules
    longest_s = max((_settles_within_s(rule) for rule in rules.rules), default=0.0)
    quiet_from = extent[1] + timedelta(seconds=longest_s + 2 * rules.interval_s)
    dense = evaluation.moments(extent[0], min(until, quiet_from))
    newest = evaluation.moments(max(extent[0], until - LATE), until)
    return dense + [moment for moment in newest if not dense or moment > dense[-1]]


def _settles_within_s(rule: Rule) -> float:
    """How long after the last event an alert of the rule may still change."""
    own_s = rule.threshold if rule.metric is Metric.LOG_AGE_S else 0.0
    return own_s + rule.window_s + rule.hold_s + rule.keep_firing_s
