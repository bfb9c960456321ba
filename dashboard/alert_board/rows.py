"""One row per rule: where its alert stands at a moment, its value against the threshold, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from dashboard.alert_board.sparks import Spark
from dashboard.alert_board.words import WORDS, against, condition, duration, named
from dashboard.alerts.evaluate import Alert, Phase
from dashboard.alerts.rule import Metric, Rule, Rules, Severity
from dashboard.inert import inert


@dataclass(frozen=True, slots=True)
class AlertRow:
    """What is shown of a rule. Titles, sections and actions are text of whoever wrote the rule file.

    headline: title and value; phase: with `active` for an alert that has fired and is not resolved, in whatever phase;
    word: the same in words; value: against the threshold; count: requests or attempts it rests on, 0 for none; since:
    when the phase began; pending_at: since when the condition has been true; fired_at: of an active alert; hold_s: how
    long the condition must be true; spark: values over the window, 0..1 of the largest; line: the threshold there;
    wants: the whole condition, in words; remark: what people have said.
    """

    name: str
    title: str
    headline: str
    severity: Severity
    phase: Phase
    active: bool
    word: str
    value: str
    count: int
    since: datetime | None
    pending_at: datetime | None
    fired_at: datetime | None
    hold_s: int
    spark: tuple[float | None, ...]
    line: float
    wants: str
    runbook: str
    action: str
    remark: str = ""


def rows(
    rules: Rules,
    alerts: Mapping[str, Alert],
    sparks: Mapping[str, Spark],
    remarks: Mapping[str, str] = MappingProxyType({}),
) -> tuple[AlertRow, ...]:
    """A row per rule in the rules' order; the one on the log's age only while it is not well.

    alerts: at one moment; sparks: up to that moment; remarks: what people have said (care.remarks). A rule without an
    alert yet has no data.
    """
    found = (
        _row(rule, alerts.get(rule.name), sparks.get(rule.name, Spark((), 0)), remarks.get(rule.name, ""))
        for rule in rules.rules
    )
    quiet = {rule.name for rule in rules.rules if rule.metric is Metric.LOG_AGE_S}
    unwell = (Phase.PENDING, Phase.FIRING)
    return tuple(row for row in found if row.name not in quiet or row.phase in unwell or row.active)


def worst_first(found: tuple[AlertRow, ...]) -> tuple[AlertRow, ...]:
    """Active before pending before the others; critical before warning; as in the file otherwise."""
    return tuple(
        sorted(
            found, key=lambda row: (not row.active, row.phase is not Phase.PENDING, row.severity is Severity.WARNING)
        )
    )


def _row(rule: Rule, alert: Alert | None, spark: Spark, remark: str) -> AlertRow:
    phase = Phase.NO_DATA if alert is None else alert.phase
    active = alert is not None and alert.active
    value, count = spark.value, spark.count
    if alert is not None and not spark.values:
        value, count = alert.value, alert.count
    known = [each for each in spark.values if each is not None]
    top = max([rule.threshold * 1.25, *known]) or 1.0
    return AlertRow(
        name=rule.name,
        title=inert(rule.title, 60),
        headline=inert(named(rule, value, count), 100),
        severity=rule.severity,
        phase=phase,
        active=active,
        word="firing, no data" if active and phase is Phase.NO_DATA else WORDS[phase],
        value=against(rule, value, count),
        count=count if rule.window_s else 0,
        since=None if alert is None else alert.since,
        pending_at=None if alert is None else _onset(alert),
        fired_at=None if alert is None else alert.firing_at,
        hold_s=rule.hold_s,
        spark=tuple(None if each is None else round(each / top, 3) for each in spark.values),
        line=round(rule.threshold / top, 3),
        wants=wants(rule),
        runbook=inert(rule.runbook, 100),
        action=inert(rule.action, 300),
        remark=remark,
    )


def _onset(alert: Alert) -> datetime | None:
    """Since when the condition has been true; after a time without data, of an alert that had fired, since before it."""
    return min((at for at in (alert.pending_at, alert.firing_at) if at is not None), default=None)


def wants(rule: Rule) -> str:
    """The rule's condition with window, duration and least count: "> 10 % over 1 min, for 5 min, of 5 at least"."""
    said = condition(rule)
    if rule.window_s:
        said += f" over {duration(rule.window_s)}"
    if rule.fast_window_s:
        said += f" and {duration(rule.fast_window_s)}"
    if rule.hold_s:
        said += f", for {duration(rule.hold_s)}"
    if rule.minimum_count > 1:
        said += f", of {rule.minimum_count} at least"
    return said
