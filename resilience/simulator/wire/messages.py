"""Anthropic messages, plain and streamed, and its errors.

Shapes as the provider's API reference shows them; tests parse them with the official `anthropic` client.
"""

import json
from collections.abc import Mapping
from typing import Any

from resilience.simulator.wire.chat_errors import page
from resilience.simulator.wire.values import Call, Complaint, ErrorKind, Generation, Headers, seconds

_STOP_REASONS: Mapping[str, str] = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}

# kind -> (status, type, message); {model} and {tokens} are filled in.
_ERRORS: Mapping[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.BAD_REQUEST: (400, "invalid_request_error", "max_tokens: Field required"),
    ErrorKind.CONTEXT_LENGTH: (
        400,
        "invalid_request_error",
        "prompt is too long: {tokens} tokens > 200000 maximum",
    ),
    ErrorKind.CONTENT_FILTER: (400, "invalid_request_error", "Output blocked by content filtering policy"),
    ErrorKind.UNAUTHORIZED: (401, "authentication_error", "invalid x-api-key"),
    ErrorKind.PAYMENT_REQUIRED: (402, "billing_error", "Your credit balance is too low to access the Anthropic API."),
    ErrorKind.FORBIDDEN: (403, "permission_error", "Your API key does not have permission to use this resource."),
    ErrorKind.NOT_FOUND: (404, "not_found_error", "model: {model}"),
    ErrorKind.REQUEST_TIMEOUT: (408, "timeout_error", "Request timed out"),
    ErrorKind.CONFLICT: (409, "conflict_error", "The resource was changed by another request"),
    ErrorKind.TOO_LARGE: (413, "request_too_large", "Request exceeds the maximum size"),
    ErrorKind.UNPROCESSABLE: (422, "invalid_request_error", "The request could not be processed"),
    ErrorKind.RATE_LIMITED: (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50 requests per minute.",
    ),
    ErrorKind.SERVER_ERROR: (500, "api_error", "Internal server error"),
    ErrorKind.BAD_GATEWAY: (502, "api_error", "Bad gateway"),
    ErrorKind.UNAVAILABLE: (503, "api_error", "Service unavailable"),
    ErrorKind.GATEWAY_TIMEOUT: (504, "timeout_error", "The request timed out while processing"),
    ErrorKind.OVERLOADED: (529, "overloaded_error", "Overloaded"),
}


class Messages:
    """The format of one provider."""

    __slots__ = ()

    def refusal(self, path: str, headers: Mapping[str, str], payload: Mapping[str, Any]) -> ErrorKind | None:
        """Wrong path, no key, no API version, or a request without model, messages or max_tokens."""
        if not path.endswith("/messages"):
            return ErrorKind.NOT_FOUND
        if not (headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()):
            return ErrorKind.UNAUTHORIZED
        if not headers.get("anthropic-version") or not all(
            payload.get(field) for field in ("model", "messages", "max_tokens")
        ):
            return ErrorKind.BAD_REQUEST
        return None

    def call(self, payload: Mapping[str, Any]) -> Call:
        """The request's content."""
        texts = [str(payload.get("system", "")), *(str(message["content"]) for message in payload["messages"])]
        return Call(
            model=str(payload["model"]),
            prompt="\n".join(texts),
            streamed=bool(payload.get("stream")),
            include_usage=True,
            max_tokens=payload["max_tokens"],
        )

    def headers(self, generation: Generation) -> Headers:
        """The provider's own id of the answer."""
        return (("request-id", _request_id(generation.id)),)

    def plain(self, generation: Generation) -> bytes:
        """A `message` object."""
        message = self._message(generation) | {
            "content": [{"type": "text", "text": generation.text}],
            "stop_reason": _STOP_REASONS[generation.finish_reason],
        }
        message["usage"]["output_tokens"] = generation.completion_tokens
        return json.dumps(message).encode()

    def opening(self, generation: Generation) -> bytes:
        """message_start, content_block_start and a ping."""
        block = {"index": 0, "content_block": {"type": "text", "text": ""}}
        return (
            event("message_start", {"message": self._message(generation)})
            + event("content_block_start", block)
            + self.keep_alive()
        )

    def piece(self, generation: Generation, text: str) -> bytes:
        """content_block_delta."""
        del generation
        return event("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}})

    def ending(self, generation: Generation, *, include_usage: bool) -> bytes:
        """content_block_stop, message_delta with the usage (always sent), message_stop."""
        del include_usage
        delta = {"stop_reason": _STOP_REASONS[generation.finish_reason], "stop_sequence": None}
        usage = {"output_tokens": generation.completion_tokens}
        return (
            event("content_block_stop", {"index": 0})
            + event("message_delta", {"delta": delta, "usage": usage})
            + event("message_stop", {})
        )

    def keep_alive(self) -> bytes:
        """A ping event."""
        return event("ping", {})

    def complaint(self, kind: ErrorKind, call: Call, retry_after_s: float | None = None) -> Complaint:
        """The error as a response of its own, with `retry-after` if the provider wishes one."""
        status = _ERRORS[kind][0]
        headers: Headers = () if retry_after_s is None else (("retry-after", seconds(retry_after_s)),)
        if kind is ErrorKind.BAD_GATEWAY:  # its edge answers, in HTML
            return Complaint(status, (("content-type", "text/html"), *headers), page(status, kind))
        body = self.error_document(kind, call)
        return Complaint(status, (("content-type", "application/json"), *headers), body)

    def error_document(self, kind: ErrorKind, call: Call) -> bytes:
        """The error as JSON alone, for use inside a 200."""
        return json.dumps(_error(kind, call)).encode()

    def error_event(self, kind: ErrorKind, call: Call) -> bytes:
        """An `error` event."""
        return event("error", {"error": _error(kind, call)["error"]})

    def _message(self, generation: Generation) -> dict[str, Any]:
        return {
            "id": generation.id,
            "type": "message",
            "role": "assistant",
            "model": generation.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": generation.prompt_tokens, "output_tokens": 1},
        }


def event(name: str, fields: Mapping[str, Any]) -> bytes:
    """One SSE event of the messages format: named, and typed by the same name."""
    return f"event: {name}\ndata: {json.dumps({'type': name} | dict(fields))}\n\n".encode()


def _error(kind: ErrorKind, call: Call) -> dict[str, Any]:
    _, type_, message = _ERRORS[kind]
    text = message.format(model=call.model, tokens=call.prompt_tokens)
    return {"type": "error", "error": {"type": type_, "message": text}, "request_id": "req_simulated"}


def _request_id(generation_id: str) -> str:
    return generation_id.replace("msg_", "req_")
