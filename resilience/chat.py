"""A chat as values: what a caller asks, what a provider answers. No wire format, no client."""

import math
import re
from dataclasses import dataclass, field

from resilience.errors import RequestError

ROLES = ("system", "user", "assistant")
MOST_CHUNKS = 200
_CHUNK_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of material that an answer has to rest on; `id` is what it is cited by."""

    id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the caller asks. Raises RequestError, which names the parameter, for what cannot be sent.

    context: material from elsewhere, not to be trusted; with it the grounding contract holds (docs/security.md).
    """

    messages: tuple[Message, ...]
    context: tuple[Chunk, ...] = ()
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
        _check_context(self.context)
        _within("max_tokens", self.max_tokens, 1, 1_000_000)
        _within("temperature", self.temperature, 0, 2)
        _within("top_p", self.top_p, 0, 1)
        if len(self.stop) > 4 or not all(self.stop):
            raise RequestError("stop must be at most 4 texts, none of them empty", param="stop")


def _check_context(context: tuple[Chunk, ...]) -> None:
    if len(context) > MOST_CHUNKS:
        raise RequestError(f"context must hold at most {MOST_CHUNKS} pieces, got {len(context)}", param="context")
    seen: set[str] = set()
    for index, chunk in enumerate(context):
        if _CHUNK_ID.fullmatch(chunk.id) is None or chunk.id in seen:
            rule = "up to 32 letters, digits, dots, dashes and underscores, each only once"
            raise RequestError(f"context[{index}].id must be {rule}", param=f"context[{index}].id")
        if not chunk.text.strip():
            raise RequestError(f"context[{index}].text must not be empty", param=f"context[{index}].text")
        seen.add(chunk.id)


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
class Cite:
    """Where a sentence of an answer comes from: the piece's id, and its words."""

    id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer with what it rests on."""

    text: str
    cites: tuple[Cite, ...]


@dataclass(frozen=True, slots=True)
class Grounding:
    """How far an answer keeps the grounding contract. insufficient: it says that the context does not tell.

    issues: kinds of violations, as counted in the log; none in an answer that keeps the contract.
    """

    sentences: tuple[Sentence, ...]
    insufficient: bool
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller gets: the completion, who gave it, and what it took. `total_ms`: the caller's wait.

    grounding: of a request with context, while that guard is on.
    """

    completion: Completion
    provider: str
    request_id: str
    attempts: int
    fallbacks: int
    total_ms: float
    grounding: Grounding | None = None
