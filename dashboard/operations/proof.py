"""Whether the log shows that a change was made and what came of it. The API's answer proves nothing: a line does.

A claim is what the log should show; the evidence is read from the store; a proof is what of it has been found, what is
still awaited, and what to do if it does not come.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.control.values import Done
from dashboard.operations.drafts import CAUSES, CircuitDraft, Draft, Verb
from resilience.events import PROVIDER_NAME

BEFORE = timedelta(minutes=5)
SLACK = timedelta(seconds=5)
"""How far the clock that wrote the log may be behind the one that answered."""
NEAR = timedelta(seconds=1)
"""For a circuit's line that names no request: what was done earlier than this before was another change."""
PATIENCE = timedelta(seconds=20)

TEST_REQUEST = (
    "curl -X POST http://localhost:8000/api/progressive-questions/generate \\\n"
    '  -H "Content-Type: application/json" \\\n'
    """  -d '{"statement":"Test","context":{}}'"""
)
"""Runbook, "Incident: Primary Provider Down"."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a change should leave in the log.

    version: of the settings after it; at: when it was made; provider, verb: of a change of a circuit, else None;
    request_id: of the request that made such a change, None if it is not known.
    """

    version: int
    at: datetime
    provider: str | None = None
    verb: Verb | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class First:
    """The first request (or, after a reset or release, the first call to the provider) under the change."""

    at: datetime
    provider: str | None
    status: str
    ms: float


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests that succeeded, of those that count."""

    success: int
    total: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the store holds. event_at: of the change's own line; what, actor: what that line says, hostile text."""

    event_at: datetime | None
    what: str
    actor: str
    first: First | None
    before: Rate
    after: Rate


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence and what it lacks. awaited: in words; overdue: for longer than PATIENCE; advice: what to do then."""

    claim: Claim
    evidence: Evidence
    awaited: str | None
    waited_s: float
    overdue: bool
    advice: tuple[str, ...]
    command: str | None


def claim(draft: Draft, done: Done, now: datetime) -> Claim:
    """What the log should show after this answer."""
    at = done.at or now
    if isinstance(draft, CircuitDraft):
        return Claim(done.version, at, draft.provider, draft.verb, done.request_id)
    return Claim(done.version, at)


def spelled(claim: Claim) -> str:
    """The claim as it stands in a link."""
    parts = [str(claim.version), claim.at.astimezone(UTC).isoformat(timespec="milliseconds")]
    if claim.provider and claim.verb:
        parts += [claim.provider, str(claim.verb), *([claim.request_id] if claim.request_id else [])]
    return "~".join(parts)


def parsed(text: str) -> Claim | None:
    """The claim of a link; None if it is none."""
    parts = text.split("~")
    try:
        version, at = int(parts[0]), datetime.fromisoformat(parts[1]).astimezone(UTC)
        if len(parts) == 2:
            return Claim(version, at)
        if re.fullmatch(PROVIDER_NAME, parts[2]):
            return Claim(version, at, parts[2], Verb(parts[3]), parts[4] if len(parts) > 4 else None)
    except (ValueError, IndexError, OverflowError):
        pass
    return None


def own_event(
    claim: Claim, changes: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The change's own row. changes: metrics.config_changes; actions: metrics.actions, both of the time since."""
    if claim.provider is None or claim.verb is None:
        rows = [row for row in changes if row["version"] == claim.version and row["at"] >= claim.at - SLACK]
    else:
        # The text begins with the provider and the cause; a reason may follow in brackets.
        head = f"{claim.provider}: {CAUSES[claim.verb]}"
        rows = [row for row in actions if row["kind"] == "reset" and row["text"].split(" (")[0] == head]
        own = [row for row in rows if claim.request_id is not None and row["request_id"] == claim.request_id]
        # A service that names no request in its lines: the nearest in time.
        rows = own or [row for row in rows if row["request_id"] is None and row["at"] >= claim.at - NEAR]
    return min(rows, key=lambda row: abs(row["at"] - claim.at), default=None)


def under_version(claim: Claim, rows: Sequence[Mapping[str, Any]]) -> tuple[First | None, Rate]:
    """The first request under the claim's version or a later one, and how many went well.

    rows: metrics.requests_by_version of the time since.
    """
    own = [row for row in rows if row["config_version"] >= claim.version]
    if not own:
        return None, Rate(0, 0)
    first = min(own, key=lambda row: row["first_at"])
    found = First(first["first_at"], first["first_provider"], first["first_status"], first["first_ms"])
    return found, Rate(sum(row["success"] for row in own), sum(row["total"] for row in own))


def proof(claim: Claim, evidence: Evidence, newest_at: datetime | None, stale_s: float, now: datetime) -> Proof:
    """What has been proven by now.

    newest_at: time of the log's newest event; stale_s: its age that counts as stale, in seconds.
    """
    waited = max(timedelta(), now - claim.at)
    silent = newest_at is None or now - newest_at > timedelta(seconds=stale_s)
    awaited, advice, command = None, [], None
    if evidence.event_at is None:
        awaited = "the change's own line in the log"
        advice.append("Is this the service's log? The dashboard follows the files named below (METIS_DASHBOARD_LOG).")
        if silent:
            advice.append("No event has come in lately: the log or its reading may have stopped, see the Live page.")
    elif evidence.first is None:
        called = claim.provider if claim.verb in (Verb.RESET, Verb.RELEASE) else None
        awaited = f"the first call to {called}" if called else "the first request under the change"
        advice.append("There seems to be no traffic: send a test request with the runbook's command.")
        if called:
            advice.append(f"{called} is called only when it is the primary, or those before it give no answer.")
        command = TEST_REQUEST
    overdue = awaited is not None and waited >= PATIENCE
    told = tuple(advice) if overdue else ()
    return Proof(claim, evidence, awaited, waited.total_seconds(), overdue, told, command if overdue else None)
