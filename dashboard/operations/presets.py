"""The runbook's orders, and any order made to fit what a chain may hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PRESETS: Mapping[str, tuple[str, ...]] = {
    "Primary first": ("openrouter", "anthropic", "deepseek", "openai"),
    "Most reliable first": ("anthropic", "openrouter", "deepseek", "openai"),
    "Cheapest first": ("deepseek", "anthropic", "openrouter", "openai"),
    "Known good (emergency)": ("anthropic", "openai", "deepseek", "openrouter"),
}
"""Runbook, "4. Force Provider Fallback Order" and "Incident: Primary Provider Down"."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """An order that can be asked for. note: what was left out and what was added, empty if nothing was."""

    order: tuple[str, ...]
    note: str


def fitted(wanted: Iterable[str], available: Sequence[str], present: Sequence[str]) -> Fitted:
    """`wanted` without names that are not available, and with those of the present order that it does not name."""
    known = dict.fromkeys(wanted)
    order = [name for name in known if name in available]
    missing = [name for name in known if name not in available]
    added = [name for name in present if name not in known and name in available]
    said = []
    if missing:
        said.append(f"{len(missing)} left out, not available: {', '.join(missing)}")
    if added:
        said.append(f"appended, because the chain has more: {', '.join(added)}")
    return Fitted((*order, *added), "; ".join(said))


def with_first(provider: str, order: Sequence[str]) -> tuple[str, ...]:
    """The order with that provider at its head."""
    return (provider, *(name for name in order if name != provider))


def chosen(value: object, available: Sequence[str]) -> tuple[str, ...] | None:
    """An order that came from a browser or a link: different available names, at least one; None for anything else."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not value or not all(isinstance(name, str) for name in value):
        return None
    return tuple(value) if len(set(value)) == len(value) and set(value) <= set(available) else None
