"""How many attacks the injection firewall finds, how many ordinary texts it takes for one, and what a check costs.

Rows: {"text": str, "label": 1 for an attack or 0, "src": where it comes from, "kind": "direct" (what a user writes), "indirect" (an
attack planted in a document) or "context" (a document)}. Ordinary texts are those without an attack, but for the ones of NotInject,
which are written to look like attacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resilience.guards.evaluation.cost import growth, median_ms, worst
from resilience.guards.evaluation.report import Report, Target
from resilience.guards.injection import BLOCK, FLAG, check

HARD, PLANTED = "NotInject", "planted-override"
COLUMNS = ("source", "texts", "flagged", "blocked", "wanted")


@dataclass(frozen=True, slots=True)
class _Checked:
    attack: bool
    source: str
    kind: str
    score: float


def evaluate(rows: Sequence[Mapping[str, Any]]) -> Report:
    """The share of texts flagged and blocked, by source, and the cost of one check.

    Raises: ValueError naming row, key and rule.
    """
    found = shares(rows)
    costs = _costs([row["text"] for row in rows])
    table = [(target.name, "", "", "", f"{target.value:.1f}, at most {target.high}") for target in costs]
    return Report(found.title, found.columns, (*found.rows, *table), (*found.targets, *costs))


def shares(rows: Sequence[Mapping[str, Any]]) -> Report:
    """What `evaluate` gives, without the costs, which take a few seconds.

    Raises: ValueError naming row, key and rule.
    """
    for number, row in enumerate(rows, 1):
        _check_row(number, row)
    checked = [_Checked(row["label"] == 1, row["src"], row["kind"], check(row["text"]).score) for row in rows]
    sources = sorted({(one.attack, one.source) for one in checked}, reverse=True)
    table = tuple(_row(source, attack, checked) for attack, source in sources)
    return Report("Injection firewall", COLUMNS, table, _targets(checked))


def _row(source: str, attack: bool, checked: Sequence[_Checked]) -> tuple[str | int | float, ...]:
    group = [one for one in checked if (one.attack, one.source) == (attack, source)]
    return (source, len(group), _share(group, FLAG) or 0.0, _share(group, BLOCK) or 0.0, "all" if attack else "none")


def _targets(checked: Sequence[_Checked]) -> tuple[Target, ...]:
    def group(belongs: Callable[[_Checked], bool]) -> list[_Checked]:
        return [one for one in checked if belongs(one)]

    ordinary = group(lambda one: not one.attack and one.source != HARD)
    return (
        Target("direct attacks found", _share(group(lambda one: one.attack and one.kind == "direct"), FLAG), low=0.7),
        Target("planted orders found", _share(group(lambda one: one.source == PLANTED), FLAG), low=0.66),
        Target("ordinary texts flagged", _share(ordinary, FLAG), high=0.01),
        Target("ordinary texts blocked", _share(ordinary, BLOCK), high=0.0),
        Target("harmless look-alikes flagged", _share(group(lambda one: one.source == HARD), FLAG), high=0.02),
    )


def _share(group: Sequence[_Checked], score: float) -> float | None:
    return sum(one.score >= score for one in group) / len(group) if group else None


def _costs(texts: Sequence[str]) -> tuple[Target, ...]:
    if not any(texts):
        return ()
    return (
        Target("median ms for 2 KB", median_ms(check, texts), high=4.0),
        Target("cost per character, 200 KB to 20 KB", growth(check, texts), high=2.0),
        Target("worst ms for 20 KB", worst(check).ms, high=50.0),
    )


def _check_row(number: int, row: Mapping[str, Any]) -> None:
    for key in ("text", "src", "kind"):
        if not isinstance(row.get(key), str):
            raise ValueError(f"row {number}: {key} must be a string, got {type(row.get(key)).__name__}")
    if row.get("label") not in (0, 1):
        raise ValueError(f"row {number}: label must be 0 or 1, got {row.get('label')!r:.80}")
