"""The verdict: what is wrong now and since when, from facts that the log holds.

Alert rules with their durations are another part; this is the present against the runbook's thresholds.
Without data there is no verdict: the level is NO_DATA, never OK.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.live.circuits import CircuitNow
from dashboard.live.frames import RECENT
from dashboard.live.span import Extent, Mode, Span
from dashboard.live.words import Level
from resilience.events import State

# Runbook, "Recommended Alerts".
ERROR_RATE, FALLBACK_RATE, RESPONSE_P95_MS = 0.10, 0.25, 10_000.0


@dataclass(frozen=True, slots=True)
class Fact:
    """A number against its threshold. value: with its unit; limit: the threshold in words; n: what it rests on."""

    label: str
    level: Level
    value: str
    limit: str
    n: int
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Content of the strip.

    since: start of the worst thing (of a circuit: when it ceased to be CLOSED), None where it has no single start;
    newest: the newest event's time;
    unparsed: lines that look like events and could not be read.
    """

    level: Level
    headline: str
    since: datetime | None
    facts: tuple[Fact, ...]
    mode: Mode
    past: bool
    at: datetime
    newest: datetime | None
    unparsed: int


def verdict(
    circuits: Mapping[str, CircuitNow],
    recent: pd.DataFrame,
    span: Span,
    extent: Extent | None,
    unparsed: int,
) -> Verdict:
    """What the strip says.

    circuits: in chain order, the primary first; recent: metrics.request_summary of the last RECENT before now.
    """
    facts = _facts(recent)
    level, headline, since = _judge(circuits, facts)
    if extent is None:
        level, headline, since = Level.NO_DATA, "no event yet", None
    elif span.mode is Mode.STALE and not span.past:
        level = Level.NO_DATA if level is Level.OK else level
        headline = f"log stopped · {headline}"
    newest = None if extent is None else extent.newest
    return Verdict(level, headline, since, facts, span.mode, span.past, span.at, newest, unparsed)


def _judge(circuits: Mapping[str, CircuitNow], facts: tuple[Fact, ...]) -> tuple[Level, str, datetime | None]:
    opened = [c for c in circuits.values() if c.state == State.OPEN]
    testing = [c for c in circuits.values() if c.state == State.HALF_OPEN]
    primary = next(iter(circuits), "")
    worst = [fact for fact in facts if fact.level in (Level.CRITICAL, Level.WARNING)]
    said = []
    if opened:
        said.append(f"{len(opened)} of {len(circuits)} circuits OPEN")
    if testing:
        said.append(f"{len(testing)} HALF_OPEN")
    suspects = [*opened, *testing]
    if suspects and circuits[primary] in suspects:
        suspects = [circuits[primary]]
        said.append(f"primary {primary} {circuits[primary].state}")
    said += [f"{fact.label} {fact.value}" for fact in worst]
    if said:
        critical = (opened and len(opened) == len(circuits)) or any(f.level is Level.CRITICAL for f in worst)
        since = min((c.left_closed_at for c in suspects if c.left_closed_at), default=None)
        return (Level.CRITICAL if critical else Level.WARNING), " · ".join(said), since
    if all(fact.level is Level.NO_DATA for fact in facts):
        return Level.NO_DATA, f"no request ended in the last {RECENT.seconds // 60} minutes", None
    closed = sum(c.state == State.CLOSED for c in circuits.values())
    return Level.OK, f"rates within limits · {closed} of {len(circuits)} circuits CLOSED", None


def _facts(recent: pd.DataFrame) -> tuple[Fact, ...]:
    row = recent.iloc[0].to_dict() if len(recent) else {}
    n, failed = int(row.get("total") or 0), int(row.get("failed") or 0)

    def fact(
        label: str, column: str, limit: float, beyond: Level, says: Callable[[float], str], limit_says: str
    ) -> Fact:
        value = row.get(column)
        if not n or value is None or pd.isna(value):
            return Fact(label, Level.NO_DATA, "no data", limit_says, n)
        level = beyond if value > limit else Level.OK
        return Fact(label, level, says(float(value)), limit_says, n, bool(row.get("derived")))

    def percent(value: float) -> str:
        return f"{value:.1%}".replace("%", " %")

    errors = fact("error rate", "error_rate", ERROR_RATE, Level.CRITICAL, percent, "of 10 %")
    if failed and errors.level is Level.OK:  # below the rate's limit, but somebody got no answer
        errors = Fact(errors.label, Level.WARNING, f"{errors.value}, {failed} failed", errors.limit, n, errors.derived)
    return (
        errors,
        fact("fallback rate", "fallback_rate", FALLBACK_RATE, Level.WARNING, percent, "of 25 %"),
        fact("p95", "p95_ms", RESPONSE_P95_MS, Level.WARNING, lambda ms: f"{ms / 1000:.1f} s", "of 10 s"),
    )
