"""Why the chain moved on, from whom to whom, and what the runbook says about it."""

from dataclasses import dataclass

import pandas as pd

from dashboard.inert import provider_label
from dashboard.live.words import Advice, advice, reason_word


@dataclass(frozen=True, slots=True)
class Hop:
    """Fallbacks from one provider to another; None where the line does not say."""

    from_provider: str | None
    to_provider: str | None
    n: int


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """One reason: how many fallbacks, their share of all (0..1), the hops, HTTP statuses seen, and the advice."""

    reason: str
    n: int
    share: float
    hops: tuple[Hop, ...]
    statuses: tuple[int, ...]
    advice: Advice


def reasons(fallbacks: pd.DataFrame, failures: pd.DataFrame) -> tuple[ReasonRow, ...]:
    """Reasons by number of fallbacks, most first.

    fallbacks, failures: metrics.fallbacks_by_reason and failures_by_reason of the window.
    """
    total = int(fallbacks["n"].sum())
    found = [
        _row(reason, rows, failures[failures["reason"] == reason], total)
        for reason, rows in fallbacks.groupby("reason", dropna=False)
    ]
    return tuple(sorted(found, key=lambda row: -row.n))


def _row(reason: object, rows: pd.DataFrame, failures: pd.DataFrame, total: int) -> ReasonRow:
    ordered = rows.sort_values("n", ascending=False)
    hops = tuple(
        Hop(_name(a), _name(b), int(n))
        for a, b, n in zip(ordered["from_provider"], ordered["to_provider"], ordered["n"], strict=True)
    )
    n = int(ordered["n"].sum())
    statuses = tuple(sorted({int(s) for s in failures["http_status"].dropna()}))
    return ReasonRow(reason_word(reason), n, n / total, hops, statuses, advice(reason))


def _name(provider: object) -> str | None:
    return provider_label(provider) if isinstance(provider, str) else None
