"""`python -m resilience guards evaluate DATA`: what the guards find and miss on labelled texts, and what it costs."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from resilience.guards.evaluation.report import Report

Evaluate = Callable[[Sequence[Mapping[str, Any]]], Report]

BY_NAME: Mapping[str, str] = {
    "pii": "resilience.guards.evaluation.pii",
    "inj": "resilience.guards.evaluation.injection",
    "grounding": "resilience.guards.evaluation.grounding",
}
"""What a file's name begins with, and the module for its rows, imported when it is needed; docs/security.md describes the rows."""


@click.group("guards")
def guards_command() -> None:
    """The guards: personal data, injected instructions, answers without ground."""


@guards_command.command("evaluate")
@click.argument("data", type=click.Path(path_type=Path, exists=True))
def evaluate_command(data: Path) -> None:
    """Measure the guards on DATA: a folder, or one file named pii*.jsonl, inj*.jsonl or grounding*.jsonl.

    Ends with status 1 if a promised figure is not reached.
    """
    found = [(path, evaluate) for path in _files(data) if (evaluate := _evaluate_of(path)) is not None]
    if not found:
        raise click.UsageError(f"{data} must hold files named {', '.join(f'{name}*.jsonl' for name in BY_NAME)}")
    missed = False
    for path, evaluate in found:
        try:
            report = evaluate(rows_in(path))
        except ValueError as exc:
            raise click.ClickException(f"{path}: {exc}") from exc
        click.echo("\n".join(lines_of(report, path.name)) + "\n")
        missed = missed or any(target.met is False for target in report.targets)
    sys.exit(1 if missed else 0)


def rows_in(path: Path) -> list[Mapping[str, Any]]:
    """The file's objects, one per line. Raises ValueError, which names the line."""
    rows: list[Mapping[str, Any]] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise ValueError(f"line {number} must be a JSON object")
            rows.append(row)
    return rows


def lines_of(report: Report, name: str) -> Iterator[str]:
    """The report for a terminal: a table, then each promised figure with what it is."""
    table = [report.columns, *(tuple(map(_text, row)) for row in report.rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(report.columns))]
    yield f"{report.title} ({name})"
    for row in table:
        cells = [cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in _cells(row, widths)]
        yield "  " + "  ".join(cells).rstrip()
    for target in report.targets:
        bounds = [f"at least {target.low:g}"] if target.low is not None else []
        bounds += [f"at most {target.high:g}"] if target.high is not None else []
        verdict = {True: "met", False: "MISSED", None: "no data"}[target.met]
        value = "unknown" if target.value is None else _text(target.value)
        yield f"  {verdict:<8}{target.name}: {value} ({', '.join(bounds)})"


def _cells(row: Sequence[str], widths: Sequence[int]) -> Iterator[tuple[int, tuple[str, int]]]:
    return iter(enumerate(zip(row, widths, strict=True)))


def _text(value: str | float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _files(data: Path) -> list[Path]:
    return sorted(data.glob("*.jsonl")) if data.is_dir() else [data]


def _evaluate_of(path: Path) -> Evaluate | None:
    module = next((module for name, module in BY_NAME.items() if path.name.startswith(name)), None)
    evaluate: Evaluate | None = None if module is None else import_module(module).evaluate
    return evaluate
