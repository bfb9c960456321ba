"""A chat as values: what a caller asks, what a provider answers. No wire format, no client."""

import math
from dataclasses import dataclass

from resilience.errors import RequestError

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the caller asks. Raises RequestError, which names the parameter, for what cannot be sent."""

    messages: tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        if not any(message.role != "system" for message in self.messages):
            raise RequestError("messages must hold a user or assistant message", param="messages")
        for index, message in enumerate(self.messages):
            if message.role not in ROLES:
                rule = f"messages[{index}].role must be one of {', '.join(ROLES)}, got {message.role!r}"
                raise RequestError(rule, param="messages")
        _within("max_tokens", self.max_tokens, 1, 1_000_000)
        _within("temperature", self.temperature, 0, 2)
        _within("top_p", self.top_p, 0, 1)
        if len(self.stop) > 4 or not all(self.stop):
            raise RequestError("stop must be at most 4 texts, none of them empty", param="stop")


def _within(param: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise RequestError(f"{param} must be from {low} to {high}, got {value}", param=param)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def updated(self, news: "Usage") -> "Usage":
        """The news, and what they leave out as it was."""
        return Usage(
            self.prompt_tokens if news.prompt_tokens is None else news.prompt_tokens,
            self.completion_tokens if news.completion_tokens is None else news.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Completion:
    """A provider's whole answer. `finish_reason`: stop, length or content_filter."""

    text: str
    model: str
    finish_reason: str
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer; `finish_reason` comes with its end, `usage` and `model` when told."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets: the completion, who gave it, and what it took. `total_ms`: the caller's wait."""

    completion: Completion
    provider: str
    request_id: str
    attempts: int
    fallbacks: int
    total_ms: float
