"""What a chart shows of the rules on its number: their thresholds, and when they were pending or firing."""

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.alert_board.course import Bar
from dashboard.alert_board.words import condition
from dashboard.alerts.rule import Metric, Rules, Severity


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule's threshold. label: title and condition, text of whoever wrote the rule file; value: in the metric's unit."""

    label: str
    value: float
    severity: Severity
    bars: tuple[Bar, ...]


def limits(rules: Rules, bars: Iterable[Bar], *metrics: Metric) -> tuple[Limit, ...]:
    """The limits of all rules on these metrics, in the rules' order. bars: of the chart's window."""
    known = tuple(bars)
    return tuple(
        Limit(
            f"{rule.title} {condition(rule)}",
            rule.threshold,
            rule.severity,
            tuple(bar for bar in known if bar.rule == rule.name),
        )
        for rule in rules.rules
        if rule.metric in metrics
    )
