"""One what-if for each value of a setting, or for each pair of two."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from dashboard.whatif.prediction import Prediction, amount, check_amount, predicted
from dashboard.whatif.summary import NO_WAITS, Waits
from resilience.replay import Past

SWEEP_DRAWS = 5
FEWEST_SWEEP_DRAWS = 3
"""As FEWEST_DRAWS."""

Axes = Sequence[tuple[str, Sequence[str]]]
"""Settings by variable, each with its values as text."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of a sweep: the values of its settings, in the order of the axes, and what they would have brought."""

    values: tuple[str, ...]
    prediction: Prediction


def swept(
    pasts: Sequence[Past],
    axes: Axes,
    changes: Mapping[str, str],
    order: Sequence[str] = (),
    *,
    draws: int = SWEEP_DRAWS,
    seed: int = 1,
    quiet: Waits = NO_WAITS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Cell, ...]:
    """Every combination, the first axis slowest. All cells meet the same draws, so that they differ by policy alone.

    quiet: as in predicted; progress: called with the draws made and those to make, of all points together.
    Raises: WhatIfError for more than MOST_REQUESTS in all; ReplayError for settings that break a rule.
    """
    points = list(product(*(values for _, values in axes)))
    check_amount(amount(pasts, quiet), draws, len(points))
    names = [variable for variable, _ in axes]
    cells = []
    for number, point in enumerate(points):
        settings = {**changes, **dict(zip(names, point, strict=True))}
        told = progress and partial(_told, progress, number * draws, len(points) * draws)
        cells.append(Cell(point, predicted(pasts, settings, order, draws=draws, seed=seed, quiet=quiet, progress=told)))
    return tuple(cells)


def _told(progress: Callable[[int, int], None], before: int, total: int, made: int) -> None:
    progress(before + made, total)
