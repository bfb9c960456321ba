"""Chat completions: OpenAI, OpenRouter, DeepSeek and everyone who speaks the same.

Source: OpenAI's API reference, "Chat"; OpenRouter's, "Errors" (an error may come inside a 200).
"""

import json
from collections.abc import Mapping
from typing import Any

from resilience.adapters.base import Call, DeltaReader, decoded, failure_inside, malformed, token_count
from resilience.chat import ChatRequest, Completion, Delta, Usage
from resilience.config import Provider
from resilience.errors import Failure, ProviderError
from resilience.events import Reason

_ERROR_STATUS: Mapping[str, int] = {
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "insufficient_quota": 429,
}
_FINISH = {"stop": "stop", "length": "length"}


class OpenAIAdapter:
    """POST {base_url}/chat/completions."""

    def call(self, provider: Provider, request: ChatRequest, *, streamed: bool) -> Call:
        """The POST that asks this provider."""
        body: dict[str, Any] = {
            "model": provider.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        }
        if request.max_tokens is not None:
            # OpenAI's newer models take this name only; the compatible ones the older.
            body["max_completion_tokens" if provider.name == "openai" else "max_tokens"] = request.max_tokens
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.top_p is not None:
            body["top_p"] = request.top_p
        if request.stop:
            body["stop"] = list(request.stop)
        if request.seed is not None:
            body["seed"] = request.seed
        if streamed:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {"content-type": "application/json"}
        if provider.api_key:
            headers["authorization"] = f"Bearer {provider.api_key}"
        return Call(f"{provider.base_url}/chat/completions", headers, json.dumps(body).encode())

    def completion(self, body: bytes) -> Completion:
        """The answer in a 200's body. Raises ProviderError if there is none, or an error instead."""
        value = decoded(body)
        _raise_error(value)
        choice = _first_choice(value)
        text = _content(choice.get("message"))
        finish = _finish_reason(choice)
        if text is None or finish is None:
            raise malformed("no text or no finish_reason in the first choice")
        return Completion(text, _model(value) or "", finish, _usage(value) or Usage())

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

    def feed(self, data: str) -> list[Delta]:
        if data == "[DONE]":
            self.done = True
            return []
        value = decoded(data)
        _raise_error(value)
        usage, model = _usage(value), _model(value)
        if not value.get("choices"):
            return [Delta(usage=usage, model=model)] if usage else []
        choice = _first_choice(value)
        text = _content(choice.get("delta"))
        finish = _finish_reason(choice)
        self.finished = self.finished or finish is not None
        return [Delta(text or "", finish, usage, model)]


def _raise_error(value: Mapping[str, Any]) -> None:
    error = value.get("error")
    if error:
        raise ProviderError(failure_inside(error if isinstance(error, dict) else {}, _ERROR_STATUS))


def _first_choice(value: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise malformed("no choices")
    _raise_error(choice)  # OpenRouter puts an upstream's error into the choice
    return choice


def _finish_reason(choice: Mapping[str, Any]) -> str | None:
    reason = choice.get("finish_reason")
    if reason is None:
        return None
    if reason == "error":
        raise ProviderError(Failure(Reason.SERVER_ERROR, http_status=200))
    if reason == "content_filter":
        raise _refused()
    return _FINISH.get(str(reason), "stop")


def _content(message: object) -> str | None:
    """The text of a message or a delta, None without one. Raises ProviderError for a refusal, or no text at all."""
    if not isinstance(message, dict):
        return None
    text = message.get("content")
    if not text and message.get("refusal"):
        raise _refused()
    if text is not None and not isinstance(text, str):
        raise malformed("content that is no text")  # left out, it would be missing from the answer
    return text


def _refused() -> ProviderError:
    return ProviderError(Failure(Reason.CONTENT_FILTER, http_status=200))


def _model(value: Mapping[str, Any]) -> str | None:
    model = value.get("model")
    return model if isinstance(model, str) else None


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(token_count(usage.get("prompt_tokens")), token_count(usage.get("completion_tokens")))
