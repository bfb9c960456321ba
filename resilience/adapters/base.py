"""The seam between the chain and a provider's wire format, and what all formats share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from resilience.chat import ChatRequest, Completion, Delta, Usage
from resilience.config import Provider
from resilience.errors import Failure, ProviderError
from resilience.events import Reason


@dataclass(frozen=True, slots=True)
class Call:
    """One POST: where, with which headers, and the JSON body as bytes."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class DeltaReader(Protocol):
    """Turns one stream's server-sent events into deltas."""

    def feed(self, data: str) -> list[Delta]:
        """The deltas of one event's data. Raises ProviderError for an error or nonsense inside the stream."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the provider said that the answer is whole."""
        ...

    @property
    def done(self) -> bool:
        """Whether nothing more of use can come."""
        ...


class Adapter(Protocol):
    """A wire format."""

    def call(self, provider: Provider, request: ChatRequest, *, streamed: bool) -> Call:
        """The POST that asks this provider."""
        ...

    def completion(self, body: bytes) -> Completion:
        """The answer in a 200's body. Raises ProviderError if there is none, or an error instead."""
        ...

    def usage(self, data: bytes | str) -> Usage | None:
        """The tokens that a body or an event tells, whatever else it says; for those that are no answer."""
        ...

    def reader(self) -> DeltaReader:
        """A reader for one streamed answer."""
        ...


STATUS_REASONS: Mapping[int, Reason] = {
    401: Reason.AUTH_ERROR,
    402: Reason.AUTH_ERROR,  # DeepSeek and OpenRouter: the account has no balance left
    403: Reason.AUTH_ERROR,
    408: Reason.SERVER_ERROR,
    409: Reason.SERVER_ERROR,
    413: Reason.CONTEXT_LENGTH,
    425: Reason.SERVER_ERROR,
    429: Reason.RATE_LIMITED,
    503: Reason.SERVER_ERROR,
    529: Reason.OVERLOADED,
}
"""Reasons by HTTP status, where the body says nothing better."""

_CONTEXT_WORDS = ("context_length", "context length", "maximum context", "prompt is too long", "too many tokens")
_FILTER_WORDS = (
    "content_filter",
    "content_policy",
    "content management policy",
    "content filtering policy",  # Anthropic
    "content exists risk",  # DeepSeek
    "moderation",
)


def failure(status: int, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> Failure:
    """What an error response means. `headers` has lower-case names; `now` is for a Retry-After that is a date."""
    error = error_object(body)
    return Failure(
        reason=reason_of(status, error),
        http_status=status,
        retry_after_s=retry_after_s(headers, now or datetime.now(UTC)),
    )


def reason_of(status: int, error: Mapping[str, Any]) -> Reason:
    """The contract's word for an HTTP status (or the code inside a 200) and its error object."""
    words = " ".join(str(error.get(key, "")) for key in ("code", "type", "message")).lower()
    if "overloaded_error" in words:
        return Reason.OVERLOADED
    if status in (400, 413, 422) and any(word in words for word in _CONTEXT_WORDS):
        return Reason.CONTEXT_LENGTH
    if status in (400, 403, 422) and any(word in words for word in _FILTER_WORDS):
        return Reason.CONTENT_FILTER
    if status in STATUS_REASONS:
        return STATUS_REASONS[status]
    if status < 300:
        return Reason.MALFORMED_RESPONSE  # a success that is no answer: 202, 204
    return Reason.SERVER_ERROR if status >= 500 else Reason.BAD_REQUEST


def error_object(body: bytes) -> Mapping[str, Any]:
    """The `error` object of a body, empty where there is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def failure_inside(error: Mapping[str, Any], types: Mapping[str, int]) -> Failure:
    """An error that came inside a 200 or a stream: its code if that is a status, else the status of code or type."""
    code = error.get("code")
    if isinstance(code, int) and 400 <= code <= 599:
        status = code
    else:
        status = types.get(str(code)) or types.get(str(error.get("type"))) or 500
    return Failure(reason=reason_of(status, error), http_status=status)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The provider's wish in seconds, never negative; None without one or if it makes no sense."""
    millis = _number(headers.get("retry-after-ms"))
    if millis is not None:
        return _sensible(millis / 1000)
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return _sensible(seconds)
    try:
        at = parsedate_to_datetime(text)  # Retry-After may be a date: RFC 9110, 10.2.3
        return _sensible(max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()))
    except (ValueError, OverflowError, IndexError):
        return None


LONGEST_WISH_S = 86_400.0
"""A longer wish is taken for a broken clock: it would keep everybody from the provider for good."""


def _sensible(wish_s: float) -> float | None:
    return wish_s if 0 <= wish_s <= LONGEST_WISH_S else None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def decoded(data: bytes | str) -> dict[str, Any]:
    """A JSON object from the wire. Raises ProviderError(malformed_response) for anything else."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise malformed("not JSON") from exc
    if not isinstance(value, dict):
        raise malformed("not an object")
    return value


def malformed(detail: str) -> ProviderError:
    """The error for an answer that is not of the wire format."""
    return ProviderError(Failure(Reason.MALFORMED_RESPONSE, detail=f"malformed response: {detail}"))


def token_count(value: object) -> int | None:
    """A token count from the wire, None if it is not one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


MOST_TOKENS = 10**9
"""More in one answer is nonsense, and would spoil every sum that it enters."""
