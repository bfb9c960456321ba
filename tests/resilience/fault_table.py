"""The table: each fault of the catalogue, and what the chain has to make of it.

The chain is a faulty primary and a healthy second; one retry, circuits that open at the third failure.
docs/faults.md shows the same table; a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from resilience.events import Reason
from tests.resilience.fault_kit import SHORT


@dataclass(frozen=True)
class Outcome:
    """What has to follow. by: who answers, `primary`, `next` or nobody; attempts: on the primary, all with `reason`.

    words: for the documents; counted: against the primary's circuit; at_least_s: what the caller has to wait;
    error: how it ends where nobody answers; status: the provider's, as the log tells it; again: whether the same
    provider is tried again where it is the only one.
    """

    words: str
    by: str | None
    attempts: int
    reason: Reason | None = None
    status: int | None = None
    counted: bool = False
    at_least_s: float = 0.0
    error: str | None = None
    again: bool = False

    @property
    def waits(self) -> bool:
        """Whether a time limit has to run out."""
        return self.reason in _LIMITS

    def __str__(self) -> str:
        return f"{self.words} ({self.reason})" if self.reason else self.words


_LIMITS = (Reason.TIMEOUT, Reason.FIRST_TOKEN_TIMEOUT, Reason.STREAM_STALLED, Reason.DEADLINE)
ANSWERED = Outcome("answered", "primary", 1)


def retried(reason: Reason, status: int | None = None, wish_s: float = 0.0) -> Outcome:
    """Tried again at once, or after the provider's wish; then the next provider."""
    return Outcome("retry, then next", "next", 2, reason, status, counted=True, at_least_s=wish_s, again=True)


def left(reason: Reason, status: int | None = None) -> Outcome:
    """The next provider at once; the failure counts."""
    return Outcome("next", "next", 1, reason, status, counted=True)


def passed_by(reason: Reason, status: int | None = None) -> Outcome:
    """The next provider at once; it says nothing about this one's health."""
    return Outcome("next, not counted", "next", 1, reason, status)


def silent(reason: Reason) -> Outcome:
    """The next provider after one time limit."""
    return Outcome("next after the limit", "next", 1, reason, counted=True, at_least_s=SHORT.attempt_s, again=True)


def refused(reason: Reason, status: int) -> Outcome:
    """The caller's error: no retry, no fallback, not counted."""
    return Outcome("the caller's error", None, 1, reason, status, error="refused")


def broken(reason: Reason, status: int | None = None, at_least_s: float = 0.0) -> Outcome:
    """A stream after its first content: an error, never an end."""
    return Outcome(
        "error after the pieces", None, 1, reason, status, counted=True, at_least_s=at_least_s, error="broken"
    )


@dataclass(frozen=True)
class Row:
    """The outcome of a plain call, and of a streamed one."""

    plain: Outcome
    streamed: Outcome


def both(outcome: Outcome) -> Row:
    """The same, streamed or not."""
    return Row(outcome, outcome)


R = Reason
_HANGS = Row(silent(R.TIMEOUT), silent(R.FIRST_TOKEN_TIMEOUT))
_MALFORMED = both(retried(R.MALFORMED_RESPONSE))

TABLE: Mapping[str, Row] = {
    "bad_request": both(refused(R.BAD_REQUEST, 400)),
    "unauthorized": both(left(R.AUTH_ERROR, 401)),
    "payment_required": both(left(R.AUTH_ERROR, 402)),
    "forbidden": both(left(R.AUTH_ERROR, 403)),
    "not_found": both(passed_by(R.BAD_REQUEST, 404)),
    "request_timeout": both(retried(R.SERVER_ERROR, 408)),
    "conflict": both(retried(R.SERVER_ERROR, 409)),
    "too_large": both(passed_by(R.CONTEXT_LENGTH, 413)),
    "unprocessable": both(refused(R.BAD_REQUEST, 422)),
    "rate_limit": both(retried(R.RATE_LIMITED, 429)),
    "rate_limit_seconds": both(retried(R.RATE_LIMITED, 429, wish_s=1.0)),
    "rate_limit_date": both(retried(R.RATE_LIMITED, 429)),
    "rate_limit_ms": both(retried(R.RATE_LIMITED, 429, wish_s=0.3)),
    "rate_limit_long": both(left(R.RATE_LIMITED, 429)),
    "server_error": both(retried(R.SERVER_ERROR, 500)),
    "bad_gateway": both(retried(R.SERVER_ERROR, 502)),
    "unavailable": both(retried(R.SERVER_ERROR, 503)),
    "gateway_timeout": both(retried(R.SERVER_ERROR, 504)),
    "overloaded": both(retried(R.OVERLOADED, 529)),
    "context_length": both(passed_by(R.CONTEXT_LENGTH, 400)),
    "content_filter": both(refused(R.CONTENT_FILTER, 403)),
    "refusal": both(refused(R.CONTENT_FILTER, 200)),
    "refusal_text": both(refused(R.CONTENT_FILTER, 200)),
    "refusal_midway": both(refused(R.CONTENT_FILTER, 200)),
    "redirect": both(passed_by(R.BAD_REQUEST, 302)),
    "redirect_kept": both(passed_by(R.BAD_REQUEST, 307)),
    "no_content": both(retried(R.MALFORMED_RESPONSE, 204)),
    "error_in_200": both(retried(R.SERVER_ERROR, 500)),
    "rate_limit_in_200": both(retried(R.RATE_LIMITED, 429)),
    "overloaded_in_200": both(retried(R.OVERLOADED, 529)),
    "error_in_choice": both(retried(R.SERVER_ERROR, 500)),
    "error_before_content": both(retried(R.SERVER_ERROR, 500)),
    "error_in_stream": Row(retried(R.SERVER_ERROR, 500), broken(R.SERVER_ERROR, 500)),
    "overloaded_in_stream": Row(retried(R.OVERLOADED, 529), broken(R.OVERLOADED, 529)),
    "refused": both(retried(R.CONNECT_ERROR)),
    "reset": both(retried(R.CONNECTION_RESET)),
    "closed": both(retried(R.CONNECTION_RESET)),
    "hang": _HANGS,
    "slow_head": _HANGS,
    "huge_head": both(retried(R.CONNECTION_RESET)),
    "hang_after_head": _HANGS,
    "reset_after_head": Row(retried(R.CONNECTION_RESET), retried(R.STREAM_INTERRUPTED)),
    "cut": Row(retried(R.CONNECTION_RESET), broken(R.STREAM_INTERRUPTED)),
    "reset_midway": Row(retried(R.CONNECTION_RESET), broken(R.STREAM_INTERRUPTED)),
    "stall": Row(silent(R.TIMEOUT), broken(R.STREAM_STALLED, at_least_s=SHORT.stall_s)),
    "bad_chunk": Row(retried(R.CONNECTION_RESET), broken(R.STREAM_INTERRUPTED)),
    "short_body": Row(retried(R.CONNECTION_RESET), ANSWERED),
    "empty": _MALFORMED,
    "html": _MALFORMED,
    "malformed": _MALFORMED,
    "wrong_shape": _MALFORMED,
    "deep_json": _MALFORMED,
    "invalid_utf8": Row(retried(R.MALFORMED_RESPONSE), ANSWERED),
    "wrong_content_type": Row(ANSWERED, retried(R.MALFORMED_RESPONSE)),
    "gzip_bomb": _MALFORMED,
    "only_keep_alives": _HANGS,
    "drip": Row(
        silent(R.TIMEOUT),
        Outcome("error at the deadline", None, 1, R.DEADLINE, at_least_s=SHORT.request_s, error="deadline"),
    ),
    "endless": Row(retried(R.MALFORMED_RESPONSE), broken(R.MALFORMED_RESPONSE)),
    "oversized_event": _MALFORMED,
    "oversized_event_midway": Row(retried(R.MALFORMED_RESPONSE), broken(R.MALFORMED_RESPONSE)),
    "empty_stream": Row(retried(R.MALFORMED_RESPONSE), retried(R.STREAM_INTERRUPTED)),
    "done_without_content": Row(retried(R.MALFORMED_RESPONSE), retried(R.STREAM_INTERRUPTED)),
    "no_finish": Row(retried(R.MALFORMED_RESPONSE), broken(R.STREAM_INTERRUPTED)),
    "bad_event": Row(retried(R.MALFORMED_RESPONSE), broken(R.MALFORMED_RESPONSE)),
    "no_done": both(ANSWERED),
    "no_last_newline": both(ANSWERED),
    "close_at_end": both(ANSWERED),
    "hang_at_end": both(ANSWERED),
    "no_usage": both(ANSWERED),
    "absurd_usage": both(ANSWERED),
    "unknown_fields": both(ANSWERED),
    "keep_alives": both(ANSWERED),
    "crlf": both(ANSWERED),
    "many_lines": both(ANSWERED),
    "byte_by_byte": both(ANSWERED),
    "split_utf8": both(ANSWERED),
    "half_surrogate": both(ANSWERED),
    "compressed": Row(ANSWERED, retried(R.MALFORMED_RESPONSE)),
    "whole_for_stream": both(ANSWERED),
}

SAFE: Mapping[str, Outcome] = {
    "refusal_midway": refused(R.CONTENT_FILTER, 200),
    "error_in_stream": retried(R.SERVER_ERROR, 500),
    "overloaded_in_stream": retried(R.OVERLOADED, 529),
    "cut": retried(R.STREAM_INTERRUPTED),
    "reset_midway": retried(R.STREAM_INTERRUPTED),
    "stall": silent(R.STREAM_STALLED),
    "bad_chunk": retried(R.STREAM_INTERRUPTED),
    "drip": Outcome(
        "next, in time",
        "next",
        1,
        R.TIMEOUT,
        counted=True,
        at_least_s=SHORT.request_s - SHORT.first_token_s,
        again=True,
    ),
    "endless": retried(R.MALFORMED_RESPONSE),
    "oversized_event_midway": retried(R.MALFORMED_RESPONSE),
    "no_finish": retried(R.STREAM_INTERRUPTED),
    "bad_event": retried(R.MALFORMED_RESPONSE),
}
"""In the mode `safe`: what breaks after its first content. All other streams end as in TABLE."""
