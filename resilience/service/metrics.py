"""Prometheus metrics, counted from the events that also go to the log. docs/prometheus.md lists them.

Labels are bounded: configured provider names and the contract's words, nothing from a request.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from resilience.breaker import CircuitView
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    RequestFinished,
    RequestStatus,
    ServiceStarted,
    State,
)

DURATION_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120)
"""10 s is the runbook's p95 alert, 45 s and 120 s are the default limits of an attempt and a request."""

# The base of the error rate and of response times: docs/metrics.md.
_ANSWERED_OR_FAILED = {RequestStatus.SUCCESS, RequestStatus.EXHAUSTED, RequestStatus.DEADLINE, RequestStatus.ERROR}


class Metrics:
    """Counters of one service. `observe` is called with each event, from any thread."""

    def __init__(self, version: str, circuits: Callable[[], Iterable[CircuitView]]) -> None:
        self.registry = registry = CollectorRegistry()
        self._attempts = Counter(
            "metis_llm_attempts", "Calls to providers that ended", ("provider", "status", "reason"), registry=registry
        )
        self._attempt_s = Histogram(
            "metis_llm_attempt_duration_seconds",
            "Time of calls to providers, cancelled ones left out",
            ("provider",),
            buckets=DURATION_BUCKETS_S,
            registry=registry,
        )
        self._requests = Counter("metis_llm_requests", "Callers' requests that ended", ("status",), registry=registry)
        self._request_s = Histogram(
            "metis_llm_request_duration_seconds",
            "What callers waited; blocked, rejected and cancelled requests left out",
            buckets=DURATION_BUCKETS_S,
            registry=registry,
        )
        self._fallbacks = Counter(
            "metis_llm_fallbacks",
            "Moves down the chain",
            ("from_provider", "to_provider", "reason"),
            registry=registry,
        )
        self._transitions = Counter(
            "metis_llm_breaker_transitions",
            "Changes of a circuit's state",
            ("provider", "to", "cause"),
            registry=registry,
        )
        self._tokens = Counter(
            "metis_llm_tokens",
            "Tokens that the provider counted; wasted ones belong to no answer",
            ("provider", "kind"),
            registry=registry,
        )
        self._config_version = Gauge("metis_llm_config_version", "Version of the settings in force", registry=registry)
        Info("metis_build", "The running version", registry=registry).info({"version": version})
        registry.register(_CircuitStates(circuits))
        for status in RequestStatus:  # a rate over a series that is born with its first event misses that event
            self._requests.labels(status)

    def observe(self, event: Event) -> None:
        """Count one event."""
        match event:
            case AttemptFinished():
                self._attempt(event)
            case RequestFinished():
                self._requests.labels(event.status).inc()
                if event.status in _ANSWERED_OR_FAILED:
                    self._request_s.observe(event.total_ms / 1000)
            case FellBack():
                self._fallbacks.labels(event.from_provider, event.to_provider, event.reason).inc()
            case CircuitChanged():
                self._transitions.labels(event.provider, event.to, event.cause).inc()
            case ServiceStarted():
                self._config_version.set(event.config_version)
            case ConfigChanged():
                self._config_version.set(event.version)

    def _attempt(self, event: AttemptFinished) -> None:
        self._attempts.labels(event.provider, event.status, event.reason or "").inc()
        if event.status is not AttemptStatus.CANCELLED:
            self._attempt_s.labels(event.provider).observe(event.generation_time_ms / 1000)
        wasted = "" if event.status is AttemptStatus.SUCCESS else "wasted_"
        for kind, tokens in (("prompt", event.prompt_tokens), ("completion", event.completion_tokens)):
            if tokens is not None:
                self._tokens.labels(event.provider, wasted + kind).inc(tokens)


class _CircuitStates(Collector):
    """Read from the circuits at each scrape: an OPEN whose time is over is HALF_OPEN before any call says so."""

    def __init__(self, circuits: Callable[[], Iterable[CircuitView]]) -> None:
        self._circuits = circuits

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One family, with 1 for the state that each circuit is in and 0 for the others."""
        family = GaugeMetricFamily(
            "metis_llm_circuit_state", "1 for the state that a circuit is in", labels=("provider", "state")
        )
        for view in self._circuits():
            for state in State:
                family.add_metric((view.provider, state), float(view.state is state))
        yield family
