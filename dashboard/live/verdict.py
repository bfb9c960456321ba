"""The verdict: what is wrong now and since when, from the alerts; and how it stands with the chain, from the log.

The alerts are the one source of what is wrong. Without data there is no verdict: the level is NO_DATA, never OK, and
neither is it OK while an alert is pending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.alert_board.rows import AlertRow, worst_first
from dashboard.alerts.evaluate import Phase
from dashboard.alerts.rule import Severity
from dashboard.live.circuits import CircuitNow
from dashboard.live.frames import RECENT
from dashboard.live.span import Extent, Mode, Span
from dashboard.live.words import Level
from resilience.events import State

NAMED = 2
"""So many alerts are in the headline; the others are counted, and stand below."""
_LEVELS: Mapping[Severity, Level] = {Severity.CRITICAL: Level.CRITICAL, Severity.WARNING: Level.WARNING}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Content of the strip.

    since: when the condition of the worst thing became true; active, pending: how many alerts; chain: the circuits in
    words; traffic: the requests of the last RECENT in words; newest: the newest event's time; unparsed: lines that look
    like events and could not be read.
    """

    level: Level
    headline: str
    since: datetime | None
    active: int
    pending: int
    chain: str
    traffic: str
    mode: Mode
    past: bool
    at: datetime
    newest: datetime | None
    unparsed: int


def verdict(
    alerts: Sequence[AlertRow],
    circuits: Mapping[str, CircuitNow],
    recent: pd.DataFrame,
    span: Span,
    extent: Extent | None,
    unparsed: int,
    trouble: str = "",
) -> Verdict:
    """What the strip says.

    alerts: alert_board.rows of the moment shown; circuits: in chain order, the primary first; recent:
    metrics.request_summary of the last RECENT before that moment; trouble: why the alerts are not known, if so.
    """
    total, traffic = _traffic(recent)
    level, headline, since = _judge(alerts, trouble, total)
    if extent is None:
        level, headline, since = Level.NO_DATA, "no event yet", None
    elif span.mode is Mode.STALE and not span.past:
        level = Level.NO_DATA if level is Level.OK else level
        headline = f"log stopped · {headline}"
    return Verdict(
        level=level,
        headline=headline,
        since=since,
        active=sum(row.active for row in alerts),
        pending=sum(row.phase is Phase.PENDING for row in alerts),
        chain=_chain(circuits),
        traffic=traffic,
        mode=span.mode,
        past=span.past,
        at=span.at,
        newest=None if extent is None else extent.newest,
        unparsed=unparsed,
    )


def _judge(alerts: Sequence[AlertRow], trouble: str, total: int) -> tuple[Level, str, datetime | None]:
    if trouble:
        return Level.NO_DATA, trouble, None
    active = [row for row in worst_first(tuple(alerts)) if row.active]
    pending = [row for row in alerts if row.phase is Phase.PENDING]
    said = [row.headline for row in (active or pending)[:NAMED]]
    if active:
        alike = [row for row in active if row.severity is active[0].severity]
        since = min((row.pending_at for row in alike if row.pending_at), default=None)
        return _LEVELS[active[0].severity], " · ".join(said), since
    if pending:
        since = min((row.pending_at for row in pending if row.pending_at), default=None)
        return Level.PENDING, " · ".join(said), since
    if not total:
        return Level.NO_DATA, f"no request ended in the last {RECENT.seconds // 60} minutes", None
    return Level.OK, "no alert", None


def _chain(circuits: Mapping[str, CircuitNow]) -> str:
    def number(state: State) -> int:
        return sum(circuit.state == state for circuit in circuits.values())

    said = [f"{number(state)} {state}" for state in (State.OPEN, State.HALF_OPEN) if number(state)]
    said = said or [f"{number(State.CLOSED)} of {len(circuits)} CLOSED"]
    text = f"circuits: {', '.join(said)}"
    primary = next(iter(circuits), "")
    if primary and circuits[primary].state in (State.OPEN, State.HALF_OPEN):
        text += f" · primary {primary} {circuits[primary].state}"
        if (left_at := circuits[primary].left_closed_at) is not None:
            text += f", not CLOSED since {left_at:%H:%M:%S} UTC"
    return text


def _traffic(recent: pd.DataFrame) -> tuple[int, str]:
    row = recent.iloc[0].to_dict() if len(recent) else {}
    total, failed = int(row.get("total") or 0), int(row.get("failed") or 0)
    text = f"{total:,} request{'' if total == 1 else 's'}"
    if failed:
        text += f", {failed:,} without an answer"
    return total, text + (", derived" if row.get("derived") else "")
