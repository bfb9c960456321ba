"""Rule files: the defaults are the runbook's, a user's file changes them, and what is wrong is said where it is."""

import re
from pathlib import Path

import pytest

from dashboard.alerts.rule import Comparison, Metric, Rule, Severity
from dashboard.alerts.rulefile import RuleError, load_rules

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")
OWN = """
[rule.deepseek_slow]
title = "DeepSeek is slow"
severity = "warning"
metric = "provider_p95_s"
provider = "deepseek"
comparison = ">"
threshold = 60
window_s = 300
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def test_the_defaults_are_the_runbooks_six_alerts_and_a_log_that_stops() -> None:
    found = {
        rule.name: (rule.severity, rule.comparison, rule.threshold, rule.window_s, rule.hold_s)
        for rule in load_rules().rules
    }

    assert found == {
        "all_providers_exhausted": (Severity.CRITICAL, Comparison.ABOVE, 0, 60, 0),
        "all_circuits_open": (Severity.CRITICAL, Comparison.AT_LEAST, 1, 0, 300),
        "error_rate": (Severity.CRITICAL, Comparison.ABOVE, 0.10, 60, 300),
        "primary_circuit_open": (Severity.WARNING, Comparison.AT_LEAST, 1, 0, 0),
        "fallback_rate": (Severity.WARNING, Comparison.ABOVE, 0.25, 300, 0),
        "response_time_p95": (Severity.WARNING, Comparison.ABOVE, 10, 300, 0),
        "log_stale": (Severity.WARNING, Comparison.ABOVE, 600, 0, 0),
    }


def test_a_table_with_a_known_name_changes_only_its_fields(file: Path) -> None:
    file.write_text("[rule.error_rate]\nthreshold = 0.05\n")

    changed, usual = load_rules(file).named("error_rate"), load_rules().named("error_rate")

    assert changed.threshold == 0.05
    assert (changed.hold_s, changed.title, changed.metric) == (usual.hold_s, usual.title, usual.metric)


def test_a_table_with_a_new_name_is_a_rule_after_the_others(file: Path) -> None:
    file.write_text(OWN)

    rules = load_rules(file).rules

    assert len(rules) == len(load_rules().rules) + 1
    assert (rules[-1].name, rules[-1].metric, rules[-1].provider) == (
        "deepseek_slow",
        Metric.PROVIDER_P95_S,
        "deepseek",
    )


def test_a_rule_can_be_taken_out_and_the_burn_rate_switched_on(file: Path) -> None:
    file.write_text("[rule.log_stale]\nenabled = false\n[rule.error_budget_burn]\nenabled = true\n")

    names = [rule.name for rule in load_rules(file).rules]

    assert "log_stale" not in names
    assert "error_budget_burn" in names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("interval_s = 0", "interval_s must be a whole number from 1 to 300, got 0"),
        ("colour = 1", "must hold interval_s and tables [rule.NAME] only, got 'colour'"),
        (
            "[rule.Bad-Name]\nthreshold = 1",
            "a rule's name must be small letters, digits and _ (at most 63), got 'Bad-Name'",
        ),
        ("[rule.error_rate]\nthreshhold = 1", "rule error_rate: threshhold is no field of a rule"),
        (
            "[rule.error_rate]\nthreshold = 'much'",
            "rule error_rate: threshold must be a number from 0 to 1e+09, got 'much'",
        ),
        ("[rule.error_rate]\nthreshold = nan", "rule error_rate: threshold must be a number from 0 to 1e+09, got nan"),
        ("[rule.error_rate]\nthreshold = true", "rule error_rate: threshold must be a number"),
        (
            "[rule.error_rate]\nthreshold = 10",
            "rule error_rate: threshold must be from 0 to 1 for error_rate, got 10.0",
        ),
        ("[rule.error_rate]\nseverity = 'bad'", "severity must be one of 'critical', 'warning', got 'bad'"),
        ("[rule.error_rate]\nmetric = 'x'", "metric must be one of 'exhausted_requests', "),
        ("[rule.error_rate]\ncomparison = '=='", "comparison must be one of '>', '>=', '<', '<=', got '=='"),
        ("[rule.error_rate]\nwindow_s = 0", "window_s must be 1 or more for error_rate, got 0"),
        ("[rule.log_stale]\nwindow_s = 5", "window_s must be 0 for log_age_s, got 5"),
        ("[rule.error_rate]\nhold_s = 1.5", "hold_s must be a whole number from 0 to 86400, got 1.5"),
        ("[rule.error_rate]\nminimum_count = 0", "minimum_count must be a whole number from 1 to 1000000, got 0"),
        ("[rule.error_rate]\nprovider = 'openai'", "provider must be left out for error_rate, got 'openai'"),
        (OWN.replace('provider = "deepseek"', ""), "rule deepseek_slow: provider must be given for provider_p95_s"),
        (OWN.replace('"deepseek"', '"<b>"'), "provider must be a provider's name, got '<b>'"),
        (OWN.replace("threshold = 60", ""), "rule deepseek_slow: threshold must be given"),
        ("[rule.error_budget_burn]\nobjective = 1.0", "objective must be a number from 0 to 0.999999, got 1.0"),
        (
            "[rule.error_budget_burn]\nfast_window_s = 3600",
            "fast_window_s must be above 0 and below window_s for burn_rate",
        ),
        ('[rule.error_rate]\ntitle = "a\\u001Bb"', "title must be text of 1 to 60 printable characters, got 'a\\x1bb'"),
        ("[rule.error_rate]\nenabled = 1", "enabled must be true or false, got 1"),
        ("rule = 3", "rule must be tables [rule.NAME], got 3"),
        ("[rule.error_rate", "must be TOML, got"),
    ],
)
def test_what_is_wrong_is_named_with_file_rule_field_and_value(file: Path, text: str, said: str) -> None:
    file.write_text(text)

    with pytest.raises(RuleError, match=re.escape(said)) as caught:
        load_rules(file)

    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(RuleError, match=re.escape(f"{file} must be a readable TOML file, got No such file")):
        load_rules(file)


def test_the_page_lists_every_rule_and_every_field() -> None:
    file_text = (Path(__file__).parents[2] / "dashboard" / "alerts" / "rules.toml").read_text("utf-8")
    for name in re.findall(r"^\[rule\.(\w+)\]", file_text, re.MULTILINE):
        assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE), name
    table = PAGE.partition("| field | meaning |")[2].partition("\n\n")[0]
    for field in Rule.__dataclass_fields__:
        assert field == "name" or f"`{field}`" in table, field
    for metric in Metric:
        assert f"`{metric}`" in table, metric


def test_the_pages_example_is_a_rule_file(file: Path) -> None:
    file.write_text(PAGE.partition("```toml\n")[2].partition("```")[0])

    assert {"deepseek_slow", "error_budget_burn"} <= {rule.name for rule in load_rules(file).rules}
