"""The alert rules once more, by hand over a list of a log's lines: what tests compare the evaluation with.

Slow and plain: each moment looks at all lines again. The states are those of Prometheus's rules/alerting.go: an alert
becomes active when its condition is true, fires once it has been active for `for`, is kept for `keep_firing_for`, and
is dropped when the condition is false. What is ours is that no data drops nothing that fires.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.alerts.rule import Metric, Rule
from tests.dashboard.recount import quantile

COUNTED = ("success", "exhausted", "deadline", "error")


@dataclass(frozen=True)
class Line:
    """A structured line's time, event and fields."""

    at: datetime
    event: str
    fields: dict[str, Any]


def lines_of(text: str) -> list[Line]:
    """The events of a structured log, in order of time."""
    found = []
    for line in text.splitlines():
        fields = json.loads(line[line.index(' {"') :])
        at = datetime.strptime(line[:23], "%Y-%m-%dT%H:%M:%S.%f").replace(tzinfo=UTC)
        found.append(Line(at, fields["event"], fields))
    return sorted(found, key=lambda line: line.at)


def value_at(rule: Rule, log: Sequence[Line], at: datetime) -> float | None:
    """The rule's value at a moment, None without data."""
    past = log[: bisect_right(log, at, key=lambda line: line.at)]
    recent = past[bisect_right(past, at - timedelta(seconds=rule.window_s), key=lambda line: line.at) :]
    requests = [line.fields for line in recent if line.event == "LLM_REQUEST" and line.fields["status"] in COUNTED]
    if rule.metric in (Metric.OPEN_CIRCUITS, Metric.PRIMARY_OPEN):
        return _open_share(past, primary_only=rule.metric is Metric.PRIMARY_OPEN)
    if rule.metric is Metric.LOG_AGE_S:
        return (at - past[-1].at).total_seconds() if past else None
    if len(requests) < rule.minimum_count:
        return None
    if rule.metric is Metric.EXHAUSTED_REQUESTS:
        return float(sum(request["status"] == "exhausted" for request in requests))
    if rule.metric is Metric.ERROR_RATE:
        return sum(request["status"] != "success" for request in requests) / len(requests)
    if rule.metric is Metric.FALLBACK_RATE:
        return sum(request["fallbacks"] > 0 for request in requests) / len(requests)
    assert rule.metric is Metric.RESPONSE_TIME_P95_S
    p95_ms = quantile([request["total_ms"] for request in requests], 0.95)
    return None if p95_ms is None else p95_ms / 1000


def _open_share(past: Sequence[Line], *, primary_only: bool) -> float | None:
    orders = [line.fields["order"] for line in past if line.event in ("SERVICE_STARTED", "PROVIDERS_INITIALIZED")]
    if not orders:
        return None
    asked = orders[-1][:1] if primary_only else orders[-1]
    states = [_circuit(past, provider) for provider in asked]
    if all(state is None for state in states):
        return None
    return sum(state in ("OPEN", "HALF_OPEN") for state in states) / len(states)


def _circuit(past: Sequence[Line], provider: str) -> str | None:
    """The last that the log says of the circuit; CLOSED if a call has shown it, or the service has started anew."""
    state = None
    for line in past:
        if line.event == "BREAKER_TRANSITION" and line.fields["provider"] == provider:
            state = line.fields["to"]
        elif line.event == "SERVICE_STARTED" and state is not None:
            state = "CLOSED"
        elif line.event == "LLM_ATTEMPT" and line.fields["provider"] == provider and state is None:
            state = "CLOSED" if line.fields["circuit"].upper() == "CLOSED" else None
    return state


def phases(rule: Rule, values: Sequence[float | None], interval_s: int) -> list[str]:
    """The phase at each moment, from the rule's values there."""
    found = []
    active_since = quiet_since = None
    fires = False
    for number, value in enumerate(values):
        now_s = number * interval_s
        if value is None:
            active_since, quiet_since = (active_since if fires else None), None
            found.append("no_data")
            continue
        if {">": value > rule.threshold, ">=": value >= rule.threshold}[rule.comparison]:
            active_since = now_s if active_since is None else active_since
            quiet_since = None
            fires = fires or now_s - active_since >= rule.hold_s
        else:
            quiet_since = now_s if quiet_since is None else quiet_since
            if not fires or now_s - quiet_since >= rule.keep_firing_s:
                active_since, quiet_since, fires = None, None, False
        found.append("firing" if fires else "ok" if active_since is None else "pending")
    return found
