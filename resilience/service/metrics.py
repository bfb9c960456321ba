"""Prometheus metrics, counted from the events that also go to the log. docs/prometheus.md lists them.

Labels are bounded: configured provider names and the contract's words, nothing from a request.
"""

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from resilience.breaker import CircuitView
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    GuardTriggered,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    ServiceStarted,
)
from resilience.policy import GUARDS
from resilience.service.circuit_metrics import CircuitMetrics

DURATION_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120)
"""10 s is the runbook's p95 alert, 45 s and 120 s are the default limits of an attempt and a request."""

GUARD_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)
"""A few milliseconds are usual, a long text takes more."""

# The base of the error rate and of response times: docs/metrics.md.
_ANSWERED_OR_FAILED = {RequestStatus.SUCCESS, RequestStatus.EXHAUSTED, RequestStatus.DEADLINE, RequestStatus.ERROR}
_NO_FAILURES = {Reason.CANCELLED, Reason.CIRCUIT_OPEN, Reason.DEADLINE, Reason.MISSING_API_KEY}
"""Reasons that no failed attempt has."""
_GUARD_ACTIONS = ("redacted", "blocked", "flagged")


class Metrics:
    """Counters of one service. `observe` is called with each event, from any thread.

    circuits: those of the chain now, in its order; wall: seconds since the epoch; clock: monotonic seconds.
    A rate over a series that is born with its first event misses that event, so what is counted begins with 0.
    """

    def __init__(
        self,
        version: str,
        circuits: Callable[[], Iterable[CircuitView]],
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
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
        self._retries = Counter(
            "metis_llm_retries",
            "Calls after the first to one provider for one request",
            ("provider",),
            registry=registry,
        )
        self._requests = Counter("metis_llm_requests", "Callers' requests that ended", ("status",), registry=registry)
        self._rescued = Counter(
            "metis_llm_requests_with_fallback",
            "Those of them that moved down the chain, however often",
            ("status",),
            registry=registry,
        )
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
        self._guards = Counter(
            "metis_llm_guard_actions", "Times that a guard acted", ("guard", "action"), registry=registry
        )
        self._guard_s = Histogram(
            "metis_llm_guard_duration_seconds",
            "Of what callers waited, the time that the guards took",
            buckets=GUARD_BUCKETS_S,
            registry=registry,
        )
        self._last_event = Gauge(
            "metis_llm_last_event_timestamp_seconds", "When the newest event of the log happened", registry=registry
        )
        self._config_version = Gauge("metis_llm_config_version", "Version of the settings in force", registry=registry)
        Info("metis_build", "The running version", registry=registry).info({"version": version})
        self._circuits = CircuitMetrics(circuits, clock)
        registry.register(self._circuits)
        for status in RequestStatus:
            self._requests.labels(status)
            self._rescued.labels(status)
        for guard in GUARDS:
            for action in _GUARD_ACTIONS:
                self._guards.labels(guard, action)

    def observe(self, event: Event) -> None:
        """Count one event, which happened now."""
        self._last_event.set(self._wall())
        match event:
            case AttemptFinished():
                self._attempt(event)
            case RequestFinished():
                self._requests.labels(event.status).inc()
                if event.fallbacks:
                    self._rescued.labels(event.status).inc()
                if event.status in _ANSWERED_OR_FAILED:
                    self._request_s.observe(event.total_ms / 1000)
                if event.guard_ms is not None:
                    self._guard_s.observe(event.guard_ms / 1000)
            case FellBack():
                self._fallbacks.labels(event.from_provider, event.to_provider, event.reason).inc()
            case CircuitChanged():
                self._transitions.labels(event.provider, event.to, event.cause).inc()
                self._circuits.changed(event.provider, event.to)
            case GuardTriggered():
                guard = event.guard if event.guard in GUARDS else "other"
                self._guards.labels(guard, event.action if event.action in _GUARD_ACTIONS else "other").inc()
            case ProvidersInitialized():
                self._begin(event.order)
            case ServiceStarted():
                self._config_version.set(event.config_version)
            case ConfigChanged():
                self._config_version.set(event.version)

    def _attempt(self, event: AttemptFinished) -> None:
        self._attempts.labels(event.provider, event.status, event.reason or "").inc()
        if event.attempt > 1:
            self._retries.labels(event.provider).inc()
        if event.status is not AttemptStatus.CANCELLED:
            self._attempt_s.labels(event.provider).observe(event.generation_time_ms / 1000)
        wasted = "" if event.status is AttemptStatus.SUCCESS else "wasted_"
        for kind, tokens in (("prompt", event.prompt_tokens), ("completion", event.completion_tokens)):
            if tokens is not None:
                self._tokens.labels(event.provider, wasted + kind).inc(tokens)

    def _begin(self, providers: Iterable[str]) -> None:
        for provider in providers:
            self._attempts.labels(provider, AttemptStatus.SUCCESS, "")
            for reason in set(Reason) - _NO_FAILURES:
                self._attempts.labels(provider, AttemptStatus.FAILED, reason)
            self._attempt_s.labels(provider)
            self._retries.labels(provider)
