"""A log of a chain under fire, line by line, made with the core's own to_line.

Twelve quiet minutes, then openrouter times out: its circuit opens, probes fail, deepseek is overloaded on top.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    GuardTriggered,
    Origin,
    ProviderInitialized,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    ServiceStarted,
    State,
    to_line,
)

ORDER = ("openrouter", "anthropic", "deepseek", "openai")
MODELS = dict(zip(ORDER, ("x-ai/grok-4-fast", "claude", "deepseek-chat", "gpt"), strict=True))
ORIGIN = Origin("backend", "host-1", 4711)
COOLDOWN = timedelta(seconds=60)
PROBE = timedelta(seconds=15)


def line(event: Event, at: datetime) -> str:
    """The event's line, newline included."""
    return to_line(event, at.timestamp(), ORIGIN)


def attempt(
    request_id: str, provider: str, ms: float, reason: Reason | None = None, state: State = State.CLOSED
) -> AttemptFinished:
    """One call to a provider; failed when it has a reason."""
    status = {Reason.RATE_LIMITED: 429, Reason.OVERLOADED: 503, Reason.AUTH_ERROR: 401}.get(reason) if reason else 200
    return AttemptFinished(
        generation_time_ms=ms,
        request_id=request_id,
        provider=provider,
        model=MODELS[provider],
        attempt=1,
        chain_position=ORDER.index(provider),
        status=AttemptStatus.FAILED if reason else AttemptStatus.SUCCESS,
        reason=reason,
        http_status=status,
        timeout_s=45.0 if reason is Reason.TIMEOUT else None,
        circuit=state,
    )


def request(
    request_id: str, provider: str | None, total_ms: float, attempts: int = 1, fallbacks: int = 0
) -> RequestFinished:
    """One caller's request; exhausted when nobody answered."""
    status = RequestStatus.SUCCESS if provider else RequestStatus.EXHAUSTED
    return RequestFinished(
        request_id=request_id,
        status=status,
        provider=provider,
        attempts=attempts,
        fallbacks=fallbacks,
        total_ms=total_ms,
        wasted_ms=0.0,
        guard_ms=1.5 + total_ms % 4,
    )


def guarded(rng: random.Random, request_id: str, at: datetime) -> Iterator[str]:
    """What the guards did of one request, if anything."""
    for share, guard, action, where, kinds in _GUARDED:
        if rng.random() < share:
            counts = {kind: rng.randint(1, 3) for kind in rng.sample(kinds, rng.randint(1, 2))}
            acted = GuardTriggered(request_id=request_id, guard=guard, action=action, where=where, counts=counts)
            yield line(acted, at)


_GUARDED: tuple[tuple[float, str, str, str, tuple[str, ...]], ...] = (
    (0.2, "pii", "redacted", "input", ("email", "phone", "card", "iban", "secret", "jwt")),
    (0.01, "pii", "flagged", "answer", ("email", "phone")),
    (0.02, "injection", "flagged", "context", ("override", "exfiltration", "role_play")),
    (0.02, "grounding", "flagged", "answer", ("quote_not_found", "number_changed", "uncited")),
)


def story(end: datetime, minutes: int = 20, per_second: float = 2.0, seed: int = 7) -> Iterator[str]:
    """The lines up to `end`; the outage begins after three fifths of the time and is still on."""
    rng, guards = random.Random(seed), random.Random(seed)
    start = end - timedelta(minutes=minutes)
    outage = start + timedelta(minutes=minutes * 0.6)
    yield line(ServiceStarted(version="0.1.0", config_version=1, order=ORDER), start)
    for name in ORDER:
        yield line(ProviderInitialized(provider=name, model=MODELS[name], primary=name == ORDER[0]), start)
    yield line(ProvidersInitialized(order=ORDER), start)
    changed = ConfigChanged(
        version=2, actor="sre", reason="slow", origin="api", changes=(("METIS_LLM_TIMEOUT_SECONDS", "45", "30"),)
    )
    yield line(changed, start + timedelta(minutes=minutes * 0.3))
    open_until: datetime | None = None
    probe_until: datetime | None = None
    failures = 0
    at, number = start, 0
    while (at := at + timedelta(seconds=rng.expovariate(per_second))) < end:
        number += 1
        rid = f"req-{number:05d}"
        yield from guarded(guards, rid, at)
        total, tried, fallbacks = 0.0, 0, 0
        if probe_until is not None and at >= probe_until:
            probe_until, open_until = None, at + COOLDOWN
            yield line(attempt(f"probe-{number}", "openrouter", 15_000.0, Reason.TIMEOUT, State.HALF_OPEN), at)
            yield line(_moved(State.HALF_OPEN, State.OPEN, Cause.PROBE_FAILED, failures + 1, open_until), at)
        if open_until is not None and probe_until is None and at >= open_until:
            probe_until = at + PROBE
            yield line(_moved(State.OPEN, State.HALF_OPEN, Cause.COOLDOWN_ELAPSED, failures, None), at)
        if open_until is None:
            tried += 1
            ill = at > outage
            if not ill and rng.random() > 0.01:
                total = rng.lognormvariate(7.1, 0.4)
                yield line(attempt(rid, "openrouter", total), at)
                yield line(request(rid, "openrouter", total), at)
                continue
            total = 30_000.0 if ill else 800.0
            failures = failures + 1 if ill else 0
            reason = Reason.TIMEOUT if ill else Reason.RATE_LIMITED
            yield line(attempt(rid, "openrouter", total, reason), at)
            if failures == 3:
                open_until = at + COOLDOWN
                yield line(_moved(State.CLOSED, State.OPEN, Cause.THRESHOLD, failures, open_until), at)
        else:
            reason = Reason.CIRCUIT_OPEN
        fallbacks += 1
        yield line(FellBack(request_id=rid, from_provider="openrouter", to_provider="anthropic", reason=reason), at)
        ms = rng.lognormvariate(7.6, 0.5)
        tried += 1
        total += ms
        if rng.random() > 0.12:
            yield line(attempt(rid, "anthropic", ms), at)
            yield line(request(rid, "anthropic", total, tried, fallbacks), at)
            continue
        yield line(attempt(rid, "anthropic", ms, Reason.RATE_LIMITED), at)
        yield line(
            FellBack(request_id=rid, from_provider="anthropic", to_provider="deepseek", reason=Reason.RATE_LIMITED), at
        )
        fallbacks += 1
        tried += 1
        ms = rng.lognormvariate(9.0, 0.6)
        total += ms
        if rng.random() > 0.5:
            yield line(attempt(rid, "deepseek", ms), at)
            yield line(request(rid, "deepseek", total, tried, fallbacks), at)
            continue
        yield line(attempt(rid, "deepseek", ms, Reason.OVERLOADED), at)
        yield line(
            FellBack(request_id=rid, from_provider="deepseek", to_provider="openai", reason=Reason.OVERLOADED), at
        )
        yield line(attempt(rid, "openai", 900.0), at)
        yield line(request(rid, "openai", total + 900.0, tried + 1, fallbacks + 1), at)


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


def _moved(from_: State, to: State, cause: Cause, failures: int, open_until: datetime | None) -> CircuitChanged:
    return CircuitChanged(
        provider="openrouter", from_=from_, to=to, cause=cause, failures=failures, open_until=open_until
    )
