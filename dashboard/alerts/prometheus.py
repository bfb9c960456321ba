"""The rules as a rule file for Prometheus (2.42 or newer), over the service's own /metrics. docs/prometheus.md.

Each expression has two parts: the condition, where there is data; and "it fires already", where there is none. So an
alert whose data stop is not resolved by that, as here. Both parts have no labels, else they were two alerts.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dashboard.alerts.rule import OF_A_PROVIDER, SHARES, Metric, Rule, Rules

REMEMBERED_S = 3600
"""How long the last event of a service that is gone is looked for, beyond the threshold of its age."""

_COUNTED = 'status=~"success|exhausted|deadline|error"'
_FAILED = 'status=~"exhausted|deadline|error"'


@dataclass(frozen=True, slots=True)
class _Numbers:
    """PromQL without labels: a rule's value, and what it rests on; None where the value's presence says it."""

    value: str
    count: str | None = None


def rule_file(rules: Rules) -> str:
    """The YAML text, one group with an alert for each rule, in order."""
    lines = [
        "# The alert rules of the METIS LLM chain, written by `python -m dashboard rules --prometheus`.",
        "# NaN as an alert's value: it fires, and its data have stopped.",
        "groups:",
        "  - name: metis_llm",
        f"    interval: {rules.interval_s}s",
        "    rules:" if rules.rules else "    rules: []",
    ]
    for rule in rules.rules:
        lines += _alert(rule)
    return "\n".join(lines) + "\n"


def alert_name(rule: Rule) -> str:
    """The alert's name; two rules may share one, their label `rule` tells them apart."""
    return "Metis" + "".join(part.capitalize() for part in rule.name.split("_"))


def expression(rule: Rule) -> str:
    """The rule in PromQL, over several lines."""
    numbers = _NUMBERS[rule.metric](rule)
    holds = f"{numbers.value}\n  {rule.comparison} {_number(rule.threshold)}"
    known = numbers.value
    if numbers.count is not None:
        known = f"{numbers.count} >= {rule.minimum_count}"
        holds = f"{holds}\n  and\n  {known}"
    firing = f'ALERTS{{alertname="{alert_name(rule)}",rule="{rule.name}",alertstate="firing"}}'
    return f"(\n  {holds}\n)\nor\n(\n  NaN * count({firing})\n  unless\n  {known}\n)"


def _alert(rule: Rule) -> Iterator[str]:
    yield f"      - alert: {alert_name(rule)}"
    yield "        expr: |"
    for line in expression(rule).splitlines():
        yield f"          {line}"
    if rule.hold_s:
        yield f"        for: {rule.hold_s}s"
    if rule.keep_firing_s:
        yield f"        keep_firing_for: {rule.keep_firing_s}s"
    yield "        labels:"
    yield f"          severity: {rule.severity}"
    yield f"          rule: {rule.name}"
    yield "        annotations:"
    yield f"          summary: {_text(rule.title)}"
    yield f"          description: {_quoted(_described(rule))}"
    yield from (f"          {name}: {_text(text)}" for name, text in _help(rule).items())


def _help(rule: Rule) -> Mapping[str, str]:
    given = {"runbook": rule.runbook, "action": rule.action}
    return {name: text for name, text in given.items() if text}


def _described(rule: Rule) -> str:
    shown = "$value | humanizePercentage" if rule.metric in SHARES else "$value | humanize"
    over = f" over {rule.window_s} s" if rule.window_s else ""
    held = f", for {rule.hold_s} s" if rule.hold_s else ""
    whose = f" of {rule.provider}" if rule.metric in OF_A_PROVIDER else ""
    limit = f"{rule.comparison} {_number(rule.threshold)}"
    return f"Now {{{{ {shown} }}}}; the rule is {rule.metric}{whose}{over} {limit}{held}."


def _text(text: str) -> str:
    """Somebody's text: Prometheus would take {{ for a template."""
    return _quoted(text.replace("{{", '{{ "{{" }}'))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _increase(series: str, window_s: int) -> str:
    # Not rate(): over a range that is a multiple of the scrape interval an increase is a whole number in
    # Prometheus 2, so one of ten is exactly 0.1.
    return f"sum(increase({series}[{window_s}s]))"


def _requests(rule: Rule, part: str, window_s: int = 0) -> _Numbers:
    count = _increase(f"metis_llm_requests_total{{{_COUNTED}}}", window_s or rule.window_s)
    return _Numbers(f"{_increase(part, window_s or rule.window_s)} / {count}", count)


def _exhausted(rule: Rule) -> _Numbers:
    count = _increase(f"metis_llm_requests_total{{{_COUNTED}}}", rule.window_s)
    return _Numbers(_increase('metis_llm_requests_total{status="exhausted"}', rule.window_s), count)


def _error_rate(rule: Rule) -> _Numbers:
    return _requests(rule, f"metis_llm_requests_total{{{_FAILED}}}")


def _fallback_rate(rule: Rule) -> _Numbers:
    return _requests(rule, f"metis_llm_requests_with_fallback_total{{{_COUNTED}}}")


def _burn_rate(rule: Rule) -> _Numbers:
    failed = f"metis_llm_requests_total{{{_FAILED}}}"
    slow, fast = _requests(rule, failed), _requests(rule, failed, rule.fast_window_s)
    lower = f"({slow.value} < {fast.value} or {fast.value})"
    return _Numbers(f"{lower} / (1 - {rule.objective!r})", fast.count)  # what the fast one has, the slow one has too


def _quantile(buckets: str, window_s: int) -> str:
    return f"histogram_quantile(0.95, sum by (le) (increase({buckets}[{window_s}s])))"


def _response_time(rule: Rule) -> _Numbers:
    count = _increase("metis_llm_request_duration_seconds_count", rule.window_s)
    return _Numbers(_quantile("metis_llm_request_duration_seconds_bucket", rule.window_s), count)


def _open_circuits(rule: Rule) -> _Numbers:
    del rule
    closed = 'metis_llm_circuit_state{state="CLOSED"}'
    return _Numbers(f'sum(metis_llm_circuit_state{{state!="CLOSED"}}) / count({closed})')


def _primary_open(rule: Rule) -> _Numbers:
    del rule
    primary = "metis_llm_chain_position == 0"
    return _Numbers(f'max(metis_llm_circuit_state{{state!="CLOSED"}} and ignoring (state) ({primary}))')


def _log_age(rule: Rule) -> _Numbers:
    range_s = int(rule.threshold) + REMEMBERED_S
    return _Numbers(f"time() - max(last_over_time(metis_llm_last_event_timestamp_seconds[{range_s}s]))")


def _provider_failure_rate(rule: Rule) -> _Numbers:
    series = f'metis_llm_attempts_total{{provider="{rule.provider}",status=~"{{}}"}}'
    count = _increase(series.replace("{}", "success|failed"), rule.window_s)
    return _Numbers(f"{_increase(series.replace('{}', 'failed'), rule.window_s)} / {count}", count)


def _provider_p95(rule: Rule) -> _Numbers:
    series, own = "metis_llm_attempt_duration_seconds", f'{{provider="{rule.provider}"}}'
    count = _increase(f"{series}_count{own}", rule.window_s)
    return _Numbers(_quantile(f"{series}_bucket{own}", rule.window_s), count)


def _provider_open(rule: Rule) -> _Numbers:
    return _Numbers(f'max(metis_llm_circuit_state{{provider="{rule.provider}",state!="CLOSED"}})')


_NUMBERS: Mapping[Metric, Callable[[Rule], _Numbers]] = {
    Metric.EXHAUSTED_REQUESTS: _exhausted,
    Metric.ERROR_RATE: _error_rate,
    Metric.FALLBACK_RATE: _fallback_rate,
    Metric.RESPONSE_TIME_P95_S: _response_time,
    Metric.BURN_RATE: _burn_rate,
    Metric.OPEN_CIRCUITS: _open_circuits,
    Metric.PRIMARY_OPEN: _primary_open,
    Metric.LOG_AGE_S: _log_age,
    Metric.PROVIDER_FAILURE_RATE: _provider_failure_rate,
    Metric.PROVIDER_P95_S: _provider_p95,
    Metric.PROVIDER_OPEN: _provider_open,
}
