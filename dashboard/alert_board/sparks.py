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
    """At most POINTS moments of the rules' grid from start to `until`, evenly apart.

    They lie on multiples of their distance, so that they stay the same while `until` moves on by less.
    """
    step_s = max(1, math.ceil((until - start).total_seconds() / interval_s / (POINTS - 1))) * interval_s
    first_s, last_s = math.ceil(start.timestamp() / step_s), math.floor(until.timestamp() / step_s)
    return [datetime.fromtimestamp(place * step_s, UTC) for place in range(first_s, last_s + 1)]


def moment_before(until: datetime, interval_s: int) -> datetime:
    """The last moment of the rules' grid up to `until`."""
    return datetime.fromtimestamp(math.floor(until.timestamp() / interval_s) * interval_s, UTC)


def sparks(rules: Rules, history: History, moments: list[datetime]) -> Mapping[str, Spark]:
    """Each rule's numbers at the moments, by its name. history: what the log says up to the last of them."""
    at_us = np.array([int(at.timestamp()) * 1_000_000 for at in moments], np.int64)
    found = {}
    for rule in rules.rules:
        numbers = measured(rule, history, at_us)
        values = tuple(round(value, 6) if value == value else None for value in numbers.value.tolist())  # NaN: no data
        found[rule.name] = Spark(values, int(numbers.count[-1]) if len(moments) else 0)
    return found
