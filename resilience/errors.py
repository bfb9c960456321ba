"""What can go wrong, as one tree.

    ResilienceError
    ├── PolicyError            a policy value breaks its rule
    ├── ConfigError            a setting breaks its rule (names the variable)
    ├── RequestError           the caller's request cannot be sent as it is
    ├── ProviderError          one attempt failed: carries a Failure
    └── ChainError             the request ended without an answer
        ├── ProvidersExhaustedError  nothing left to try
        └── DeadlineExceededError    the request's own deadline passed

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


class RequestError(ResilienceError):
    """The caller's request cannot be sent as it is; `param` names the field to change."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


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


class ChainError(ResilienceError):
    """The request ended without an answer; `tried` lists provider and reason in order."""

    def __init__(self, message: str, *, request_id: str, tried: Sequence[Tried]) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.tried = tuple(tried)


class ProvidersExhaustedError(ChainError):
    """Every provider of the chain was tried or skipped, each with its reason."""


class DeadlineExceededError(ChainError):
    """The whole request's deadline passed before a provider answered."""
