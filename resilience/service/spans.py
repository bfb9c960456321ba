"""OpenTelemetry spans by the GenAI conventions, made from the events that also go to the log.

One span per request, and in it one per call to a provider; fallbacks, circuits and guards are events of the request's
span. Nothing of a prompt or an answer is in an event, so nothing of it is in a span. docs/tracing.md has the names.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    CircuitChanged,
    Event,
    FellBack,
    GuardTriggered,
    ProviderInitialized,
    RequestFinished,
    RequestStatus,
)

REQUESTS_KEPT = 4096
"""Requests under way whose steps are kept; beyond it the oldest is forgotten, it may never end."""
STEPS_KEPT = 256
"""Steps kept of one request."""

_FAILED = {RequestStatus.EXHAUSTED, RequestStatus.DEADLINE, RequestStatus.ERROR}
_Step = AttemptFinished | FellBack | CircuitChanged | GuardTriggered


class Spans:
    """Makes a request's spans when it ends: only then its beginning is known. Safe to share between threads.

    wall_ns: nanoseconds since the epoch. `observe` only queues, and never raises.
    """

    def __init__(self, tracer: Tracer, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._tracer = tracer
        self._wall_ns = wall_ns
        self._lock = threading.Lock()
        self._steps: OrderedDict[str, list[tuple[int, _Step]]] = OrderedDict()
        self._models: dict[str, str] = {}

    def observe(self, event: Event) -> None:
        """Note one event, which happened now."""
        with suppress(Exception):  # a fault here is no fault of a call
            self._observe(event, self._wall_ns())

    def _observe(self, event: Event, at_ns: int) -> None:
        match event:
            case ProviderInitialized():
                self._models[event.provider] = event.model
            case AttemptFinished() | FellBack() | GuardTriggered():
                self._keep(event.request_id, at_ns, event)
            case CircuitChanged():
                for request_id in event.trigger_request_ids:
                    self._keep(request_id, at_ns, event, begins=False)
            case RequestFinished():
                with self._lock:
                    steps = self._steps.pop(event.request_id, [])
                self._trace(event, at_ns, steps)

    def _keep(self, request_id: str, at_ns: int, step: _Step, *, begins: bool = True) -> None:
        with self._lock:
            if begins:
                self._steps.setdefault(request_id, [])
            steps = self._steps.get(request_id)
            if steps is not None and len(steps) < STEPS_KEPT:
                steps.append((at_ns, step))
            while len(self._steps) > REQUESTS_KEPT:
                self._steps.popitem(last=False)

    def _trace(self, request: RequestFinished, end_ns: int, steps: list[tuple[int, _Step]]) -> None:
        span = self._tracer.start_span(
            "llm request",
            Context(),  # not inside whatever span is current where the event happens to be told
            SpanKind.INTERNAL,
            _given(
                {
                    "metis.request.id": request.request_id,
                    "metis.request.status": request.status,
                    "metis.request.attempts": request.attempts,
                    "metis.request.fallbacks": request.fallbacks,
                    "metis.config.version": request.config_version,
                    "gen_ai.provider.name": request.provider,
                    "error.type": (request.reason or request.status) if request.status in _FAILED else None,
                }
            ),
            start_time=_before(end_ns, request.total_ms),
        )
        inside = set_span_in_context(span, Context())
        for at_ns, step in steps:
            if isinstance(step, AttemptFinished):
                self._attempt(step, at_ns, inside)
            else:
                span.add_event(*_told(step), timestamp=at_ns)
        if request.status in _FAILED:
            span.set_status(StatusCode.ERROR)
        span.end(end_ns)

    def _attempt(self, attempt: AttemptFinished, end_ns: int, inside: Context) -> None:
        asked = self._models.get(attempt.provider, attempt.model)
        failed = attempt.status is AttemptStatus.FAILED
        span = self._tracer.start_span(
            f"chat {asked}",
            inside,
            SpanKind.CLIENT,
            _given(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": attempt.provider,
                    "gen_ai.request.model": asked,
                    "gen_ai.response.model": attempt.model if attempt.status is AttemptStatus.SUCCESS else None,
                    "gen_ai.usage.input_tokens": attempt.prompt_tokens,
                    "gen_ai.usage.output_tokens": attempt.completion_tokens,
                    "http.response.status_code": attempt.http_status,
                    "error.type": attempt.reason if failed else None,
                    "metis.attempt.status": attempt.status,
                    "metis.attempt.number": attempt.attempt,
                    "metis.chain.position": attempt.chain_position,
                    "metis.circuit.state": attempt.circuit,
                }
            ),
            start_time=_before(end_ns, attempt.generation_time_ms),
        )
        if failed:
            span.set_status(StatusCode.ERROR)
        span.end(end_ns)


def _told(step: FellBack | CircuitChanged | GuardTriggered) -> tuple[str, dict[str, AttributeValue]]:
    """Name and attributes of a span's event."""
    match step:
        case FellBack():
            return "fallback", {
                "metis.fallback.from": step.from_provider,
                "metis.fallback.to": step.to_provider,
                "metis.fallback.reason": str(step.reason),
            }
        case CircuitChanged():
            return "circuit", {
                "metis.circuit.provider": step.provider,
                "metis.circuit.from": str(step.from_),
                "metis.circuit.state": str(step.to),
                "metis.circuit.cause": str(step.cause),
            }
    return "guard", {"metis.guard.name": step.guard, "metis.guard.action": step.action}


def _given(values: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {
        name: str(value) if isinstance(value, str) else value for name, value in values.items() if value is not None
    }


def _before(end_ns: int, ms: float) -> int:
    return end_ns - round(ms * 1_000_000)
