"""A what-if as plain values: the same for a terminal, for programs and for the page; docs/whatif.md explains the keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dashboard.whatif.options import axes_of, changes_of, order_of, short_of
from dashboard.whatif.prediction import DRAWS, Prediction, predicted
from dashboard.whatif.question import Question
from dashboard.whatif.reading import recorded_pasts
from dashboard.whatif.summary import NO_WAITS, Waits
from dashboard.whatif.sweep import SWEEP_DRAWS, Cell, swept
from resilience.events import utc_text
from resilience.replay import Life, Past, Reproduction, reproduced


def document(
    lives: tuple[Life, ...],
    question: Question,
    quiet: Waits = NO_WAITS,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """The answer to a question about these lives.

    quiet: of requests that are counted as they were, whose lines are not in the lives. progress: called with the draws made
    and those to make. Raises: WhatIfError and ReplayError for settings, the order and the amount of work.
    """
    since, until, seed = question.since, question.until, question.seed
    changes, axes = changes_of(question.pairs), axes_of(question.sweeps)
    pasts = recorded_pasts(lives, since, until)
    chosen = order_of(question.order, _seen(pasts))
    policy = {"changes": {short_of(name): value for name, value in changes.items()}, "order": list(chosen)}
    head = {
        "window": {"since": since and utc_text(since), "until": until and utc_text(until)},
        "processes": len(pasts),
        "settings_known": all(past.in_force.known for past in pasts),
        # With a part of the log alone the circuits' beginnings are not there, or calls that closed them.
        "reproduction": _reproduction(lives) if since is None and until is None and not len(quiet) else None,
        "policy": policy,
    }
    if axes:
        draws = question.draws or SWEEP_DRAWS
        cells = swept(pasts, axes, changes, chosen, draws=draws, seed=seed, quiet=quiet, progress=progress)
        names = [short_of(name) for name, _ in axes]
        return head | {
            "sweep": [_cell(names, cell) for cell in cells],
            **_told(cells[0].prediction, seed, numbers=False),
        }
    draws = question.draws or DRAWS
    found = predicted(
        pasts,
        changes,
        chosen,
        draws=draws,
        seed=seed,
        quiet=quiet,
        progress=progress and (lambda made: progress(made, draws)),
    )
    return head | _told(found, seed)


def _seen(pasts: Sequence[Past]) -> set[str]:
    return {name for past in pasts for name in (*past.in_force.order, *past.attempts)}


def _told(found: Prediction, seed: int, *, numbers: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {"reality": _rounded(asdict(found.reality))}
    if numbers:
        told["predicted"] = {name: _rounded(asdict(each)) for name, each in found.numbers.items()}
        told["calls"] = _calls(found)
    return told | {"draws": found.draws, "seed": seed, "left_out": found.left_out, "quiet": found.quiet}


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
