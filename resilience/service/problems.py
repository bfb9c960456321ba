"""What a caller gets instead of an answer: one exception, one status, one body in OpenAI's error shape.

    {"error": {"message": ..., "type": ..., "param": ..., "code": ..., and what helps}}

The official clients turn the status into their exception types; docs/service.md lists the codes. Nothing in
here shows an upstream's text, a key or a prompt.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.exceptions import HTTPException

from resilience.errors import (
    BlockedError,
    ChainError,
    DeadlineExceededError,
    ProvidersExhaustedError,
    RequestError,
    ResilienceError,
    UnansweredError,
    UngroundedError,
)
from resilience.events import Reason
from resilience.guards.guarding import redacted
from resilience.service.wire import SafeJSONResponse, cost_headers


@dataclass(frozen=True, slots=True)
class Problem:
    """An error response as a value. `more` are further keys of the error object."""

    status: int
    message: str
    type: str
    param: str | None = None
    code: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The JSON body, also the data of a stream's error event."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
                **self.more,
            }
        }

    def response(self) -> SafeJSONResponse:
        """The response that says it."""
        return SafeJSONResponse(self.body(), self.status, dict(self.headers))


INTERNAL = Problem(500, "The service failed; its log has the details under this request id", "server_error")


class ProblemError(ResilienceError):
    """A request that ends with this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class UnsupportedMediaTypeError(RequestError):
    """The body is not declared as JSON."""


def problem_of(exc: Exception) -> Problem:
    """What to tell the caller about `exc`; an exception without a meaning of its own is INTERNAL."""
    problem = _problem_of(exc)
    # A message may show a value of the request's; whoever logs our errors must not get a secret by it.
    problem = replace(problem, message=redacted(problem.message), param=problem.param and redacted(problem.param))
    if isinstance(exc, UnansweredError):
        return replace(problem, headers={**problem.headers, **cost_headers(exc.attempts, exc.fallbacks)})
    return problem


def _problem_of(exc: Exception) -> Problem:
    match exc:
        case ProblemError():
            return exc.problem
        case UnsupportedMediaTypeError():
            return Problem(415, str(exc), "invalid_request_error", code="unsupported_media_type")
        case BlockedError():
            return Problem(400, str(exc), "invalid_request_error", param="messages", code="blocked")
        case RequestError(reason=Reason.CONTENT_FILTER):
            return Problem(400, str(exc), "invalid_request_error", param="messages", code="content_filter")
        case RequestError():
            return Problem(400, str(exc), "invalid_request_error", param=exc.param)
        case ProvidersExhaustedError():
            wait = {} if exc.retry_after_s is None else {"retry-after": str(max(1, math.ceil(exc.retry_after_s)))}
            return _chain_problem(503, "providers_exhausted", exc, wait or _NO_RETRY)
        case UngroundedError():
            return _chain_problem(502, "ungrounded", exc, _NO_RETRY)
        case DeadlineExceededError():
            return _chain_problem(504, "deadline_exceeded", exc, _NO_RETRY)
        case ChainError():
            return _chain_problem(502, "stream_broken", exc, _NO_RETRY)
        case HTTPException():
            return _http_problem(exc)
    return INTERNAL


# The chain has retried already; an official client that tries again at once would only multiply the attempts.
_NO_RETRY = {"x-should-retry": "false"}


def _chain_problem(status: int, code: str, exc: ChainError, headers: Mapping[str, str]) -> Problem:
    more = {
        "request_id": exc.request_id,
        "tried": [{"provider": step.provider, "reason": step.reason} for step in exc.tried],
    }
    return Problem(status, str(exc), "server_error", code=code, more=more, headers=headers)


_HTTP_MESSAGES: Mapping[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing at this path; /openapi.json lists what there is"),
    405: ("method_not_allowed", "This path does not take this method; the allow header names those it takes"),
    413: ("body_too_large", "The request's body is larger than 2 MiB: send less"),
}


def _http_problem(exc: HTTPException) -> Problem:
    code, message = _HTTP_MESSAGES.get(exc.status_code, ("http_error", str(exc.detail)))
    kind = "invalid_request_error" if exc.status_code < 500 else "server_error"
    return Problem(exc.status_code, message, kind, code=code, headers=exc.headers or {})
