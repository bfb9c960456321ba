"""Anthropic's messages.

Source: Anthropic's API reference, "Messages", "Streaming messages", "Errors" and "Migrate to 2026-10-21". That
version answers 400 to temperature and top_p even at their defaults, so they stay out of the call: in a chain,
an answer with the model's own sampling is better than none.
"""

import json
from collections.abc import Mapping
from typing import Any

from resilience.adapters.base import Call, DeltaReader, decoded, failure_inside, malformed, token_count
from resilience.chat import ChatRequest, Completion, Delta, Usage
from resilience.config import Provider
from resilience.errors import Failure, ProviderError
from resilience.events import Reason

API_VERSION = "2026-10-21"
DEFAULT_MAX_TOKENS = 4096
"""max_tokens is required here; the other formats take the model's own limit."""

_ERROR_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


class AnthropicAdapter:
    """POST {base_url}/v1/messages."""

    def call(self, provider: Provider, request: ChatRequest, *, streamed: bool) -> Call:
        """The POST that asks this provider; system messages become the `system` field."""
        body: dict[str, Any] = {
            "model": provider.model,
            "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages if m.role != "system"],
        }
        system = "\n\n".join(m.content for m in request.messages if m.role == "system")
        if system:
            body["system"] = system
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        if streamed:
            body["stream"] = True
        headers = {"content-type": "application/json", "anthropic-version": API_VERSION}
        if provider.api_key:
            headers["authorization"] = f"Bearer {provider.api_key}"  # as the official client and the runbook do
        return Call(f"{provider.base_url}/v1/messages", headers, json.dumps(body).encode())

    def completion(self, body: bytes) -> Completion:
        """The answer in a 200's body. Raises ProviderError if there is none, or an error instead."""
        value = decoded(body)
        _raise_error(value)
        content = value.get("content")
        finish = _finish_reason(value.get("stop_reason"))
        if not isinstance(content, list) or finish is None:
            raise malformed("no content or no stop_reason")
        texts = [b.get("text") for b in content if isinstance(b, dict) and b.get("type") == "text"]
        model = value.get("model")
        return Completion(
            "".join(t for t in texts if isinstance(t, str)),
            model if isinstance(model, str) else "",
            finish,
            _usage(value) or Usage(),
        )

    def usage(self, data: bytes | str) -> Usage | None:
        """The tokens that a body or an event tells, whatever else it says."""
        try:
            return _usage(decoded(data))
        except ProviderError:
            return None

    def reader(self) -> DeltaReader:
        """A reader for one streamed answer."""
        return _Reader()


class _Reader:
    def __init__(self) -> None:
        self.finished = False
        self.done = False
        self._prompt_tokens: int | None = None

    def feed(self, data: str) -> list[Delta]:
        value = decoded(data)
        _raise_error(value)
        match value.get("type"):
            case "message_start":
                message = value.get("message")
                if not isinstance(message, dict):
                    raise malformed("message_start without a message")
                usage = _usage(message)
                self._prompt_tokens = usage.prompt_tokens if usage else None
                model = message.get("model")
                # The prompt's tokens are spent from here on, also if nothing follows.
                return [Delta(usage=Usage(self._prompt_tokens), model=model if isinstance(model, str) else None)]
            case "content_block_delta":
                delta = value.get("delta")
                text = delta.get("text") if isinstance(delta, dict) else None
                return [Delta(text)] if isinstance(text, str) and text else []
            case "message_delta":
                delta = value.get("delta")
                finish = _finish_reason(delta.get("stop_reason")) if isinstance(delta, dict) else None
                self.finished = self.finished or finish is not None
                usage = _usage(value)
                tokens = usage.completion_tokens if usage else None
                return [Delta(finish_reason=finish, usage=Usage(self._prompt_tokens, tokens))]
            case "message_stop":
                self.done = True
        return []  # ping, content_block_start, content_block_stop, and what a newer API adds


def _raise_error(value: Mapping[str, Any]) -> None:
    if value.get("type") == "error":
        error = value.get("error")
        raise ProviderError(failure_inside(error if isinstance(error, dict) else {}, _ERROR_STATUS))


def _finish_reason(value: object) -> str | None:
    if value is None:
        return None
    finish = _FINISH.get(str(value), "stop")
    if finish == "content_filter":
        raise ProviderError(Failure(Reason.CONTENT_FILTER, http_status=200))
    return finish


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(token_count(usage.get("input_tokens")), token_count(usage.get("output_tokens")))
