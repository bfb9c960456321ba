"""A big mixed log for the benchmarks: events of the core among access lines, tracebacks and other text, seeded."""

import random
from datetime import UTC, datetime
from pathlib import Path

from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    Event,
    FellBack,
    Origin,
    ProviderInitialized,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    State,
    to_line,
)

ORDER = ("openrouter", "anthropic", "deepseek", "openai")
START_S = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
ORIGIN = Origin("metis-backend", "bench", 1)
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "app.py", line 10, in handler\n'
    "    raise ValueError(value)\n"
    "ValueError: 42\n"
)


def write(path: Path, size: int, *, noise: bool = True, seed: int = 1, step_s: float = 0.1) -> int:
    """Write about `size` bytes to `path`; returns the number of events. noise: with other programs' lines."""
    rng = random.Random(seed)
    written, events, at_s = 0, 0, START_S
    with path.open("w", encoding="utf-8") as file:
        start: list[Event] = [ProviderInitialized(provider=name, model="m", primary=name == ORDER[0]) for name in ORDER]
        for event in [*start, ProvidersInitialized(order=ORDER)]:
            written += file.write(to_line(event, at_s, ORIGIN))
            events += 1
        down = False
        while written < size:
            at_s += rng.expovariate(1 / step_s)
            was_down, down = down, (at_s - START_S) % 3600 < 300
            made = request(rng, f"{rng.getrandbits(64):016x}", down)
            if was_down and not down:
                made += _closed()
            for event in made:
                written += file.write(to_line(event, at_s, ORIGIN))
            events += len(made)
            if noise:
                written += file.write(_noise(rng, at_s))
    return events


def request(rng: random.Random, request_id: str, down: bool, *, alone: bool = False) -> list[Event]:
    """One request's lines. down: the primary is; alone: the first attempt fails, the second one answers."""
    events: list[Event] = []
    failed_ms = 0.0
    if alone and not down:
        failed_ms = rng.uniform(50, 300)
        events.append(_attempt(rng, request_id, 0, failed_ms, Reason.SERVER_ERROR))
    if down:
        failed_ms = rng.uniform(50, 300)
        events.append(_attempt(rng, request_id, 0, failed_ms, Reason.SERVER_ERROR))
        if rng.random() < 0.05:
            events.append(
                CircuitChanged(
                    provider=ORDER[0],
                    from_=State.CLOSED,
                    to=State.OPEN,
                    cause=Cause.THRESHOLD,
                    failures=3,
                    open_until=datetime.fromtimestamp(START_S, UTC),
                    trigger_request_ids=(request_id,),
                )
            )
        events.append(
            FellBack(request_id=request_id, from_provider=ORDER[0], to_provider=ORDER[1], reason=Reason.SERVER_ERROR)
        )
    took_ms = rng.lognormvariate(7, 0.5)
    events.append(_attempt(rng, request_id, int(down), took_ms, None))
    events.append(
        RequestFinished(
            request_id=request_id,
            status=RequestStatus.SUCCESS,
            provider=ORDER[int(down)],
            attempts=len([event for event in events if isinstance(event, AttemptFinished)]),
            fallbacks=int(down),
            total_ms=took_ms + failed_ms,
            wasted_ms=failed_ms,
        )
    )
    return events


def _closed() -> list[Event]:
    """The first provider is back: a probe succeeds."""
    steps = (
        (State.OPEN, State.HALF_OPEN, Cause.COOLDOWN_ELAPSED),
        (State.HALF_OPEN, State.CLOSED, Cause.PROBE_SUCCEEDED),
    )
    return [
        CircuitChanged(provider=ORDER[0], from_=from_, to=to, cause=cause, failures=3, trigger_request_ids=())
        for from_, to, cause in steps
    ]


def _attempt(
    rng: random.Random, request_id: str, position: int, took_ms: float, reason: Reason | None
) -> AttemptFinished:
    return AttemptFinished(
        generation_time_ms=took_ms,
        request_id=request_id,
        provider=ORDER[position],
        model="x-ai/grok-4-fast",
        attempt=1,
        chain_position=position,
        status=AttemptStatus.FAILED if reason else AttemptStatus.SUCCESS,
        reason=reason,
        http_status=503 if reason else 200,
        prompt_tokens=rng.randrange(2000),
        completion_tokens=None if reason else rng.randrange(2000),
        circuit=State.CLOSED,
    )


def _noise(rng: random.Random, at_s: float) -> str:
    stamp = f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S},000"
    draw = rng.random()
    if draw < 0.02:
        return f"{stamp} ERROR:app:request failed\n{TRACEBACK}"
    lines = [
        f'INFO:     127.0.0.1:{rng.randrange(60000)} - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
        for _ in range(rng.randrange(3))
    ]
    return "".join(lines) + f"{stamp} DEBUG:app.cache:hit ratio {draw:.3f} for key user:{rng.getrandbits(32)}\n"
