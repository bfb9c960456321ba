"""`python -m dashboard report LOG...`: lists the incidents of a log, or writes one as Markdown, HTML and archive."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from dashboard.alerts.ledger import Entry, ledger_file, read_ledger
from dashboard.alerts.rulefile import RuleError, load_rules
from dashboard.incidents import words
from dashboard.incidents.incident import Incident
from dashboard.incidents.notes import NoteError, notes_file, notes_of, read_notes
from dashboard.incidents.reading import incidents, past_episodes, ranged
from dashboard.report.files import documents
from dashboard.settings import SettingsError, load, store_file
from dashboard.stats import StatsError, opened, time_of


@click.command("report")
@click.argument("paths", nargs=-1, required=True)
@click.option("--list", "listed", is_flag=True, help="Only list the incidents.")
@click.option("--incident", type=click.IntRange(1), metavar="N", help="Which one, by its number in the list.")
@click.option("--since", metavar="T", help="Instead: a range. UTC time, or so long before the log's end (15m, 2h, 1d).")
@click.option("--until", metavar="T", help="Likewise.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder for the files.")
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    envvar="METIS_DASHBOARD_RULES",
    help="Alert rules over the default ones (TOML).",
)
@click.option(
    "--ledger",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Silences and acknowledgements, where the file is not the page's own for these logs.",
)
def report_command(
    paths: tuple[str, ...],
    listed: bool,
    incident: int | None,
    since: str | None,
    until: str | None,
    out: Path,
    rules: Path | None,
    ledger: Path | None,
) -> None:
    """A post-mortem of an incident: Markdown, one HTML page that works offline, and an archive with the evidence."""
    try:
        _report(paths, listed, incident, since, until, out, rules, ledger)
    except (SettingsError, StatsError, RuleError, NoteError, ReportError) as exc:
        click.echo(f"error: {exc}", err=True)
        sys.exit(2)


class ReportError(Exception):
    """There is no such incident, or the files cannot be written; the message says what to do."""


def _report(
    paths: tuple[str, ...],
    listed: bool,
    number: int | None,
    since: str | None,
    until: str | None,
    out: Path,
    rules_path: Path | None,
    ledger: Path | None,
) -> None:
    rules = load_rules(rules_path)
    index = store_file(replace(load(), logs=paths))
    kept = _kept(ledger or ledger_file(index))
    store = opened(paths, "report-", keeps_lines=True)
    try:
        extent = store.extent()
        if extent is None:
            raise ReportError("the log has no event")
        fired = past_episodes(store, rules)
        found = incidents(store, rules, fired, kept)
        if listed:
            click.echo("\n".join(map(_line, found)) or "No incident.")
            return
        if since or until:
            start = time_of("--since", since, extent[1]) or extent[0]
            end = time_of("--until", until, extent[1]) or extent[1]
            if start >= end:
                raise ReportError(f"--since must be before --until, got {words.clock(start)} and {words.clock(end)}")
            chosen = ranged(store, rules, fired, start, end, kept)
        else:
            chosen = _chosen(found, number)
        _write(documents(store, rules, chosen, notes_of(read_notes(notes_file(index)), chosen)), out)
    finally:
        store.close()


def _kept(path: Path) -> tuple[Entry, ...] | None:
    """What the ledger of the alerts says, None without one."""
    try:
        found = read_ledger(path)
    except OSError as exc:
        raise ReportError(f"{path} must be readable: {exc.strerror}") from exc
    for note in found.notes:
        click.echo(note, err=True)
    return found.entries if found.there else None


def _line(incident: Incident) -> str:
    severity = "critical" if incident.critical else "warning "
    times = f"{words.clock(incident.start_at)}  {severity}  {words.state(incident)}"
    return f"{incident.number:>3}  {times}  {words.name(incident)}"


def _chosen(found: Sequence[Incident], number: int | None) -> Incident:
    if not found:
        raise ReportError("no incident in this log; --since and --until make a report of a range")
    if number is None and len(found) > 1:
        raise ReportError(f"there are {len(found)} incidents: name one by --incident N, --list shows them")
    if number is not None and number > len(found):
        raise ReportError(f"--incident must be from 1 to {len(found)}, got {number}; --list shows them")
    return found[0 if number is None else number - 1]


def _write(files: Mapping[str, bytes], out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
            click.echo(str(out / name))
    except OSError as exc:
        raise ReportError(f"{out} must be a folder that can be written: {exc.strerror}") from exc
