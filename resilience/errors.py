"""What can go wrong, as one tree.

    ResilienceError
    ├── PolicyError            a policy value breaks its rule
    ├── ConfigError            a setting breaks its rule (names the variable)
    ├── ProviderError          one attempt failed: carries a Failure
    └── UnansweredError        a caller's request ended without an answer
        ├── RequestError             it cannot be sent as it is
        │   └── BlockedError             a guard stopped it
        └── ChainError               the chain gave none
            ├── ProvidersExhaustedError  nothing left to try
            ├── DeadlineExceededError    the request's own deadline passed
            ├── StreamBrokenError        a streamed answer broke off after its first content
            └── UngroundedError          the answer is not borne out by the request's context

Messages name the thing, the rule and the value, and never show a key or a prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resilience.events import Reason, Tried


class ResilienceError(Exception):
    """Base of every error that this package raises on purpose."""


class PolicyError(ResilienceError):
    """A policy value breaks its rule: `field must be ..., got ...`."""

    def __init__(self, field: str, rule: str, value: object) -> None:
        super().__init__(f"{field} must be {rule}, got {value!r}")
        self.field = field
        self.rule = rule
        self.value = value


class ConfigError(ResilienceError):
    """A setting breaks its rule; the message names the variable, the rule and the value."""


class UnansweredError(ResilienceError):
    """A caller's request ended without an answer, after so many attempts and fallbacks."""

    attempts: int = 0
    fallbacks: int = 0


class RequestError(UnansweredError):
    """The caller's request cannot be sent as it is, or a provider refused it for what it asks.

    param: the field to change, where one is known; reason: the contract's word.
    """

    def __init__(self, message: str, *, param: str | None = None, reason: Reason = Reason.BAD_REQUEST) -> None:
        super().__init__(message)
        self.param = param
        self.reason = reason


class BlockedError(RequestError):
    """A guard stopped the request. The message tells nothing of how it was noticed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one attempt failed, in the log's terms.

    reason: the contract's word; http_status: the provider's status, None before a response;
    retry_after_s: the provider's wish in seconds, None without one; detail: for people, without upstream text
    that has not been checked.
    """

    reason: Reason
    http_status: int | None = None
    retry_after_s: float | None = None
    detail: str = ""


class ProviderError(ResilienceError):
    """One attempt on one provider failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail or failure.reason.value)
        self.failure = failure


class ChainError(UnansweredError):
    """The request ended without an answer; `tried` lists provider and reason in order."""

    def __init__(self, message: str, *, request_id: str, tried: Sequence[Tried]) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.tried = tuple(tried)


class ProvidersExhaustedError(ChainError):
    """Every provider of the chain was tried or skipped, each with its reason.

    retry_after_s: the soonest time at which a circuit lets a probe through, None if none is open.
    """

    def __init__(self, *, request_id: str, tried: Sequence[Tried], retry_after_s: float | None) -> None:
        steps = ", ".join(f"{step.provider}: {step.reason}" for step in tried)
        super().__init__(f"all providers exhausted ({steps})", request_id=request_id, tried=tried)
        self.retry_after_s = retry_after_s


class DeadlineExceededError(ChainError):
    """The whole request's deadline passed before a provider answered."""


class StreamBrokenError(ChainError):
    """A streamed answer broke off after its first content; what came so far is not the whole answer."""


class UngroundedError(ChainError):
    """The answer broke the grounding contract twice. issues: the kinds of violations, without text."""

    def __init__(self, *, request_id: str, tried: Sequence[Tried], issues: Sequence[str]) -> None:
        message = f"the answer is not borne out by the context ({', '.join(issues)})"
        super().__init__(message, request_id=request_id, tried=tried)
        self.issues = tuple(issues)
