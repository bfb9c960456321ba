"""What the runbook's commands are meant to find, in terms of events, and so what they are meant to print."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    GuardTriggered,
    ProviderInitialized,
    ProvidersExhausted,
    ProvidersInitialized,
    Reason,
    RequestFinished,
    Severity,
    State,
    from_line,
)
from tests.runbook import LogCommand


@dataclass(frozen=True)
class Log:
    """A log file, its lines with their ends, and the event of each; None for another program's line."""

    path: Path
    lines: list[str]
    events: list[Event | None]

    @classmethod
    def of(cls, path: Path) -> "Log":
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        records = [from_line(line) for line in lines]
        return cls(path, lines, [record.event if record is not None else None for record in records])

    def of_kind(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]


def is_opening(event: Event | None) -> bool:
    return isinstance(event, CircuitChanged) and event.to is State.OPEN


def is_attempt(event: Event | None, status: AttemptStatus | None = None) -> bool:
    return isinstance(event, AttemptFinished) and status in (None, event.status)


def was_past_an_open_circuit(event: Event | None) -> bool:
    match event:
        case FellBack() | RequestFinished():
            return event.reason is Reason.CIRCUIT_OPEN
        case ProvidersExhausted():
            return any(tried.reason is Reason.CIRCUIT_OPEN for tried in event.tried)
    return False


def has_to_do_with_a_circuit(event: Event | None) -> bool:
    return isinstance(event, CircuitChanged | AttemptFinished) or was_past_an_open_circuit(event)


def says_open(event: Event | None) -> bool:
    met_it = isinstance(event, AttemptFinished) and event.circuit is not State.CLOSED
    return is_opening(event) or met_it or was_past_an_open_circuit(event)


PROVIDER_KINDS = (
    AttemptFinished
    | RequestFinished
    | FellBack
    | CircuitChanged
    | ProvidersExhausted
    | ProviderInitialized
    | ProvidersInitialized
)


def names_a_provider(event: Event | None) -> bool:
    """By its kind; or because people wrote of one, which a command that shows lines may show."""
    match event:
        case ConfigChanged():
            texts = (event.actor, event.reason, *(text for change in event.changes for text in change))
        case GuardTriggered():
            texts = (event.request_id,)
        case _:
            return isinstance(event, PROVIDER_KINDS)
    return any("provider" in text or "fallback" in text for text in texts)


def is_openrouters_error(event: Event | None) -> bool:
    return (
        isinstance(event, AttemptFinished | CircuitChanged)
        and event.provider == "openrouter"
        and event.severity is Severity.ERROR
    )


MEANT: dict[str, Callable[[Event | None], bool]] = {
    'tail -f backend_live.log | grep -E "(provider|circuit|fallback)"': names_a_provider,
    'tail -f backend_live.log | grep "circuit"': has_to_do_with_a_circuit,
    'grep "circuit.*open" backend_live.log': says_open,
    'tail -100 backend_live.log | grep "LLM_ATTEMPT"': is_attempt,
    'grep "generation_time_ms" backend_live.log': is_attempt,
    'grep "PRIMARY" backend_live.log': lambda e: isinstance(e, ProviderInitialized) and e.primary,
    'grep "circuit.*OPEN" backend_live.log': is_opening,
    'grep "Opening circuit breaker for provider" backend_live.log': is_opening,
    'grep "Opening circuit" backend_live.log': is_opening,
    'grep "Falling back to provider" backend_live.log': lambda e: isinstance(e, FellBack),
    'grep "Falling back" backend_live.log': lambda e: isinstance(e, FellBack),
    'grep "provider: openrouter.*ERROR" backend_live.log': is_openrouters_error,
    'grep "LLM_ATTEMPT.*success" backend_live.log': partial(is_attempt, status=AttemptStatus.SUCCESS),
    'grep "LLM_ATTEMPT.*failed" backend_live.log': partial(is_attempt, status=AttemptStatus.FAILED),
    'grep "circuit" backend_live.log | grep -E "(OPEN|CLOSED|HALF_OPEN)"': lambda e: isinstance(e, CircuitChanged),
    'grep -A 5 -B 5 "ERROR" backend_live.log': lambda e: e is not None and e.severity is Severity.ERROR,
}


def expected(command: LogCommand, log: Log) -> str:
    """What the command is meant to print, from the events."""
    last = slice(-100, None) if command.text.startswith("tail -100") else slice(None)
    lines, events = log.lines[last], log.events[last]
    found = [i for i, event in enumerate(events) if MEANT[command.selection](event)]
    if "-A 5 -B 5" in command.text:
        return "--\n".join("".join(lines[i] for i in group) for group in with_neighbours(found, 5, len(lines)))
    if command.text.endswith("| wc -l"):
        return f"{len(found)}\n"
    output = [lines[i] for i in found]
    if "awk" in command.text:
        output = [f"{ms:.1f}\n" for ms in sorted(events[i].generation_time_ms for i in found)]
    cut = re.search(r"\| tail -(\d+)$", command.text)
    return "".join(output[-int(cut[1]) :] if cut else output)


def with_neighbours(found: list[int], around: int, count: int) -> list[list[int]]:
    """Line numbers around those found, in groups that do not touch."""
    wanted = sorted({j for i in found for j in range(max(0, i - around), min(count, i + around + 1))})
    groups: list[list[int]] = []
    for i in wanted:
        if groups and groups[-1][-1] == i - 1:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups
