"""One request from its caller's first moment to the last: calls, waits, fallbacks, and the circuits on the way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from dashboard.inert import inert, provider_label
from dashboard.store import Store

MOST_EVENTS = 500
"""Of one request. More is no request but an id that many share."""
SHORTEST_WAIT = timedelta(milliseconds=2)


class Kind(StrEnum):
    """What a step is."""

    ATTEMPT = "attempt"
    WAIT = "wait"
    FALLBACK = "fallback"
    CIRCUIT = "circuit"
    END = "end"
    NOTE = "note"


class Tone(StrEnum):
    """How a step is to be taken."""

    OK = "ok"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Step:
    """start, end: UTC, the same for what takes no time; name: who or what; text: how it went. Both are inert."""

    kind: Kind
    tone: Tone
    start: datetime
    end: datetime
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """steps: by time. start, end: of the whole; status: how it ended; derived: no line says the whole, so its time is
    that of the calls; cut: there are more events than are shown."""

    request: str
    status: str
    start: datetime
    end: datetime
    derived: bool
    cut: bool
    sources: tuple[str, ...]
    steps: tuple[Step, ...]


def story(store: Store, request: str) -> Story | None:
    """The story of a request id; None if no event names it."""
    sql = """SELECT * FROM events WHERE request_id = $request OR list_contains(trigger_request_ids, $request)
        ORDER BY "at", source, "offset" LIMIT $most"""
    rows = store.query(sql, {"request": request, "most": MOST_EVENTS + 1})
    return told(request, rows) if rows else None


def told(request: str, rows: Sequence[Mapping[str, Any]]) -> Story:
    """The story that events tell. rows: of columns.EVENTS, by time."""
    shown = rows[:MOST_EVENTS]
    whole = next((row for row in reversed(shown) if row["event"] == "LLM_REQUEST"), None)
    steps = sorted((step for row in shown for step in _steps(row)), key=lambda step: (step.start, step.end))
    start = min(step.start for step in steps)
    end = max(step.end for step in steps)
    if whole is not None:
        start = min(start, whole["at"] - _ms(whole["total_ms"]))
    return Story(
        request=inert(request, 200),
        status=_status(whole, shown),
        start=start,
        end=end,
        derived=whole is None,
        cut=len(rows) > len(shown),
        sources=tuple(dict.fromkeys(inert(row["source"], 80) for row in shown)),
        steps=tuple(sorted([*steps, *_waits(steps, start)], key=lambda step: (step.start, step.end))),
    )


def _steps(row: Mapping[str, Any]) -> Iterator[Step]:
    at, event = row["at"], row["event"]
    reason = _word(row["reason"])
    if event == "LLM_ATTEMPT":
        status = row["status"]
        tone = {"success": Tone.OK, "failed": Tone.BAD}.get(status, Tone.QUIET)
        said = [status, reason, f"HTTP {row['http_status']}" if row["http_status"] is not None else ""]
        said += [f"circuit {row['circuit'] or 'unknown'}", _word(row["model"])]
        number = f" #{row['attempt']}" if row["attempt"] is not None else ""
        name = f"{provider_label(row['provider'])}{number}"
        yield Step(Kind.ATTEMPT, tone, at - _ms(row["generation_time_ms"]), at, name, _joined(said))
    elif event == "FALLBACK":
        hop = f"{_name(row['from_provider'])} → {_name(row['to_provider'])}"
        yield Step(Kind.FALLBACK, Tone.QUIET, at, at, "fallback", _joined([hop, reason]))
    elif event == "BREAKER_TRANSITION":
        change = f"{row['from_state'] or 'unknown'} → {row['to_state']}"
        tone = Tone.BAD if row["to_state"] == "OPEN" else Tone.QUIET
        yield Step(
            Kind.CIRCUIT, tone, at, at, f"circuit {_name(row['provider'])}", _joined([change, _word(row["cause"])])
        )
    elif event == "LLM_REQUEST":
        tone = Tone.OK if row["status"] == "success" else Tone.BAD
        yield Step(
            Kind.END, tone, at, at, "answer" if tone is Tone.OK else "no answer", _joined([row["status"], reason])
        )
    elif event == "PROVIDERS_EXHAUSTED":
        yield Step(Kind.NOTE, Tone.BAD, at, at, "exhausted", "all providers exhausted")
    else:
        yield Step(Kind.NOTE, Tone.QUIET, at, at, inert(str(event), 40), _joined([_name(row["provider"]), reason]))


def _waits(steps: Sequence[Step], start: datetime) -> Iterator[Step]:
    """The stretches in which nobody was being asked, up to each call."""
    busy_until = start
    for step in steps:
        if step.kind is not Kind.ATTEMPT:
            continue
        if step.start - busy_until >= SHORTEST_WAIT:
            yield Step(Kind.WAIT, Tone.QUIET, busy_until, step.start, "wait", "before the next call")
        busy_until = max(busy_until, step.end)


def _status(whole: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> str:
    if whole is not None:
        return str(whole["status"])
    answered = any(row["event"] == "LLM_ATTEMPT" and row["status"] == "success" for row in rows)
    return "success" if answered else "not said"


def _ms(value: float | None) -> timedelta:
    return timedelta(milliseconds=value or 0.0)


def _name(value: object) -> str:
    return "not said" if value is None else provider_label(value)


def _word(value: object) -> str:
    return "" if value is None else inert(str(value), 80)


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)
