"""What a simulated provider is asked, what it says, and what it complains about, before any format."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Headers = tuple[tuple[str, str], ...]


class ErrorKind(StrEnum):
    """What a provider's error is about; each format has its own status, words and shape for it."""

    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    UNAUTHORIZED = "unauthorized"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    UNPROCESSABLE = "unprocessable"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    OVERLOADED = "overloaded"


KIND_OF_STATUS: Mapping[int, ErrorKind] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.UNAUTHORIZED,
    402: ErrorKind.PAYMENT_REQUIRED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.REQUEST_TIMEOUT,
    409: ErrorKind.CONFLICT,
    413: ErrorKind.TOO_LARGE,
    422: ErrorKind.UNPROCESSABLE,
    429: ErrorKind.RATE_LIMITED,
    500: ErrorKind.SERVER_ERROR,
    502: ErrorKind.BAD_GATEWAY,
    503: ErrorKind.UNAVAILABLE,
    504: ErrorKind.GATEWAY_TIMEOUT,
    529: ErrorKind.OVERLOADED,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the provider reads it. prompt_tokens: estimated at four characters each."""

    model: str
    prompt: str
    streamed: bool = False
    include_usage: bool = False
    max_tokens: int | None = None

    @property
    def prompt_tokens(self) -> int:
        """Size of the prompt, at least 1."""
        return tokens(self.prompt)


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its text in the pieces that a stream sends. finish_reason: stop, length or content_filter."""

    id: str
    model: str
    pieces: tuple[str, ...]
    finish_reason: str
    prompt_tokens: int
    created_s: int

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def completion_tokens(self) -> int:
        """Size of the text, at least 1."""
        return tokens(self.text)


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error answer: the status, headers and body that go over the wire."""

    status: int
    headers: Headers
    body: bytes


class WireFormat(Protocol):
    """How one provider writes answers and errors. Stream parts are whole SSE events, ready to send."""

    def refusal(self, path: str, headers: Mapping[str, str], payload: Mapping[str, Any]) -> ErrorKind | None:
        """What the provider itself would refuse in this request: path, key, required fields. None if nothing."""

    def call(self, payload: Mapping[str, Any]) -> Call:
        """The request's content. Raises KeyError, TypeError or ValueError if it is none."""

    def headers(self, generation: Generation) -> Headers:
        """Headers of an answer, content type left out."""

    def plain(self, generation: Generation) -> bytes:
        """The whole answer as one JSON document."""

    def opening(self, generation: Generation) -> bytes:
        """Events of a stream before the first token."""

    def piece(self, generation: Generation, text: str) -> bytes:
        """Event that carries some text."""

    def ending(self, generation: Generation, *, include_usage: bool) -> bytes:
        """Events that end a stream whole."""

    def keep_alive(self) -> bytes:
        """What the provider sends while it has nothing to say."""

    def complaint(self, kind: ErrorKind, call: Call, retry_after_s: float | None = None) -> Complaint:
        """The error as a response of its own."""

    def error_document(self, kind: ErrorKind, call: Call) -> bytes:
        """The error as JSON alone, for use inside a 200."""

    def error_event(self, kind: ErrorKind, call: Call) -> bytes:
        """The error as an event inside a stream that began well."""


def tokens(text: str) -> int:
    """Estimated tokens of a text, at least 1."""
    return max(1, -(-len(text) // 4))


def seconds(value: float) -> str:
    """A number of seconds as Retry-After writes it: digits only (RFC 9110, 10.2.3), rounded up."""
    return str(-int(-value // 1))
