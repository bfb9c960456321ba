"""A recording as lines: the core's log format, or the plain one that METIS wrote before."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from resilience.events import (
    LOGGER,
    AttemptFinished,
    AttemptStatus,
    CircuitChanged,
    Event,
    FellBack,
    Origin,
    ProviderInitialized,
    ProvidersExhausted,
    ProvidersInitialized,
    State,
    to_line,
)
from resilience.simulator.play import Recording

ORIGIN = Origin(service="metis", instance="simulated", pid=1)
_WITHOUT_TIME = 0.2


def structured_lines(recording: Recording) -> Iterator[str]:
    """One line per event, newline included."""
    for stamped in recording.events:
        yield to_line(stamped.event, stamped.at_s, ORIGIN)


def plain_lines(recording: Recording, seed: int) -> Iterator[str]:
    """The same incident in the runbook's messages, newline included.

    No JSON, no request ids, no line per request. Each fifth line, drawn at random, has no time, as the runbook
    shows them; the others have it in the shape of Python's logging.
    """
    rng = random.Random(f"{seed}:plain")
    for stamped in recording.events:
        for message in _messages(stamped.event):
            time = "" if rng.random() < _WITHOUT_TIME else _asctime(stamped.at_s) + " "
            yield f"{time}{stamped.event.severity}:{LOGGER}:{message}\n"


def _messages(event: Event) -> tuple[str, ...]:
    match event:
        case AttemptFinished():
            return _attempt(event)
        case CircuitChanged(to=State.OPEN):
            name = event.provider
            return (
                f"Opening circuit breaker for provider: {name}",
                f"❌ Circuit breaker OPEN for provider: {name}",
            )
        case CircuitChanged(to=State.CLOSED):
            return (f"✅ Circuit breaker CLOSED for provider: {event.provider}",)
        case CircuitChanged() | FellBack() | ProviderInitialized() | ProvidersInitialized() | ProvidersExhausted():
            return (event.message(),)
    return ()  # METIS wrote no line for the rest


def _attempt(event: AttemptFinished) -> tuple[str, ...]:
    if event.status is AttemptStatus.CANCELLED:
        return ()
    latency_s = event.generation_time_ms / 1000
    line = f"LLM_ATTEMPT: provider={event.provider}, status={event.status}, latency={latency_s:.1f}s"
    if event.status is AttemptStatus.SUCCESS:
        return (line,)
    if event.retrying and event.timeout_s is not None:
        return (line, f"⚠️ Provider timeout after {event.timeout_s:g}s, attempting retry")
    return (line, f"❌ Provider failed: {event.cause()}")


def _asctime(at_s: float) -> str:
    ms = int(at_s * 1000)
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%d %H:%M:%S},{ms % 1000:03d}"
