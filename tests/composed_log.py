"""A log of every kind of event in every shape that the runbook's commands tell apart, composed by chance."""

import random
from datetime import UTC, datetime

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
    ProvidersExhausted,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    RequestStatus,
    ServiceStarted,
    ServiceStopped,
    State,
    Tried,
    to_line,
)

AT_S = 1_772_442_000.0
HERE = Origin("metis", "host-1", 7)
CHAIN = ("openrouter", "anthropic", "deepseek", "openai")
OTHER_PROGRAMS = [
    'INFO:     127.0.0.1:50312 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n',
    "Traceback (most recent call last):\n",
    '  File "main.py", line 12, in <module>\n',
    "ValueError: not what it seems\n",
    "\n",
]
FREE = [
    "r-1",
    "LLM_ATTEMPT failed",
    "provider: openrouter ERROR",
    "circuit OPEN\n",
    "Falling back to provider",
    "PRIMARY",
    "\x0cailed",
]


def start_lines(order: tuple[str, ...]) -> list[Event]:
    return [
        *(ProviderInitialized(provider=p, model="m", primary=i == 0) for i, p in enumerate(order)),
        ProvidersInitialized(order=order),
    ]


def an_attempt(rng: random.Random) -> AttemptFinished:
    status = rng.choice(list(AttemptStatus))
    timed_out = status is AttemptStatus.FAILED and rng.random() < 0.4
    return AttemptFinished(
        generation_time_ms=rng.randrange(1, 900_000) / 10,
        request_id=rng.choice(FREE),
        provider=rng.choice(CHAIN),
        model=rng.choice(FREE),
        attempt=rng.randint(1, 4),
        chain_position=rng.randrange(4),
        status=status,
        reason=Reason.TIMEOUT if timed_out else Reason.SERVER_ERROR if status is AttemptStatus.FAILED else None,
        http_status=None if timed_out else rng.choice([200, 412, 424, 429, 503, 529]),
        timeout_s=45.0 if timed_out else None,
        retrying=rng.choice([None, True, False]),
        circuit=rng.choice(list(State)),
    )


def a_request(rng: random.Random) -> RequestFinished:
    return RequestFinished(
        request_id=rng.choice(FREE),
        status=rng.choice(list(RequestStatus)),
        provider=rng.choice([None, *CHAIN]),
        attempts=rng.randrange(9),
        fallbacks=rng.randrange(4),
        total_ms=rng.random() * 9000,
        wasted_ms=rng.random() * 900,
        reason=rng.choice([None, *Reason]),
    )


def a_transition(rng: random.Random) -> CircuitChanged:
    to = rng.choice(list(State))
    return CircuitChanged(
        provider=rng.choice(CHAIN),
        from_=rng.choice(list(State)),
        to=to,
        cause=rng.choice(list(Cause)),
        failures=rng.randrange(9),
        open_until=datetime(2026, 3, 2, 9, 1, tzinfo=UTC) if to is State.OPEN else None,
        trigger_request_ids=(rng.choice(FREE),),
        actor=rng.choice([None, *FREE]),
        request_id=rng.choice([None, *FREE]),
    )


def another(rng: random.Random) -> Event:
    return rng.choice(
        [
            FellBack(
                request_id=rng.choice(FREE),
                from_provider=rng.choice(CHAIN),
                to_provider=rng.choice(CHAIN),
                reason=rng.choice(list(Reason)),
            ),
            ProvidersExhausted(
                request_id=rng.choice(FREE), tried=tuple(Tried(p, rng.choice(list(Reason))) for p in CHAIN)
            ),
            ConfigChanged(
                version=2,
                actor=rng.choice(FREE),
                reason=rng.choice(FREE),
                origin="api",
                changes=(("METIS_LLM_CIRCUIT_THRESHOLD", "3", rng.choice(FREE)),),
            ),
            GuardTriggered(request_id=rng.choice(FREE), guard="pii", action="redacted", counts={"email": 2}),
        ]
    )


def composed_lines() -> list[str]:
    """A day of everything, with a change of the order while running and other programs' lines in between."""
    rng = random.Random(20260302)
    makers = [an_attempt, an_attempt, an_attempt, a_request, a_transition, another]
    before = [rng.choice(makers)(rng) for _ in range(150)]
    after = [rng.choice(makers)(rng) for _ in range(150)]
    version = {"version": "0.1.0", "config_version": 1, "order": CHAIN, "settings": {"METIS_LLM_ALL_OPEN": "probe"}}
    reordered = ("anthropic", "openrouter", "deepseek", "openai")
    events = [ServiceStarted(**version), *start_lines(CHAIN), *before, *start_lines(reordered), *after]
    lines: list[str] = []
    for i, event in enumerate([*events, ServiceStopped(**version)]):
        lines.append(to_line(event, AT_S + i, HERE))
        if rng.random() < 0.2:
            lines.append(rng.choice(OTHER_PROGRAMS))
    return lines
