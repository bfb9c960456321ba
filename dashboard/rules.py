"""The alert rules in a terminal: `python -m dashboard rules`, as a table or as Prometheus's rule file."""

import sys
from pathlib import Path

import click

from dashboard.alerts.prometheus import rule_file
from dashboard.alerts.rule import Rule, Rules
from dashboard.alerts.rulefile import RuleError, load_rules


@click.command("rules")
@click.option("--prometheus", "as_prometheus", is_flag=True, help="A rule file for Prometheus instead of a table.")
@click.option(
    "--rules",
    "path",
    type=click.Path(path_type=Path),
    envvar="METIS_DASHBOARD_RULES",
    help="Your rules over the defaults, a TOML file; docs/alerts.md.",
)
def rules_command(path: Path | None, as_prometheus: bool) -> None:
    """The alert rules that are on, those of your file checked."""
    try:
        rules = load_rules(path)
    except RuleError as exc:
        click.echo(f"error: {exc}", err=True)
        sys.exit(2)
    click.echo(rule_file(rules) if as_prometheus else table(rules), nl=False)


def table(rules: Rules) -> str:
    """One line per rule, in columns as wide as their words."""
    head = ("rule", "severity", "condition", "over", "for", "keeps firing", "at least")
    rows = [head, *(_row(rule) for rule in rules.rules)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, f"{len(rules.rules)} rules, evaluated every {rules.interval_s} s"]) + "\n"


def _row(rule: Rule) -> tuple[str, ...]:
    whose = f" of {rule.provider}" if rule.provider else ""
    windows = [f"{seconds} s" for seconds in (rule.window_s, rule.fast_window_s) if seconds]
    return (
        rule.name,
        rule.severity,
        f"{rule.metric}{whose} {rule.comparison} {rule.threshold:g}",
        " and ".join(windows) or "now",
        f"{rule.hold_s} s" if rule.hold_s else "at once",
        f"{rule.keep_firing_s} s" if rule.keep_firing_s else "",
        str(rule.minimum_count) if rule.window_s else "",
    )
