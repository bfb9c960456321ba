"""A rule: which number, over how long, against which threshold, and for how long before it fires."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Who is told: CRITICAL pages the SRE, WARNING goes to Slack (runbook, "Recommended Alerts")."""

    CRITICAL = "critical"
    WARNING = "warning"


class Metric(StrEnum):
    """What a rule looks at. docs/alerts.md says how each is measured."""

    EXHAUSTED_REQUESTS = "exhausted_requests"
    ERROR_RATE = "error_rate"
    FALLBACK_RATE = "fallback_rate"
    RESPONSE_TIME_P95_S = "response_time_p95_s"
    BURN_RATE = "burn_rate"
    OPEN_CIRCUITS = "open_circuits"
    PRIMARY_OPEN = "primary_open"
    LOG_AGE_S = "log_age_s"
    PROVIDER_FAILURE_RATE = "provider_failure_rate"
    PROVIDER_P95_S = "provider_p95_s"
    PROVIDER_OPEN = "provider_open"


OF_THE_MOMENT = frozenset({Metric.OPEN_CIRCUITS, Metric.PRIMARY_OPEN, Metric.LOG_AGE_S, Metric.PROVIDER_OPEN})
"""Metrics without a window."""
OF_A_PROVIDER = frozenset({Metric.PROVIDER_FAILURE_RATE, Metric.PROVIDER_P95_S, Metric.PROVIDER_OPEN})
SHARES = frozenset(
    {Metric.ERROR_RATE, Metric.FALLBACK_RATE, Metric.OPEN_CIRCUITS, Metric.PRIMARY_OPEN}
    | {Metric.PROVIDER_FAILURE_RATE, Metric.PROVIDER_OPEN}
)
"""Metrics from 0 to 1."""


class Comparison(StrEnum):
    """How the value is held against the threshold; `>` does not fire exactly at it."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


class Step(StrEnum):
    """What the page's button prepares; NONE for no button."""

    NONE = ""
    CHECKS = "checks"
    ORDER = "order"
    RESET = "reset"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule, checked by rulefile.py.

    The condition is `value comparison threshold`, at moments Rules.interval_s apart. window_s: the value is of so long
    before the moment, 0 for the moment itself; hold_s: how long it must be true at every moment before the alert
    fires; keep_firing_s: how long it must be false at every moment before a firing alert is resolved; minimum_count:
    with fewer requests (attempts) in the window there is no data; provider: whose number it is, for OF_A_PROVIDER.
    fast_window_s, objective: of BURN_RATE, whose value is the lower of the burn rates over both windows.
    runbook: section and title there; action: what to do, one sentence.
    """

    name: str
    title: str
    severity: Severity
    metric: Metric
    comparison: Comparison
    threshold: float
    window_s: int = 0
    hold_s: int = 0
    keep_firing_s: int = 0
    minimum_count: int = 1
    provider: str | None = None
    fast_window_s: int = 0
    objective: float = 0.0
    runbook: str = ""
    action: str = ""
    step: Step = Step.NONE


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that are on, in the order in which they are shown, and how often they are evaluated."""

    interval_s: int
    rules: tuple[Rule, ...]

    def named(self, name: str) -> Rule:
        """The rule of that name. Raises: KeyError."""
        for rule in self.rules:
            if rule.name == name:
                return rule
        raise KeyError(name)
