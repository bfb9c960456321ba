"""Short lines for the page, each with a level: what a draft would do, what came of a click, what the log proves."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dashboard.control.values import (
    Check,
    Done,
    Guard,
    Invalid,
    Preview,
    Problem,
    Refused,
    Stale,
    Unauthorised,
    Unreachable,
)
from dashboard.inert import inert, provider_label
from dashboard.operations.drafts import Verb
from dashboard.operations.proof import Proof, Rate


class Level(StrEnum):
    """How a line is marked."""

    INFO = "info"
    WAITING = "waiting"
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Note:
    """One line. text: inert."""

    level: Level
    text: str


def notes(level: Level, texts: Iterable[str]) -> tuple[Note, ...]:
    """One line per text, made inert."""
    return tuple(Note(level, inert(text, 600)) for text in texts)


def of_preview(preview: Preview | Problem | None) -> tuple[Note, ...]:
    """What a change would do. None: the answer is awaited."""
    if preview is None:
        return (Note(Level.WAITING, "asking the service what this would do …"),)
    if isinstance(preview, Preview):
        return (
            *notes(Level.INFO, preview.sentences),
            *notes(Level.WARNING, preview.warnings),
            *notes(Level.CRITICAL, (f"Would be refused: {refusal.message}" for refusal in preview.refusals)),
        )
    return of_problem(preview)


def of_answer(answer: Done | Problem, label: str) -> tuple[Note, ...]:
    """What the service said to a click. label: of the button."""
    if not isinstance(answer, Done):
        return of_problem(answer)
    again = " (it had been made before)" if answer.replayed else ""
    said = f"The service says it is done{again}: {label}. The log has the last word."
    if not answer.changes:
        said = f"{label}: it was so already, so the log has no line about it."
    return (*notes(Level.INFO, [said]), *notes(Level.WARNING, answer.warnings))


def of_problem(problem: Problem) -> tuple[Note, ...]:
    """What went wrong, and what to do about it."""
    match problem:
        case Unreachable(message, unsure=True):
            text = f"It is not known whether this was done: {message}. Look at the log; the same click again is safe."
            return notes(Level.CRITICAL, [text])
        case Unreachable(message):
            return notes(Level.CRITICAL, [f"The control API cannot be reached: {message}."])
        case Unauthorised(message, None):
            return notes(Level.CRITICAL, [f"The service does not allow it: {message}. Check METIS_CONTROL_TOKEN."])
        case Unauthorised(message, wait_s):
            return notes(Level.CRITICAL, [f"The service does not allow it: {message}. Wait {wait_s:.0f} s."])
        case Stale():
            return notes(Level.WARNING, ["Nothing was done: somebody else changed something in between, see above."])
        case Refused(_, message, forceable):
            more = " It can be done all the same, see below." if forceable else ""
            return notes(Level.CRITICAL, [f"Refused: {message}.{more}".replace("..", ".")])
        case Invalid(_, message):
            return notes(Level.CRITICAL, [f"Not valid: {message}"])


def of_proof(proof: Proof) -> tuple[Note, ...]:
    """What the log shows of a change, step by step."""
    found, claim = proof.evidence, proof.claim
    lines = []
    if found.event_at is not None:
        kind = f"CONFIG_CHANGED, version {claim.version}" if claim.provider is None else "BREAKER_TRANSITION"
        who = f" by {found.actor}" if found.actor else ""
        lines.append(Note(Level.OK, inert(f"{_clock(found.event_at)} in the log: {kind}{who}: {found.what}", 400)))
    if found.first is not None:
        first, good = found.first, found.first.status == "success"
        what = "first call" if claim.verb in (Verb.RESET, Verb.RELEASE) else "first request"
        by = provider_label(first.provider) if first.provider else "nobody"
        text = f"{_clock(first.at)} {what}: {by}, {first.status}, {first.ms:,.0f} ms"
        lines.append(Note(Level.OK if good else Level.WARNING, inert(text)))
    if found.event_at is not None:
        text = f"success: {_rate(found.before)} in the 5 min before, {_rate(found.after)} since"
        lines.append(Note(Level.INFO, text))
    if proof.awaited is not None:
        level = Level.CRITICAL if proof.overdue else Level.WAITING
        lines.append(Note(level, f"waiting for {proof.awaited}, {proof.waited_s:.0f} s"))
    return (*lines, *notes(Level.WARNING, proof.advice))


def of_checks(checks: Iterable[Check]) -> tuple[Note, ...]:
    """Diagnostics, one line each."""
    levels = {True: Level.OK, False: Level.CRITICAL, None: Level.WAITING}
    return tuple(Note(levels[check.ok], inert(f"{check.check}: {check.detail}", 300)) for check in checks)


def of_guards(guards: Iterable[Guard]) -> tuple[Note, ...]:
    """How the guards' switches stand."""
    found = []
    for guard in guards:
        text = f"{guard.guard}: {'on' if guard.enabled else 'OFF'}"
        if not guard.enabled and guard.until is not None:
            text += f" until {_clock(guard.until)}, then on by itself"
        if not guard.enabled and guard.actor:
            text += f", by {guard.actor} ({guard.reason or 'no reason'})"
        if not guard.available:
            text += "; not available in this service, the switch is kept"
        found.append(Note(Level.INFO if guard.enabled else Level.WARNING, inert(text, 400)))
    return tuple(found)


def _rate(rate: Rate) -> str:
    return f"{100 * rate.success / rate.total:.1f} % (n {rate.total:,})" if rate.total else "no request"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S} UTC"
