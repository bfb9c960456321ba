"""Alerts in words: one spelling of values and conditions for the terminal, the page and the notifications."""

from datetime import UTC, datetime

from dashboard.alerts.evaluate import Change, Kind
from dashboard.alerts.rule import SHARES, Metric, Rule

_ONES = frozenset({Metric.PRIMARY_OPEN, Metric.PROVIDER_OPEN})
_SECONDS = frozenset({Metric.RESPONSE_TIME_P95_S, Metric.LOG_AGE_S, Metric.PROVIDER_P95_S})


def spelled(metric: Metric, value: float | None) -> str:
    """A rule's value or threshold with its unit: `26.9 %`, `45 s`, `13`; `no data` for None."""
    if value is None:
        return "no data"
    if metric in SHARES - _ONES:
        return f"{_short(value * 100)} %"
    return f"{_short(value)} s" if metric in _SECONDS else _short(value)


def condition(rule: Rule) -> str:
    """What must be true for the alert: `> 10 % for 5:00`."""
    held = f" for {clock(rule.hold_s)}" if rule.hold_s else ""
    return f"{rule.comparison} {spelled(rule.metric, rule.threshold)}{held}"


def clock(seconds: float) -> str:
    """A duration as m:ss or h:mm:ss."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours}:{minutes_left:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"


def stamp(at: datetime) -> str:
    """A moment: UTC, whole seconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def change_line(change: Change, rule: Rule, remark: str = "") -> str:
    """One line for a change: when, what, the rule, the value against the threshold, since when, and what to do."""
    word = change.kind.upper() if change.kind is not Kind.NO_DATA else "NO DATA"
    alert = change.alert
    parts = [stamp(change.at), word, rule.severity, rule.name, spelled(rule.metric, alert.value), condition(rule)]
    if change.kind is Kind.RESOLVED and change.fired_at is not None:
        parts.append(f"(fired {stamp(change.fired_at)}, lasted {clock((change.at - change.fired_at).total_seconds())})")
    elif alert.pending_at is not None:
        parts.append(f"(pending since {stamp(alert.pending_at)})")
    if remark:
        parts.append(f"[{remark}]")
    if change.kind is Kind.FIRING and rule.action:
        parts.append(f"-- {rule.runbook}: {rule.action}" if rule.runbook else f"-- {rule.action}")
    return " ".join(parts)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if abs(number) < 1e5 else f"{number:.0f}"
