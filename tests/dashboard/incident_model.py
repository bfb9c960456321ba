"""Incidents once more, by hand over a list of a log's lines: what tests compare the dashboard's incidents with.

Slow and plain, and forwards where the dashboard goes backwards. Alerts are those of docs/alerts.md, which a test of their
own compares.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from dashboard.alerts.rulefile import load_rules
from tests.dashboard.alert_model import COUNTED, Line

MINUTE, FIVE_MINUTES = timedelta(minutes=1), timedelta(minutes=5)
SLOW_MS = 10_000


@dataclass(frozen=True)
class Trouble:
    """What an incident is found by: an alert (rule, fired_at) or a circuit (provider)."""

    start_at: datetime
    end_at: datetime
    rule: str = ""
    fired_at: datetime | None = None
    provider: str = ""


def circuit_troubles(log: Sequence[Line]) -> Iterator[Trouble]:
    """From OPEN to CLOSED; a circuit that nobody asks for five minutes after its cooldown ends with the cooldown."""
    changes = [line for line in log if line.event == "BREAKER_TRANSITION"]
    for provider in {line.fields["provider"] for line in changes}:
        begun = until = None
        for line in (each for each in changes if each.fields["provider"] == provider):
            if begun and until and line.at - until >= FIVE_MINUTES:
                yield Trouble(begun, until, provider=provider)
                begun = None
            until = None
            if line.fields["to"] == "OPEN":
                begun = begun or line.at
                until = datetime.fromisoformat(line.fields["open_until"])
            elif line.fields["to"] == "CLOSED" and begun:
                yield Trouble(begun, line.at, provider=provider)
                begun = None
        if begun and until:
            assert log[-1].at - until >= FIVE_MINUTES, "no recording ends in an outage"
            yield Trouble(begun, until, provider=provider)


def together(troubles: Sequence[Trouble]) -> list[list[Trouble]]:
    """Those less than five minutes apart."""
    found: list[list[Trouble]] = []
    for trouble in sorted(troubles, key=lambda each: each.start_at):
        if found and any(trouble.start_at <= each.end_at + FIVE_MINUTES for each in found[-1]):
            found[-1].append(trouble)
        else:
            found.append([trouble])
    return found


def first_bad_at(log: Sequence[Line], first: Trouble) -> datetime:
    """The beginning of the run of failures that the first of them rests on."""
    run_from = last_bad_at = None
    answered = False
    past = [line for line in log if line.at <= first.start_at]
    if first.provider:
        for line in past:
            if line.event != "LLM_ATTEMPT" or line.fields["provider"] != first.provider:
                continue
            if line.fields["status"] == "success":
                answered = True
            if line.fields["status"] == "failed":
                if last_bad_at is None or (answered and line.at - last_bad_at > MINUTE):
                    run_from = line.at
                last_bad_at, answered = line.at, False
    else:
        rule = load_rules().named(first.rule)
        slow_ms = SLOW_MS if rule.name == "response_time_p95" else float("inf")
        for line in past:
            if line.at <= first.start_at - timedelta(seconds=rule.window_s):
                continue
            failed = line.event == "LLM_ATTEMPT" and line.fields["status"] == "failed"
            counted = line.event == "LLM_REQUEST" and line.fields["status"] in COUNTED
            hurt = counted and (line.fields["status"] != "success" or line.fields["total_ms"] > slow_ms)
            if failed or hurt:
                if last_bad_at is None or line.at - last_bad_at > MINUTE:
                    run_from = line.at
                last_bad_at = line.at
    assert run_from is not None
    return run_from


def row(log: Sequence[Line], group: Sequence[Trouble]) -> tuple[str, ...]:
    """One incident as the table of docs/review.md spells it, after its name and number."""
    start_at = first_bad_at(log, group[0])
    over_at = max(trouble.end_at for trouble in group)
    opened = [trouble.start_at for trouble in group if trouble.provider]
    fired = [trouble.fired_at for trouble in group if trouble.fired_at]
    requests = [line for line in log if line.event == "LLM_REQUEST" and line.fields["status"] in COUNTED]
    hurt = [
        line
        for line in requests
        if start_at <= line.at <= over_at and (line.fields["status"] != "success" or line.fields["total_ms"] > SLOW_MS)
    ]
    mitigated = [line.at for line in requests if hurt and line.at > hurt[-1].at][:1]
    closed = max((t.end_at for t in group if t.provider == "openrouter"), default=None)  # the primary of all recordings
    last_hurt_at = hurt[-1].at if hurt else None
    if closed is not None and (last_hurt_at is None or last_hurt_at <= closed):
        resolved_at = closed
    else:
        assert last_hurt_at is not None
        answers = (
            line.at
            for line in log
            if line.event == "LLM_ATTEMPT"
            and line.at > last_hurt_at
            and (line.fields["provider"], line.fields["status"]) == ("openrouter", "success")
        )
        resolved_at = next(answers)

    inside = [line for line in log if start_at <= line.at <= resolved_at]
    counted = [line.fields for line in inside if line in requests]
    answered = [fields for fields in counted if fields["status"] == "success"]
    failed = [line.fields for line in inside if line.event == "LLM_ATTEMPT" and line.fields["status"] == "failed"]
    spared = [
        line.fields["from_provider"]
        for line in inside
        if line.event == "FALLBACK" and line.fields["reason"] == "circuit_open"
    ]
    saved_ms = sum(
        spared.count(provider) * median([float(f["generation_time_ms"]) for f in failed if f["provider"] == provider])
        for provider in set(spared)
    )
    return (
        clock(start_at),
        clock(min(opened, default=None)),
        clock(min(fired)),
        clock(mitigated[0] if mitigated else None),
        clock(resolved_at),
        str(len(counted)),
        str(len(counted) - len(answered)),
        str(sum(fields["fallbacks"] > 0 for fields in answered)),
        str(sum(fields["total_ms"] > SLOW_MS for fields in answered)),
        tenths(sum(float(fields["generation_time_ms"]) for fields in failed) / 1000),
        str(len(spared)),
        tenths(saved_ms / 1000),
    )


def clock(at: datetime | None) -> str:
    """The time of day as in the table."""
    return "–" if at is None else f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def tenths(seconds: float) -> str:
    """Seconds as in the table. The log's tenths of milliseconds first: a sum of floats may lie on either side of a half."""
    return str(Decimal(f"{seconds:.4f}").quantize(Decimal("0.1"), ROUND_HALF_UP))
