"""`python -m dashboard whatif LOG...`: the log's requests under another policy, as a table or as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from dashboard.ingest import Ingest
from dashboard.settings import SettingsError
from dashboard.stats import StatsError, check, safe_output, time_of
from dashboard.store import Store
from dashboard.whatif.options import axes_of, changes_of, order_of, short_of
from dashboard.whatif.prediction import DRAWS, Prediction, WhatIfError, predicted
from dashboard.whatif.reading import recorded_lives, recorded_pasts
from dashboard.whatif.sweep import SWEEP_DRAWS, Cell, swept
from resilience.events import utc_text
from resilience.replay import Life, Past, ReplayError, Reproduction, reproduced


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
    """The what-if as plain values; docs/whatif.md says what each key means.

    Raises: StatsError for paths and times, WhatIfError and ReplayError for settings, the order and the amount of work.
    """
    changes, axes = changes_of(pairs), axes_of(sweeps)
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
        lives = recorded_lives(store, since, until)
    finally:
        store.close()
    pasts = recorded_pasts(lives, since, until)
    chosen = order_of(order, _seen(pasts))
    policy = {"changes": {short_of(name): value for name, value in changes.items()}, "order": list(chosen)}
    head = {
        "window": {"since": since and utc_text(since), "until": until and utc_text(until)},
        "processes": len(pasts),
        "settings_known": all(past.in_force.known for past in pasts),
        # With a part of the log alone the circuits' beginnings are not there.
        "reproduction": _reproduction(lives) if since is None and until is None else None,
        "policy": policy,
    }
    if axes:
        cells = swept(pasts, axes, changes, chosen, draws=draws or SWEEP_DRAWS, seed=seed)
        names = [short_of(name) for name, _ in axes]
        return head | {
            "sweep": [_cell(names, cell) for cell in cells],
            **_told(cells[0].prediction, seed, numbers=False),
        }
    return head | _told(predicted(pasts, changes, chosen, draws=draws or DRAWS, seed=seed), seed)


def _seen(pasts: Sequence[Past]) -> set[str]:
    return {name for past in pasts for name in (*past.in_force.order, *past.attempts)}


def _told(found: Prediction, seed: int, *, numbers: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {"reality": _rounded(asdict(found.reality))}
    if numbers:
        told["predicted"] = {name: _rounded(asdict(each)) for name, each in found.numbers.items()}
        told["calls"] = _calls(found)
    return told | {"draws": found.draws, "seed": seed, "left_out": found.left_out}


def _calls(found: Prediction) -> dict[str, Any]:
    return _rounded({"happened": found.happened, "drawn": found.drawn, "unknown": found.unknown})


def _cell(names: Sequence[str], cell: Cell) -> dict[str, Any]:
    predicted_ = {name: _rounded(asdict(each)) for name, each in cell.prediction.numbers.items()}
    settings = dict(zip(names, cell.values, strict=True))
    return {"settings": settings, "predicted": predicted_, "calls": _calls(cell.prediction)}


def _reproduction(lives: Sequence[Life]) -> dict[str, Any]:
    found: list[Reproduction] = [reproduced(life) for life in lives]
    return {
        "transitions": sum(len(each.logged) for each in found),
        "exact": all(each.exact for each in found),
        "left_out": sum(each.left_out for each in found),
    }


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}
