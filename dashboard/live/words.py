"""The runbook's words for causes and reasons, and levels of severity with their signs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dashboard.circuits import RESTARTED
from resilience.events import Cause, Reason


class Level(StrEnum):
    """How bad a thing is; NO_DATA is never good news."""

    CRITICAL = "critical"
    WARNING = "warning"
    PENDING = "pending"
    OK = "ok"
    NO_DATA = "no data"


COOLDOWN_OVER = "cooldown_over"
"""Cause of a state that nobody has logged yet: OPEN has lasted its time."""

CAUSES: Mapping[str, str] = {
    Cause.THRESHOLD: "too many failures in a row",
    Cause.COOLDOWN_ELAPSED: "cooldown over, testing",
    COOLDOWN_OVER: "cooldown over, the next call tests it",
    Cause.ALL_OPEN: "all circuits open, testing early",
    Cause.PROBE_SUCCEEDED: "probe succeeded",
    Cause.PROBE_FAILED: "probe failed",
    Cause.PROBE_TIMED_OUT: "probe timed out",
    Cause.MANUAL_RESET: "reset by an operator",
    Cause.ISOLATED: "isolated by an operator",
    Cause.RELEASED: "released by an operator",
    Cause.ADOPTED: "adopted from another replica",
    RESTARTED: "the service started",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What the runbook says about a reason: its name there, cause, fix, and where to read it."""

    title: str
    cause: str
    fix: str
    section: str


_REPEATED = "runbook §6, Investigate Repeated Fallbacks"
_OPEN = "runbook §5, Handle Circuit Breaker OPEN State"
_FAILING = "runbook, All Requests Failing"
_OUTSIDE = "not in the runbook"

ADVICE: Mapping[str, Advice] = {
    Reason.RATE_LIMITED: Advice(
        "429 Rate Limit Exceeded",
        "Rate limiting",
        "Increase METIS_LLM_RETRY_BASE_DELAY to 2.0, or switch the provider priority.",
        _REPEATED,
    ),
    Reason.OVERLOADED: Advice(
        "503 Service Unavailable",
        "Server overload (DeepSeek: 20M+ daily users)",
        "Retry logic is in place; watch whether it improves.",
        _REPEATED,
    ),
    Reason.SERVER_ERROR: Advice(
        "5xx server error",
        "The provider failed to answer",
        "Retry logic is in place; watch whether it improves. Check the provider's status page.",
        _REPEATED,
    ),
    Reason.TIMEOUT: Advice(
        "Timeout",
        "No answer within METIS_LLM_TIMEOUT_SECONDS",
        "Increase METIS_LLM_TIMEOUT_SECONDS (above 120 s hurts users), or simplify prompts.",
        _REPEATED,
    ),
    Reason.AUTH_ERROR: Advice(
        "401 Unauthorized",
        "API key missing, wrong or expired",
        "Check the API key in .env; verify that it has not expired.",
        _REPEATED,
    ),
    Reason.MISSING_API_KEY: Advice(
        "No API key",
        "API key not configured",
        "Set the provider's API key in .env.",
        _REPEATED,
    ),
    Reason.CIRCUIT_OPEN: Advice(
        "Circuit OPEN",
        "The circuit spared the call",
        "Wait for the cooldown: the circuit tries again by itself.",
        _OPEN,
    ),
    Reason.CONNECT_ERROR: Advice(
        "No connection",
        "The provider cannot be reached",
        "Check network connectivity: curl -I the provider's address.",
        _FAILING,
    ),
    Reason.CONNECTION_RESET: Advice(
        "Connection reset",
        "The connection broke during the call",
        "Check network connectivity: curl -I the provider's address.",
        _FAILING,
    ),
}


def advice(reason: object) -> Advice:
    """The runbook's advice for a reason, or an honest blank."""
    known = ADVICE.get(reason) if isinstance(reason, str) else None
    return known or Advice(reason_word(reason).capitalize(), "", "See the raw lines below.", _OUTSIDE)


def reason_word(reason: object) -> str:
    """A reason in words; `not said` for none; what the core cannot have written is `other`, whatever it says."""
    if not isinstance(reason, str):
        return "not said"
    try:
        return Reason(reason).replace("_", " ")
    except ValueError:
        return "other"
