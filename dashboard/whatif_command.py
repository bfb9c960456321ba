"""`python -m dashboard whatif LOG...`: the log's requests under another policy, as a table or as JSON."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from dashboard.ingest import Ingest
from dashboard.settings import SettingsError
from dashboard.stats import StatsError, check, safe_output, time_of
from dashboard.store import Store
from dashboard.whatif.choosing import chosen
from dashboard.whatif.document import document as answered
from dashboard.whatif.options import axes_of, changes_of
from dashboard.whatif.prediction import DRAWS, WhatIfError
from dashboard.whatif.question import Question
from dashboard.whatif.reading import lives_of
from dashboard.whatif.sweep import SWEEP_DRAWS
from resilience.replay import ReplayError


@click.command("whatif")
@click.argument("paths", nargs=-1, required=True)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A setting, like circuit_threshold=5.")
@click.option("--order", metavar="A,B,C", help="Another order of the chain, the primary first.")
@click.option("--sweep", "sweeps", multiple=True, metavar="NAME=V,V,...", help="A setting's values; at most two.")
@click.option("--since", metavar="T", help="UTC time (2026-03-02T10:00), or so long before the log's end (15m, 2h).")
@click.option("--until", metavar="T", help="Likewise; not included.")
@click.option("--draws", type=click.IntRange(1, 1000), help=f"Default {DRAWS}, in a sweep {SWEEP_DRAWS}.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def whatif_command(
    paths: tuple[str, ...],
    pairs: tuple[str, ...],
    order: str | None,
    sweeps: tuple[str, ...],
    since: str | None,
    until: str | None,
    draws: int | None,
    seed: int,
    as_json: bool,
) -> None:
    """What the log's requests would have met under other settings or another order, beside what they did meet.

    Without --set and --order: under their own policy, which gives reality back.
    """
    try:
        found = document(paths, pairs, order, sweeps, (since, until), draws, seed)
    except (SettingsError, StatsError, WhatIfError, ReplayError) as exc:
        click.echo(f"error: {exc}", err=True)
        sys.exit(2)
    with safe_output():
        if as_json:
            sys.stdout.write(json.dumps(found, indent=2) + "\n")
        else:
            from dashboard.whatif_table import rendered  # here: JSON needs no terminal library

            sys.stdout.write(rendered(found))
        sys.stdout.flush()


def document(
    paths: Sequence[str],
    pairs: Sequence[str] = (),
    order: str | None = None,
    sweeps: Sequence[str] = (),
    times: tuple[str | None, str | None] = (None, None),
    draws: int | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """The what-if over these logs as plain values.

    Raises: StatsError for paths and times, WhatIfError and ReplayError for settings, the order and the amount of work.
    """
    changes_of(pairs), axes_of(sweeps)  # a mistake is told before a long log is read
    for path in paths:
        check(path)
    store = Store.open(None)
    try:
        Ingest(store, paths, follow=False).run_once()
        extent = store.extent()
        since, until = (
            time_of(option, text, extent[1] if extent else datetime.now(UTC))
            for option, text in zip(("--since", "--until"), times, strict=True)
        )
        question = Question(tuple(pairs), order, tuple(sweeps), since, until, draws, seed)
        found = chosen(store, question)
        with found.lines(store) as lines:
            lives = lives_of(lines)
    finally:
        store.close()
    return answered(lives, found.question, found.quiet)
