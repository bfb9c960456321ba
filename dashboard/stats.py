"""The numbers of a log for a terminal: `python -m dashboard stats LOG...`, as a table or as JSON.

The document is made of the page's own metrics, so that both say the same.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from dashboard.ingest import Ingest
from dashboard.logs.instances import Instance, instances
from dashboard.settings import SettingsError, load, store_file
from dashboard.store import Store
from dashboard.window import Window
from resilience.events import utc_text

LONG_WORK_BYTES = 50 * 1024 * 1024
"""From so many bytes on, a terminal gets a progress bar."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.command("stats")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--since", metavar="T", help="UTC time (2026-03-02T10:00), or so long before the log's end (15m, 2h, 1d)."
)
@click.option("--until", metavar="T", help="Likewise; not included.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def stats_command(paths: tuple[str, ...], since: str | None, until: str | None, as_json: bool) -> None:
    """Success rates, fallbacks, response times and circuits of a log, its archives or patterns."""
    try:
        store = opened(paths, "stats-")
        found = document(store, since, until)
    except (SettingsError, StatsError) as exc:
        click.echo(f"error: {exc}", err=True)
        sys.exit(2)
    with safe_output():
        if as_json:
            sys.stdout.write(json.dumps(found, indent=2) + "\n")
        else:
            from dashboard.stats_table import rendered  # here: JSON needs no terminal library

            sys.stdout.write(rendered(found))
        sys.stdout.flush()


class StatsError(Exception):
    """A path or a time cannot be used; the message names it and the rule."""


def document(store: Store, since: str | None = None, until: str | None = None) -> dict[str, Any]:
    """The numbers of what the store holds from `since` to `until` (None: everything).

    Keys: window, events, rejects, providers, requests, fallbacks, guards, circuits, instances; docs/metrics.md says what
    each counts.
    Rates are 0..1, times in ms, unknown numbers None. Raises: StatsError for a time that cannot be read.
    """
    extent = store.extent()
    events, rejects = store.counts()
    if extent is None:
        extent = (datetime(1970, 1, 1, tzinfo=UTC),) * 2
    start = time_of("--since", since, extent[1]) or extent[0]
    end = time_of("--until", until, extent[1]) or extent[1] + timedelta(microseconds=1)
    if start >= end:
        raise StatsError(f"--since must be before --until, got {start.isoformat()} and {end.isoformat()}")
    window = Window.of(start, end)
    if since or until:
        events = store.event_count(window)
    return {
        "window": {"since": utc_text(start), "until": utc_text(end)},
        "events": events,
        "rejects": rejects,
        "providers": _by_name(store.rows("provider_summary", window)),
        "requests": _requests(store.rows("request_summary", window)[0]),
        "fallbacks": _fallbacks(store.rows("fallbacks_by_reason", window)),
        "guards": _guards(store.rows("guard_summary", window)[0], store.rows("guard_actions", window)),
        "circuits": _circuits(store, window, end),
        "instances": [_instance(found) for found in instances(store, window)],
    }


def opened(paths: Sequence[str], prefix: str, *, keeps_lines: bool = False) -> Store:
    """A store with what these logs hold now, and nothing else. prefix: of its file's name, for each use another.

    Raises: StatsError for a path that cannot be used, SettingsError.
    """
    for path in paths:
        check(path)
    # Not the page's store: that one keeps what was rotated away, and a running page holds its lock.
    file = store_file(replace(load(), logs=tuple(paths)))
    store = Store.open(file.with_name(f"{prefix}{file.name}"), keeps_lines=keeps_lines)
    if store.notice:
        click.echo(store.notice, err=True)
    with _progress(paths) as progress:
        status = Ingest(store, paths, follow=False, progress=progress).run_once()
    for source in status.sources:
        if source.note:
            click.echo(f"{source.path}: {source.note}", err=True)
    store.keep_only({source.source for source in status.sources})  # what these files hold now, and nothing else
    return store


def check(path: str) -> None:
    """Raises: StatsError for a path that is no readable file; a pattern passes."""
    if any(letter in path for letter in "*?["):
        return
    place = Path(path)
    if not place.exists():
        raise StatsError(f"{path} must be a log file, and there is no such file")
    if place.is_dir():
        raise StatsError(f"{path} must be a log file, and it is a folder: name its files, or a pattern like '{path}/*'")
    if not os.access(place, os.R_OK):
        raise StatsError(f"{path} must be readable, and this user may not read it")


@contextmanager
def _progress(paths: Sequence[str]) -> Iterator[Any]:
    size = sum(Path(path).stat().st_size for path in paths if Path(path).is_file())
    if size < LONG_WORK_BYTES or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=size)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def safe_output() -> Iterator[None]:
    """A reader that has seen enough (`| head`) is no error."""
    try:
        yield
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def time_of(option: str, text: str | None, end: datetime) -> datetime | None:
    """What --since or --until means, UTC; None for None. end: the log's. Raises: StatsError."""
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,9})([smhd])", text.strip())
    if ago is not None:
        return end - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        rule = "a UTC time like 2026-03-02T10:00:00, or a time before the log's end like 15m, 2h or 1d"
        raise StatsError(f"{option} must be {rule}, got {text!r}") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _by_name(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = ("success", "failed", "cancelled", "success_rate", "p50_ms", "p95_ms")
    return {
        # Every LLM_ATTEMPT line, as grep counts them; the rate leaves the cancelled ones out.
        row["provider"]: {"attempts": row["attempts"] + row["cancelled"]}
        | {name: _rounded(row[name]) for name in columns}
        for row in rows
    }


def _requests(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _rounded(value) for name, value in row.items()}


def _fallbacks(rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_reason: dict[str, int] = {}
    by_pair: dict[str, int] = {}
    for row in rows:
        reason = row["reason"] or "unknown"
        pair = f"{row['from_provider'] or 'unknown'}->{row['to_provider'] or 'unknown'}"
        by_reason[reason] = by_reason.get(reason, 0) + row["n"]
        by_pair[pair] = by_pair.get(pair, 0) + row["n"]
    return {"total": sum(by_reason.values()), "by_reason": by_reason, "by_pair": by_pair}


def _guards(summary: dict[str, Any], actions: list[dict[str, Any]]) -> dict[str, Any]:
    columns = ("guarded", "blocked", "p50_ms", "p95_ms", "guard_ms", "share_of_time")
    acted = [
        {"guard": row["guard"], "action": row["action"], "where": row["guard_where"]}
        | {"times": row["times"], "requests": row["requests"]}
        for row in actions
    ]
    return {name: _rounded(summary[name]) for name in columns} | {"actions": acted}


def _circuits(store: Store, window: Window, at: datetime) -> dict[str, Any]:
    intervals = sorted(store.rows("circuit_intervals", window, at), key=lambda row: row["start_at"])
    last = {row["provider"]: row["state"] for row in intervals}
    found: dict[str, Any] = {name: {"state": state, "transitions": []} for name, state in sorted(last.items())}
    for row in store.rows("circuit_transitions", window):
        circuit = found.setdefault(row["provider"], {"state": row["to_state"], "transitions": []})
        circuit["transitions"].append(
            {"at": utc_text(row["at"]), "from": row["from_state"], "to": row["to_state"], "cause": row["cause"]}
        )
    return found


def _instance(found: Instance) -> dict[str, Any]:
    return {
        "source": found.source,
        "names": list(found.names),
        "first": utc_text(found.first),
        "last": utc_text(found.last),
        "events": found.events,
        "skew_ms": _rounded(found.skew_ms),
        "skew_basis": found.basis,
        "set_back_ms": _rounded(found.set_back_ms),
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
