"""`python -m dashboard rules`: what it prints, and how it refuses."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.__main__ import main
from dashboard.alerts.prometheus import expression
from dashboard.alerts.rule import Metric
from dashboard.alerts.rulefile import load_rules

OWN = """
[rule.error_rate]
threshold = 0.2
hold_s = 0

[rule.log_stale]
enabled = false
"""


def test_the_rules_are_shown_with_their_numbers():
    done = CliRunner().invoke(main, ["rules"])

    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "error_rate critical error_rate > 0.1 60 s 300 s 5" in lines
    assert "fallback_rate warning fallback_rate > 0.25 300 s at once 60 s 10" in lines
    assert lines[-1] == "7 rules, evaluated every 10 s"


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_file_of_ones_own_is_in_force(named_by: str, tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    option, environment = (
        (["--rules", str(file)], {}) if named_by == "option" else ([], {"METIS_DASHBOARD_RULES": str(file)})
    )

    shown = CliRunner().invoke(main, ["rules", *option], env=environment).stdout
    exported = CliRunner().invoke(main, ["rules", "--prometheus", *option], env=environment).stdout

    assert "error_rate > 0.2" in shown
    assert "log_stale" not in shown + exported
    assert "> 0.2\n" in exported


def test_a_file_with_a_mistake_is_refused_with_the_place_of_it(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text("[rule.error_rate]\nthreshold = 7\n")

    done = CliRunner().invoke(main, ["rules", "--prometheus", "--rules", str(file)])

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"error: {file}, rule error_rate: threshold must be from 0 to 1 for error_rate, got 7.0\n"


def test_every_metric_of_a_rule_has_a_counterpart_in_prometheus():
    rule = load_rules().named("error_rate")

    for metric in Metric:
        assert "metis_llm_" in expression(replace(rule, metric=metric, objective=0.9, provider="openai"))
