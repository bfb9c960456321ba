"""Chat completions as OpenAI, OpenRouter and DeepSeek answer them.

One shape, three dialects: OpenRouter names the upstream in `provider`, sends `: OPENROUTER PROCESSING` comments
and its usage without being asked; DeepSeek counts cache hits. Shapes as the providers' API references
show them; tests parse them with the official `openai` client.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resilience.simulator.wire import chat_errors
from resilience.simulator.wire.values import Call, Complaint, ErrorKind, Generation, Headers

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    """The format of one provider. dialect: openai, openrouter or deepseek; upstream: who serves behind OpenRouter."""

    dialect: str
    upstream: str | None = None

    def refusal(self, path: str, headers: Mapping[str, str], payload: Mapping[str, Any]) -> ErrorKind | None:
        """Wrong path, no bearer key, or a request without model or messages."""
        if not path.endswith("/chat/completions"):
            return ErrorKind.NOT_FOUND
        if not headers.get("authorization", "").removeprefix("Bearer ").strip():
            return ErrorKind.UNAUTHORIZED
        if not payload.get("model") or not payload.get("messages"):
            return ErrorKind.BAD_REQUEST
        return None

    def call(self, payload: Mapping[str, Any]) -> Call:
        """The request's content."""
        return Call(
            model=str(payload["model"]),
            prompt="\n".join(str(message["content"]) for message in payload["messages"]),
            streamed=bool(payload.get("stream")),
            include_usage=bool((payload.get("stream_options") or {}).get("include_usage")),
            max_tokens=payload.get("max_completion_tokens") or payload.get("max_tokens"),
        )

    def headers(self, generation: Generation) -> Headers:
        """The provider's own id of the answer."""
        name = "x-generation-id" if self.dialect == "openrouter" else "x-request-id"
        return ((name, generation.id),)

    def plain(self, generation: Generation) -> bytes:
        """A `chat.completion` object."""
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": generation.text, "refusal": None},
            "logprobs": None,
            "finish_reason": generation.finish_reason,
        }
        if self.dialect == "openrouter":
            choice["native_finish_reason"] = generation.finish_reason
        document = self._envelope(generation, "chat.completion")
        return json.dumps(document | {"choices": [choice], "usage": self._usage(generation)}).encode()

    def opening(self, generation: Generation) -> bytes:
        """The chunk that names the role."""
        return self._chunk(generation, {"role": "assistant", "content": ""})

    def piece(self, generation: Generation, text: str) -> bytes:
        """A chunk with text."""
        return self._chunk(generation, {"content": text})

    def ending(self, generation: Generation, *, include_usage: bool) -> bytes:
        """The finish reason, the usage chunk (asked for, or sent unasked by OpenRouter), then `[DONE]`."""
        last = self._chunk(generation, {}, finish_reason=generation.finish_reason)
        if include_usage or self.dialect == "openrouter":
            document = self._envelope(generation, "chat.completion.chunk")
            last += event(document | {"choices": [], "usage": self._usage(generation)})
        return last + DONE

    def keep_alive(self) -> bytes:
        """A comment: clients must skip it (WHATWG HTML, 9.2.6)."""
        return b": OPENROUTER PROCESSING\n\n" if self.dialect == "openrouter" else b": keep-alive\n\n"

    def complaint(self, kind: ErrorKind, call: Call, retry_after_s: float | None = None) -> Complaint:
        """The error as a response of its own."""
        return chat_errors.complaint(self.dialect, kind, call, self.upstream, retry_after_s)

    def error_document(self, kind: ErrorKind, call: Call) -> bytes:
        """The error as JSON alone, for use inside a 200."""
        return json.dumps(chat_errors.document(self.dialect, kind, call, self.upstream)).encode()

    def error_event(self, kind: ErrorKind, call: Call) -> bytes:
        """A chunk with `error`; OpenRouter ends the choice with finish_reason error as well."""
        document: dict[str, Any] = chat_errors.document(self.dialect, kind, call, self.upstream)
        if self.dialect == "openrouter":
            choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
            document |= {"object": "chat.completion.chunk", "model": call.model, "choices": [choice]}
        return event(document)

    def _envelope(self, generation: Generation, kind: str) -> dict[str, Any]:
        document: dict[str, Any] = {
            "id": generation.id,
            "object": kind,
            "created": generation.created_s,
            "model": generation.model,
        }
        if self.upstream is not None:
            document["provider"] = self.upstream
        return document

    def _chunk(self, generation: Generation, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event(self._envelope(generation, "chat.completion.chunk") | {"choices": [choice]})

    def _usage(self, generation: Generation) -> dict[str, int]:
        usage = {
            "prompt_tokens": generation.prompt_tokens,
            "completion_tokens": generation.completion_tokens,
            "total_tokens": generation.prompt_tokens + generation.completion_tokens,
        }
        if self.dialect == "deepseek":
            usage |= {"prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": generation.prompt_tokens}
        return usage


def event(document: Mapping[str, Any]) -> bytes:
    """One SSE event of the chat format: data alone, no event name."""
    return b"data: " + json.dumps(document).encode() + b"\n\n"
