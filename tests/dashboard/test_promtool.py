"""The exported rules mean to Prometheus what the rules mean to us: every alert's state at every evaluation."""

import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dashboard.__main__ import main
from dashboard.alerts.evaluate import Evaluation, Phase
from dashboard.alerts.prometheus import alert_name, rule_file
from dashboard.alerts.reading import read_history
from dashboard.alerts.rule import Rules
from dashboard.alerts.rulefile import load_rules
from dashboard.ingest import Ingest
from dashboard.store import Store
from resilience.events import Origin, to_line
from tests import promtool
from tests.dashboard.incident_streams import STEP_S, Samples, Stream, history, samples, stream

pytestmark = pytest.mark.skipif(promtool.find() is None, reason=promtool.ABSENT)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LENGTH_S = 1800
MUTANTS_SEED = 16
OTHERS = """
[rule.error_budget_burn]
enabled = true
window_s = 600
fast_window_s = 60
minimum_count = 5

[rule.error_rate]
comparison = ">="
hold_s = 60
keep_firing_s = 30

[rule.all_circuits_open]
threshold = 0.5
hold_s = 50
keep_firing_s = 20

[rule.primary_circuit_open]
hold_s = 100
keep_firing_s = 100

[rule.fallback_rate]
comparison = ">="
window_s = 120
hold_s = 20
minimum_count = 4

[rule.response_time_p95]
window_s = 120
hold_s = 30
minimum_count = 5

[rule.log_stale]
threshold = 120

[rule.anthropic_fails]
title = 'Anthropic "fails" {{ often }}'
severity = "warning"
metric = "provider_failure_rate"
provider = "anthropic"
comparison = ">"
threshold = 0.2
window_s = 120
minimum_count = 2

[rule.anthropic_slow]
title = "Anthropic: slow"
severity = "warning"
metric = "provider_p95_s"
provider = "anthropic"
comparison = ">"
threshold = 10
window_s = 300

[rule.anthropic_open]
title = "# Anthropic open"
severity = "warning"
metric = "provider_open"
provider = "anthropic"
comparison = ">="
threshold = 1
hold_s = 30
keep_firing_s = 60

[rule.hardly_any_failure]
title = "Below"
severity = "warning"
metric = "error_rate"
comparison = "<"
threshold = 0.1
window_s = 60
keep_firing_s = 20
minimum_count = 3
"""


def rules_of(text: str, folder: Path) -> Rules:
    file = folder / "own.toml"
    file.write_text(text)
    return load_rules(file if text else None)


def streams(seed: int, number: int) -> list[Stream]:
    print(f"seed of the incidents: {seed}")
    return [stream(random.Random(f"{seed} {place}"), LENGTH_S, "anthropic") for place in range(number)]


def expected(rules: Rules, found: Stream) -> Iterator[list[str]]:
    """The alerts' states at each moment, as the series ALERTS of Prometheus has them."""
    start = Evaluation(rules)
    moments = start.moments(EPOCH, EPOCH + timedelta(seconds=found.length_s))
    _, changes = start.advanced(history(found), moments)
    left = list(reversed(changes))
    alerts: dict[str, str] = {}
    for moment in moments:
        while left and left[-1].at == moment:
            alert = left.pop().alert
            state = "firing" if alert.active else "pending" if alert.phase is Phase.PENDING else ""
            alerts[alert.rule] = state
        yield [
            f'ALERTS{{alertname="{alert_name(rule)}", alertstate="{alerts[rule.name]}", rule="{rule.name}", '
            f'severity="{rule.severity}"}}'
            for rule in rules.rules
            if alerts.get(rule.name)
        ]


def case(rules: Rules, found: Stream, names: set[str]) -> dict[str, Any]:
    return {
        "interval": f"{STEP_S}s",
        "input_series": series_of(samples(found, names)),
        "promql_expr_test": [
            {
                "expr": "ALERTS",
                "eval_time": f"{place * STEP_S}s",
                "exp_samples": [{"labels": labels, "value": 1} for labels in found_then],
            }
            for place, found_then in enumerate(expected(rules, found))
        ],
    }


def series_of(found: Samples) -> list[dict[str, str]]:
    return [
        {
            "series": f"{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels)}}}",
            "values": runs(values),
        }
        for (name, labels), values in found.items()
    ]


def runs(values: list[float | None]) -> str:
    """promtool's notation, equal neighbours together; a series that goes is marked as a scrape would mark it."""
    parts: list[str] = []
    before: float | None = None
    place = 0
    while place < len(values):
        value, first = values[place], place
        while place < len(values) and values[place] == value:
            place += 1
        if value is None:
            gone = ["stale"] if before is not None else []
            parts += [*gone, *["_"] * (place - first - len(gone))]
        else:
            parts.append(f"{value!r}+0x{place - first - 1}")
        before = value
    return " ".join(parts)


def compared(folder: Path, rule_text: str, cases: list[dict[str, Any]]) -> tuple[bool, str]:
    """Whether promtool agrees, and what it says."""
    (folder / "rules.yaml").write_text(rule_text)
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": f"{STEP_S}s", "tests": cases}
    (folder / "tests.yaml").write_text(json.dumps(document))
    done = promtool.run("test", "rules", folder / "tests.yaml")
    return done.returncode == 0, re.sub(r"\n\s*\n+", "\n", done.stdout + done.stderr)


def names_in(text: str) -> set[str]:
    return set(re.findall(r"metis_\w+", text.split("groups:")[1]))


@pytest.mark.parametrize(("own", "number"), [("", 10), (OTHERS, 5)], ids=["the defaults", "rules of one's own"])
def test_promtool_and_we_see_every_change_of_state_at_the_same_evaluation(own: str, number: int, tmp_path: Path):
    rules, seed = rules_of(own, tmp_path), random.randrange(1 << 32)
    text = rule_file(rules)

    cases = [case(rules, found, names_in(text)) for found in streams(seed, number)]
    agreed, said = compared(tmp_path, text, cases)

    assert sum(len(one["input_series"]) for one in cases) >= 300
    assert agreed, said[:4000]


def test_our_reading_of_the_incidents_is_that_of_their_log(tmp_path: Path):
    """The histories above are made from the events at hand; those of the page come from a log through the store."""
    rules, seed = load_rules(), random.randrange(1 << 32)
    (found,) = streams(seed, 1)
    start_s = 1_772_000_000  # a multiple of the interval
    start = EPOCH + timedelta(seconds=start_s)
    log = tmp_path / "incident.log"
    origin = Origin("test", "host", 1)
    log.write_text("".join(to_line(event, start_s + at_us / 1e6, origin) for at_us, event in found.events))
    store = Store.open(None)
    Ingest(store, [str(log)], follow=False).run_once()

    moments = Evaluation(rules).moments(start, start + timedelta(seconds=found.length_s))
    read = read_history(store, rules, moments)
    store.close()

    made, shift_us = history(found), start_s * 1_000_000
    assert read.requests.at.tolist() == (made.requests.at + shift_us).tolist()
    for column in ("failed", "exhausted", "with_fallback"):
        assert getattr(read.requests, column).tolist() == getattr(made.requests, column).tolist()
    assert read.requests.s == pytest.approx(made.requests.s, abs=0.001)
    assert [(at, order) for at, order in read.orders] == [(at + shift_us, order) for at, order in made.orders]


def test_the_incidents_that_find_wrong_rules_find_nothing_wrong_with_the_right_ones(tmp_path: Path):
    text = rule_file(load_rules())

    cases = [case(load_rules(), found, names_in(text)) for found in streams(MUTANTS_SEED, 2)]

    assert compared(tmp_path, text, cases)[0]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("error_rate", "> 0.1", ">= 0.1"),
        ("error_rate", "for: 300s", "for: 290s"),
        ("error_rate", "for: 300s", "for: 310s"),
        ("error_rate", "[60s]", "[70s]"),
        ("error_rate", ">= 5", ">= 6"),
        ("error_rate", "|deadline", ""),
        ("fallback_rate", "> 0.25", ">= 0.25"),
        ("fallback_rate", "keep_firing_for: 60s", "keep_firing_for: 70s"),
        ("fallback_rate", "ALERTS{", 'ALERTS{nobody="has this",'),
        ("fallback_rate", "_requests_with_fallback", "_requests"),
        ("all_circuits_open", 'state!="CLOSED"', 'state="OPEN"'),
        ("primary_circuit_open", "== 0", "== 1"),
        ("response_time_p95", "0.95", "0.9"),
        ("all_providers_exhausted", 'status="exhausted"', 'status="error"'),
        ("log_stale", "> 600", "> 590"),
    ],
)
def test_a_rule_that_is_a_little_wrong_is_found(name: str, right: str, wrong: str, tmp_path: Path):
    rules = load_rules()
    alone = Rules(rules.interval_s, (rules.named(name),))
    text = rule_file(alone)
    cases = [case(alone, found, names_in(text)) for found in streams(MUTANTS_SEED, 2)]

    assert right in text
    assert not compared(tmp_path, text.replace(right, wrong), cases)[0]


def test_a_service_that_is_gone_resolves_nothing_and_its_log_counts_as_stopped(tmp_path: Path):
    text = rule_file(load_rules())
    scrapes = 60
    there = {
        'metis_llm_requests_total{status="error"}': f"0+10x{scrapes} stale",
        'metis_llm_requests_total{status="success"}': f"0+0x{scrapes} stale",
        "metis_llm_last_event_timestamp_seconds": f"0+{STEP_S}x{scrapes} stale",
        'metis_llm_circuit_state{provider="openai",state="OPEN"}': f"1+0x{scrapes} stale",
        'metis_llm_circuit_state{provider="openai",state="CLOSED"}': f"0+0x{scrapes} stale",
    }

    def firing(at_s: int, *names: str) -> dict[str, Any]:
        alerts = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names]
        query = 'sum by (alertname) (ALERTS{alertstate="firing"})'
        return {"expr": query, "eval_time": f"{at_s}s", "exp_samples": alerts}

    series = [{"series": name, "values": values} for name, values in there.items()]
    checks = [
        firing(600, "MetisErrorRate", "MetisAllCircuitsOpen"),
        firing(1200, "MetisErrorRate", "MetisAllCircuitsOpen"),
        firing(3000, "MetisErrorRate", "MetisAllCircuitsOpen", "MetisLogStale"),
        firing(9000, "MetisErrorRate", "MetisAllCircuitsOpen", "MetisLogStale"),
    ]
    agreed, said = compared(
        tmp_path, text, [{"interval": f"{STEP_S}s", "input_series": series, "promql_expr_test": checks}]
    )

    assert agreed, said


def test_texts_of_a_users_rule_arrive_as_they_are(tmp_path: Path):
    title = "a: \"b\" 'c' {{ $value }} # ⚠️ 100 % \\n"
    rule = replace(load_rules().named("primary_circuit_open"), title=title, action="- {{", hold_s=0)
    series = {
        'metis_llm_circuit_state{provider="openai",state="OPEN"}': "1+0x9",
        'metis_llm_chain_position{provider="openai"}': "0+0x9",
    }
    labels = {"alertname": alert_name(rule), "severity": "warning", "rule": rule.name}
    described = "Now 100%; the rule is primary_open >= 1."
    texts = {"summary": title, "description": described, "runbook": rule.runbook, "action": "- {{"}

    check = {
        "alertname": alert_name(rule),
        "eval_time": "30s",
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": texts}],
    }
    agreed, said = compared(
        tmp_path,
        rule_file(Rules(STEP_S, (rule,))),
        [
            {
                "interval": f"{STEP_S}s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [check],
            }
        ],
    )

    assert agreed, said


@pytest.mark.parametrize("own", ["", OTHERS], ids=["the defaults", "rules of one's own"])
def test_promtool_takes_the_file_that_the_command_writes(own: str, tmp_path: Path):
    file, written = tmp_path / "own.toml", tmp_path / "rules.yaml"
    file.write_text(own)

    done = CliRunner().invoke(main, ["rules", "--prometheus", "--rules", str(file)])
    written.write_text(done.stdout)
    checked = promtool.run("check", "rules", "--lint=all", "--lint-fatal", written)

    assert (done.exit_code, checked.returncode) == (0, 0), checked.stdout + checked.stderr
    assert f"{len(rules_of(own, tmp_path).rules)} rules found" in checked.stdout
