"""The rules' numbers over a stretch of time, thinned out to what a sparkline shows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from dashboard.alerts.history import History
from dashboard.alerts.measure import measured
from dashboard.alerts.rule import Rules

POINTS = 40


@dataclass(frozen=True, slots=True)
class Spark:
    """A rule's values, oldest first, None without data; the last with its count."""

    values: tuple[float | None, ...]
    count: int

    @property
    def value(self) -> float | None:
        """The newest value."""
        return self.values[-1] if self.values else None


def spark_moments(start: datetime, until: datetime, interval_s: int) -> list[datetime]:
    """At most POINTS moments of the rules' grid from start to `until`, evenly apart, the last of the grid among them."""
    last_s = math.floor(until.timestamp() / interval_s) * interval_s
    length_s = max(0.0, last_s - start.timestamp())
    step_s = max(1, math.ceil(length_s / interval_s / (POINTS - 1))) * interval_s
    count = min(POINTS, int(length_s // step_s) + 1)
    return [datetime.fromtimestamp(last_s - step_s * back, UTC) for back in range(count)][::-1]


def sparks(rules: Rules, history: History, moments: list[datetime]) -> Mapping[str, Spark]:
    """Each rule's numbers at the moments, by its name. history: what the log says up to the last of them."""
    at_us = np.array([int(at.timestamp()) * 1_000_000 for at in moments], np.int64)
    found = {}
    for rule in rules.rules:
        numbers = measured(rule, history, at_us)
        values = tuple(round(value, 6) if value == value else None for value in numbers.value.tolist())  # NaN: no data
        found[rule.name] = Spark(values, int(numbers.count[-1]) if len(moments) else 0)
    return found
