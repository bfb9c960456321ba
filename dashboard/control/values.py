"""What the control API says, as frozen values. Times are UTC; text is as it came, for inert ways of showing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do. An operator may change things, a viewer sees everything, nobody sees nothing."""

    NOBODY = "nobody"
    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit as the service holds it. state: CLOSED, OPEN or HALF_OPEN; isolated_until: held OPEN by hand."""

    state: str
    cause: str | None
    since: datetime | None
    open_until: datetime | None
    failures: int
    actor: str | None
    reason: str | None
    isolated_until: datetime | None


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of the chain, or one outside the order. key: ok, missing or refused."""

    provider: str
    model: str
    primary: bool
    key: str
    circuit: Circuit | None


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. unit: "s" or ""; rule: what a value must be, in words; fixed: why it cannot be changed, or None."""

    name: str
    value: str
    default: str
    unit: str
    rule: str
    origin: str
    fixed: str | None


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard's switch. until: when it switches back on; available: whether the guard exists in this service."""

    guard: str
    enabled: bool
    until: datetime | None
    actor: str | None
    reason: str | None
    available: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the past. changes: (name, old, new); undoes: the version that it put back."""

    version: int
    at: datetime | None
    actor: str
    reason: str
    origin: str
    kind: str
    changes: tuple[tuple[str, str, str], ...]
    undoable: bool
    undoes: int | None


@dataclass(frozen=True, slots=True)
class ControlState:
    """The whole of GET /state.

    providers: in order, then those outside the order; available: names that an order may hold; changes: newest
    first; env_problem: why an edit of .env was not taken; needs_restart: settings that only a restart applies.
    """

    version: int
    role: Role
    name: str
    order: tuple[str, ...]
    primary: str | None
    providers: tuple[Provider, ...]
    available: tuple[str, ...]
    settings: tuple[Setting, ...]
    guards: tuple[Guard, ...]
    changes: tuple[Change, ...]
    env_problem: str | None
    needs_restart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change would be refused, as a preview says it."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do; nothing was changed."""

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A change that the service says it has made; the log has the last word. replayed: it had been made before.

    changes: none if all was so already; request_id: of the request that made it, None if the service does not say.
    """

    version: int
    at: datetime | None
    changes: tuple[tuple[str, str, str], ...]
    warnings: tuple[str, ...]
    replayed: bool
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One diagnostic. ok: None where it could not be told."""

    check: str
    ok: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No usable answer. unsure: a change was sent, and whether it was made is not known."""

    message: str
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Unauthorised:
    """The service does not let this page in, or not do this. retry_after_s: wait so long before the next try."""

    message: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody changed something since the version that was seen. between: what, newest first."""

    version: int
    between: tuple[Change, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The service will not do this now. forceable: it will, if it is told to all the same."""

    code: str
    message: str
    forceable: bool


@dataclass(frozen=True, slots=True)
class Invalid:
    """A value breaks its rule. param: whose."""

    param: str | None
    message: str


Problem = Unreachable | Unauthorised | Stale | Refused | Invalid

SETTING_NAMES: Mapping[str, str] = {
    "METIS_LLM_CIRCUIT_THRESHOLD": "Failures that open a circuit",
    "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": "Cooldown of an open circuit",
    "METIS_LLM_TIMEOUT_SECONDS": "Timeout per provider",
    "METIS_LLM_MAX_RETRIES": "Retries per provider",
    "METIS_LLM_RETRY_BASE_DELAY": "Base delay of retries",
    "METIS_LLM_DEADLINE_SECONDS": "Deadline of a request",
}
"""The runbook's settings, in words, in the order of the page; all others stand under "more"."""
