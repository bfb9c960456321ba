"""What a failure asks for: another try here, the next provider, or the caller's attention.

One table, TREATMENTS, decides; docs/faults.md shows it.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from resilience.circuit import Outcome
from resilience.errors import Failure
from resilience.events import Reason
from resilience.policy import RetryPolicy


@dataclass(frozen=True, slots=True)
class Treatment:
    """What follows a failure.

    retry: trying the same provider again can help; patient: but only where no other provider is left (a silent
    provider costs a whole timeout each time); fall_back: the next provider may do better; outcome: what the
    circuit counts.
    """

    retry: bool
    fall_back: bool
    outcome: Outcome
    patient: bool = False


_TRANSIENT = Treatment(retry=True, fall_back=True, outcome=Outcome.FAILURE)
_SILENT = Treatment(retry=True, fall_back=True, outcome=Outcome.FAILURE, patient=True)
_BROKEN = Treatment(retry=False, fall_back=True, outcome=Outcome.FAILURE)
_ELSEWHERE = Treatment(retry=False, fall_back=True, outcome=Outcome.NEUTRAL)
_CALLERS = Treatment(retry=False, fall_back=False, outcome=Outcome.NEUTRAL)

TREATMENTS: Mapping[Reason, Treatment] = {
    Reason.TIMEOUT: _SILENT,
    Reason.FIRST_TOKEN_TIMEOUT: _SILENT,
    Reason.STREAM_STALLED: _SILENT,
    Reason.CONNECT_ERROR: _TRANSIENT,
    Reason.CONNECTION_RESET: _TRANSIENT,
    Reason.RATE_LIMITED: _TRANSIENT,
    Reason.SERVER_ERROR: _TRANSIENT,
    Reason.OVERLOADED: _TRANSIENT,
    Reason.MALFORMED_RESPONSE: _TRANSIENT,
    Reason.STREAM_INTERRUPTED: _TRANSIENT,
    Reason.AUTH_ERROR: _BROKEN,
    Reason.CONTEXT_LENGTH: _ELSEWHERE,
    Reason.MISSING_API_KEY: _ELSEWHERE,
    Reason.CIRCUIT_OPEN: _ELSEWHERE,
    Reason.BAD_REQUEST: _CALLERS,
    Reason.CONTENT_FILTER: _CALLERS,
    # Cut short by the request's deadline: it had less than half of its time, so it proves nothing.
    Reason.DEADLINE: _ELSEWHERE,
    Reason.CANCELLED: Treatment(retry=False, fall_back=False, outcome=Outcome.NEUTRAL),
}


def treatment(failure: Failure) -> Treatment:
    """The table's answer for one failure."""
    if failure.http_status is not None and (failure.http_status == 404 or 300 <= failure.http_status < 400):
        return _ELSEWHERE  # this provider does not know the model or the path, or lives elsewhere; the next may
    return TREATMENTS[failure.reason]


def backoff_delay_s(policy: RetryPolicy, retry: int, rng: random.Random) -> float:
    """Seconds to wait before retry number `retry` (1 is the first): exponential with full jitter."""
    ceiling = min(policy.max_delay_s, policy.base_delay_s * 2.0 ** (retry - 1))
    return rng.uniform(0, ceiling)
