"""One card per provider, in chain order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard import theme
from dashboard.inert import provider_label
from dashboard.live.circuits import CircuitNow
from dashboard.live.words import reason_word
from dashboard.traces import LOW_COUNT
from dashboard.window import Window

SPARK_POINTS = 40


@dataclass(frozen=True, slots=True)
class Card:
    """What a provider's card shows. Rates and times are of the window, the circuit is of now.

    success_rate: 0..1, of `ended` attempts; p95_s: seconds; spark: success rate over the window, oldest first,
    None where no attempt ended; wide marks such as `low_count` say how far to trust a number.
    """

    position: int
    provider: str
    color: str
    primary: bool
    circuit: CircuitNow
    success_rate: float | None
    ended: int
    low_count: bool
    p95_s: float | None
    last_reason: str | None
    last_failed_at: datetime | None
    spark: tuple[float | None, ...]


def cards(
    circuits: Mapping[str, CircuitNow], summary: pd.DataFrame, attempts: pd.DataFrame, window: Window
) -> tuple[Card, ...]:
    """Cards in the order of `circuits`; the first provider is the primary.

    summary, attempts: metrics.provider_summary and attempts_by_bucket of the window.
    """
    rows = {row["provider"]: row for row in summary.to_dict("records")}
    colors = theme.provider_colors(circuits)
    return tuple(
        _card(i, provider, colors[provider], circuit, rows.get(provider, {}), attempts, window)
        for i, (provider, circuit) in enumerate(circuits.items())
    )


def _card(
    index: int,
    provider: str,
    color: str,
    circuit: CircuitNow,
    row: Mapping[Any, Any],
    attempts: pd.DataFrame,
    window: Window,
) -> Card:
    ended = int(row.get("success", 0)) + int(row.get("failed", 0))
    p95_ms, failed_at, reason = _known(row, "p95_ms"), _known(row, "last_failed_at"), _known(row, "last_reason")
    return Card(
        position=index + 1,
        provider=provider_label(provider),
        color=color,
        primary=index == 0,
        circuit=circuit,
        success_rate=_known(row, "success_rate"),
        ended=ended,
        low_count=ended < LOW_COUNT,
        p95_s=None if p95_ms is None else float(p95_ms) / 1000,
        last_reason=None if reason is None else reason_word(reason),
        last_failed_at=None if failed_at is None else pd.Timestamp(failed_at).to_pydatetime(),
        spark=_spark(attempts[attempts["provider"] == provider], window),
    )


def _spark(own: pd.DataFrame, window: Window) -> tuple[float | None, ...]:
    length = (window.end - window.start) / SPARK_POINTS
    slot = ((own["bucket_at"] - window.start) // length).clip(0, SPARK_POINTS - 1)
    sums = own.groupby(slot)[["success", "failed"]].sum()
    rates = sums["success"] / (sums["success"] + sums["failed"])
    in_slots = rates.reindex(range(SPARK_POINTS)).tolist()
    return tuple(None if pd.isna(rate) else round(float(rate), 3) for rate in in_slots)


def _known(row: Mapping[Any, Any], column: str) -> Any:
    value = row.get(column)
    return None if value is None or pd.isna(value) else value
