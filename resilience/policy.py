"""The numbers that shape a request, validated when they are created.

Each class is a frozen value. A number out of range raises PolicyError, which names field, rule and value.
The ranges are wide on purpose: they refuse what cannot work, not what is unwise.
"""

import math
from dataclasses import dataclass

from resilience.errors import PolicyError


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a provider's circuit opens, and how it finds back.

    threshold: consecutive failures that open it; cooldown_s: seconds in OPEN before a probe;
    probes: calls admitted at once in HALF_OPEN; probe_timeout_s: after this long a probe that has not
    come back counts as failed and its slot is free again.
    """

    threshold: int = 3
    cooldown_s: float = 60.0
    probes: int = 1
    probe_timeout_s: float = 90.0

    def __post_init__(self) -> None:
        _whole("threshold", self.threshold, 1, 1000)
        _number("cooldown_s", self.cooldown_s, 0.001, 86_400)
        _whole("probes", self.probes, 1, 100)
        _number("probe_timeout_s", self.probe_timeout_s, 0.001, 86_400)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast one provider is tried again.

    max_retries: tries after the first (0 = one attempt only); base_delay_s: upper end of the first wait,
    doubled for each further one; max_delay_s: the longest wait.
    """

    max_retries: int = 3
    base_delay_s: float = 1.0
    max_delay_s: float = 30.0

    def __post_init__(self) -> None:
        _whole("max_retries", self.max_retries, 0, 20)
        _number("base_delay_s", self.base_delay_s, 0.0, 300)
        _number("max_delay_s", self.max_delay_s, 0.0, 3600)


@dataclass(frozen=True, slots=True)
class DeadlinePolicy:
    """How long anything may take, in seconds.

    attempt_s: one call to one provider; request_s: the caller's whole wait, retries and fallbacks included;
    connect_s: until a connection stands.
    """

    attempt_s: float = 45.0
    request_s: float = 120.0
    connect_s: float = 5.0

    def __post_init__(self) -> None:
        _number("attempt_s", self.attempt_s, 0.001, 3600)
        _number("request_s", self.request_s, 0.001, 7200)
        _number("connect_s", self.connect_s, 0.001, 600)


def _whole(field: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise PolicyError(field, f"a whole number from {low} to {high}", value)


def _number(field: str, value: object, low: float, high: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise PolicyError(field, f"a number from {low:g} to {high:g}", value)
