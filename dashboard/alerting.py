"""`python -m dashboard alerts | silence | acknowledge`: where the rules stand now, and who looks after what."""

import getpass
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from dashboard.alerts import ledger as ledgers
from dashboard.alerts.ledger import Ledger, ledger_file, read_ledger
from dashboard.alerts.rulefile import RuleError, load_rules
from dashboard.alerts.silences import SilenceError, duration
from dashboard.alerts.words import stamp
from dashboard.inert import inert
from dashboard.live.span import parse_utc
from dashboard.notify.watching import utc_now
from dashboard.settings import Settings, SettingsError, load, store_file
from dashboard.standing import document, stamp_or_none, standing
from dashboard.stats import StatsError

F = TypeVar("F", bound=Callable[..., Any])


def _doing(command: F) -> F:
    """The options of whoever does something."""
    command = click.option("--reason", required=True, help="Why, for the others: 1 to 200 characters.")(command)
    return click.option("--actor", help="Who; without it the name of this user.")(command)


def _logs(command: F) -> F:
    words = "Log file or pattern, as for `watch`; may be given several times (default: METIS_DASHBOARD_LOG)."
    return click.option("--log", "logs", multiple=True, metavar="PATH", help=words)(command)


@click.command("alerts")
@click.argument("paths", metavar="[LOG]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def alerts_command(paths: tuple[str, ...], as_json: bool) -> None:
    """Where each alert rule stands now, and the silences in force. Evaluates the logs; needs no `watch`."""
    with _errors():
        settings = _settings(paths)
        found = document(standing(settings, utc_now()))
        if as_json:
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        else:
            from dashboard.alerts_table import rendered  # here: JSON needs no terminal library

            click.echo(rendered(found), nl=False)


@click.group("silence")
def silence_command() -> None:
    """Keep quiet about alerts for a time: they are evaluated and shown as ever, but not sent."""


@silence_command.command("start")
@click.argument("matcher")
@click.option("--for", "length", metavar="TIME", help="How long: 30m, 2h, 1d; at most 30d.")
@click.option("--until", metavar="T", help="Or until this UTC time (2026-03-02T10:00).")
@_doing
@_logs
def start_command(
    matcher: str, length: str | None, until: str | None, actor: str | None, reason: str, logs: tuple[str, ...]
) -> None:
    """Begin a silence. MATCHER: a rule's name, `critical`, `warning`, or `*` for everything."""
    with _errors():
        settings = _settings(logs)
        now = utc_now()
        end = _end(length, until, now)
        new = ledgers.silence(_file(settings), load_rules(settings.rules), matcher, end, _who(actor), reason, now)
        click.echo(f"silence {new.id}: {matcher} until {stamp(end)}")


@silence_command.command("end")
@click.argument("silence_id", metavar="ID")
@_doing
@_logs
def end_command(silence_id: str, actor: str | None, reason: str, logs: tuple[str, ...]) -> None:
    """End a silence before its time. What still fires is sent then."""
    with _errors():
        try:
            ledgers.end_silence(_file(_settings(logs)), silence_id, _who(actor), reason)
        except KeyError:
            raise SilenceError(
                f"ID must be of a silence that is in force (`silence list`), got {silence_id!r}"
            ) from None
        click.echo(f"silence {silence_id} is over")


@silence_command.command("list")
@click.option("--audit", is_flag=True, help="Everything that was ever done, acknowledgements too.")
@_logs
def list_command(audit: bool, logs: tuple[str, ...]) -> None:
    """The silences in force; with --audit all that was done, oldest first."""
    with _errors():
        found = read_ledger(_file(_settings(logs)))
        for note in found.notes:
            click.echo(note, err=True)
        for line in _audit(found) if audit else _in_force(found, utc_now()):
            click.echo(line)


@click.command("acknowledge")
@click.argument("rule")
@_doing
@_logs
def acknowledge_command(rule: str, actor: str | None, reason: str, logs: tuple[str, ...]) -> None:
    """Say that somebody looks after the alert of RULE, until it is resolved."""
    with _errors():
        settings = _settings(logs)
        alert = standing(settings, utc_now()).evaluation.alerts.get(rule)
        if alert is None or alert.firing_at is None:
            raise SilenceError(f"RULE must be one whose alert fires (`alerts` lists them), got {rule!r}")
        ledgers.acknowledge(_file(settings), rule, alert.firing_at, _who(actor), reason)
        click.echo(f"acknowledged: {rule}, firing since {stamp(alert.firing_at)}")


def _in_force(found: Ledger, now: datetime) -> Iterator[str]:
    for silence in found.silences:
        if silence.in_force(now):
            who = inert(f"{silence.actor}: {silence.reason}")
            yield f"{silence.id}  {inert(silence.matcher)}  until {stamp(silence.until)}  {who}"


def _audit(found: Ledger) -> Iterator[str]:
    for entry in found.entries:
        what = {
            "silence": f"silence {entry.id} of {entry.matcher} until {stamp_or_none(entry.until)}",
            "end_silence": f"end of silence {entry.id}",
            "acknowledge": f"acknowledgement of {entry.rule}, firing since {stamp_or_none(entry.firing_at)}",
        }[entry.kind]
        yield inert(f"{stamp(entry.at)}  {entry.actor}  {what}: {entry.reason}")


def _end(length: str | None, until: str | None, now: datetime) -> datetime:
    if (length is None) == (until is None):
        raise SilenceError("a silence needs either --for or --until")
    if length is not None:
        return now + duration(length)
    end = parse_utc(until or "")
    if end is None:
        raise SilenceError(f"--until must be a UTC time such as 2026-03-02T10:00, got {until!r}")
    return end


def _settings(paths: Sequence[str]) -> Settings:
    settings = load()
    return replace(settings, logs=tuple(paths)) if paths else settings


def _file(settings: Settings) -> Path:
    return ledger_file(store_file(settings))


def _who(actor: str | None) -> str:
    if actor is not None:
        return actor
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise SilenceError("--actor must be given: this user has no name") from None


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (SettingsError, RuleError, StatsError, SilenceError) as exc:
        click.echo(f"error: {exc}", err=True)
        sys.exit(2)
    except OSError as exc:
        click.echo(f"error: {exc.filename or 'a file'} cannot be used ({exc.strerror})", err=True)
        sys.exit(1)
