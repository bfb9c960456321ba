"""A rule and its numbers in words."""

import operator
from collections.abc import Callable, Mapping

from dashboard.alerts import words
from dashboard.alerts.evaluate import Phase
from dashboard.alerts.rule import Comparison, Metric, Rule
from dashboard.alerts.words import clock

SIGNS: Mapping[Comparison, str] = {
    Comparison.ABOVE: ">",
    Comparison.AT_LEAST: "≥",
    Comparison.BELOW: "<",
    Comparison.AT_MOST: "≤",
}
WORDS: Mapping[Phase, str] = {
    Phase.OK: "ok",
    Phase.PENDING: "pending",
    Phase.FIRING: "firing",
    Phase.NO_DATA: "no data",
}


def duration(seconds: float) -> str:
    """90 -> "90 s", 600 -> "10 min", 7200 -> "2 h"; 2.5 -> "2.5 s"."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def spelled(rule: Rule, value: float | None, count: int) -> str:
    """A value of the rule's metric with its unit. count: what it rests on."""
    if value is not None and rule.metric in _VALUES:
        return _VALUES[rule.metric](value, count)
    return words.spelled(rule.metric, value)


def limit(rule: Rule, count: int) -> str:
    """The rule's threshold with its unit."""
    if rule.metric in _STATES:
        return "open"
    if rule.metric is Metric.OPEN_CIRCUITS:
        return words.spelled(rule.metric, rule.threshold)
    return spelled(rule, rule.threshold, count)


def holds(rule: Rule, value: float | None) -> bool:
    """Whether the rule's condition is true of a value."""
    return value is not None and _COMPARED[rule.comparison](value, rule.threshold)


def against(rule: Rule, value: float | None, count: int) -> str:
    """A value beside its threshold: "23.1 % > 10 %" where the condition is true, else "8 % of 10 %", "3 of 4", "0"."""
    said = spelled(rule, value, count)
    beyond = holds(rule, value)
    if value is None or rule.metric in _STATES or _all_of_them(rule) or (rule.threshold == 0 and not beyond):
        return said
    return f"{said} {SIGNS[rule.comparison] if beyond else 'of'} {limit(rule, count)}"


def named(rule: Rule, value: float | None, count: int) -> str:
    """The rule's title with its value, for a headline; a title such as "Primary's circuit open" has said it all."""
    if rule.metric in _STATES:
        return rule.title
    unit = " requests" if rule.metric is Metric.EXHAUSTED_REQUESTS and value is not None else ""
    return f"{rule.title} {spelled(rule, value, count)}{unit}"


def condition(rule: Rule) -> str:
    """The condition alone: "> 10 %", "all of them", "open"."""
    if rule.metric in _STATES:
        return "open"
    return "all of them" if _all_of_them(rule) else f"{SIGNS[rule.comparison]} {limit(rule, 0)}"


def _all_of_them(rule: Rule) -> bool:
    return rule.metric is Metric.OPEN_CIRCUITS and (rule.threshold, rule.comparison) == (1, Comparison.AT_LEAST)


def _times(value: float, count: int) -> str:
    del count
    return f"{round(value, 1):g} times"


def _age(value: float, count: int) -> str:
    del count
    return clock(value)


def _of_all(value: float, count: int) -> str:
    return f"{round(value * count)} of {count}"


def _state(value: float, count: int) -> str:
    del count
    return "open" if value else "not open"


_COMPARED: Mapping[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
}
_STATES = frozenset({Metric.PRIMARY_OPEN, Metric.PROVIDER_OPEN})
_VALUES: Mapping[Metric, Callable[[float, int], str]] = {
    Metric.BURN_RATE: _times,
    Metric.OPEN_CIRCUITS: _of_all,
    Metric.PRIMARY_OPEN: _state,
    Metric.LOG_AGE_S: _age,
    Metric.PROVIDER_OPEN: _state,
}
"""What the page spells shorter than a message does."""
