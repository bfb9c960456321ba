"""The body of a chat completion: which parameters are understood, and what happens to all others.

A parameter that would change the answer and is not understood is refused by name; it is never dropped in
silence. A value that asks for nothing (null, `n: 1`, an empty list of tools) is accepted.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from resilience.chat import ChatRequest, Chunk, Message
from resilience.errors import RequestError

_ROLES: Mapping[str, str] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

# Parameters of OpenAI's API with the values that leave the answer as it is without them.
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "store": (False,),
    "service_tier": ("auto", "default"),
}
_HINTS: Mapping[str, str] = {
    "n": "send one request for each answer",
    "response_format": 'only {"type": "text"} is understood: ask for the format in the prompt',
    "tools": "tools cannot be called through this chain: leave them out",
    "functions": "functions cannot be called through this chain: leave them out",
}


class TextPart(BaseModel):
    """One part of a message's content; images, audio and files are refused."""

    model_config = ConfigDict(strict=True, extra="allow")

    type: str
    text: str | None = None


class MessageBody(BaseModel):
    """One message as it comes over the wire."""

    model_config = ConfigDict(strict=True, extra="allow")

    role: Annotated[str, Field(max_length=32)]
    content: str | list[TextPart] | None = None


class ContextBody(BaseModel):
    """A piece of material that the answer has to rest on."""

    model_config = ConfigDict(strict=True, extra="forbid")

    id: Annotated[str, Field(max_length=32)]
    text: Annotated[str, Field(min_length=1)]


class StreamOptions(BaseModel):
    """`include_usage`: send the tokens in a last chunk. `include_obfuscation` asks for padding and has no effect."""

    model_config = ConfigDict(strict=True, extra="forbid")

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatBody(BaseModel):
    """POST /v1/chat/completions. `model` is accepted from any client, but the chain decides who answers.

    `context` is an addition of ours: with it the answer has to keep the grounding contract.
    """

    model_config = ConfigDict(strict=True, extra="allow")

    messages: Annotated[list[MessageBody], Field(min_length=1, max_length=10_000)]
    model: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None
    context: list[ContextBody] | None = None

    def request(self) -> ChatRequest:
        """The chain's request. Raises RequestError, which names the parameter to change."""
        for name, value in (self.model_extra or {}).items():
            _refuse_unless_neutral(name, value)
        if self.stream_options is not None and not self.stream:
            raise RequestError("stream_options needs stream: true", param="stream_options")
        if None not in (self.max_tokens, self.max_completion_tokens):
            raise RequestError("give max_completion_tokens or max_tokens, not both", param="max_tokens")
        return ChatRequest(
            messages=tuple(_message(index, message) for index, message in enumerate(self.messages)),
            context=tuple(Chunk(piece.id, piece.text) for piece in self.context or ()),
            max_tokens=self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
            seed=self.seed,
        )

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk that tells the tokens."""
        return self.stream_options is not None and self.stream_options.include_usage is True


def _message(index: int, body: MessageBody) -> Message:
    place = f"messages[{index}]"
    role = _ROLES.get(body.role)
    if role is None:
        rule = f"{place}.role must be one of {', '.join(_ROLES)}, got {body.role!r}"
        raise RequestError(rule, param=f"{place}.role")
    for name, value in (body.model_extra or {}).items():
        # Null or empty: an answer's message sent back as it came (refusal, annotations, tool_calls).
        if value not in (None, [], ""):
            raise RequestError(f"{place}.{name} is not understood here: leave it out", param=f"{place}.{name}")
    if body.content is None:
        raise RequestError(f"{place}.content must be text or a list of text parts", param=f"{place}.content")
    if isinstance(body.content, str):
        return Message(role, body.content)
    return Message(role, "".join(_text(f"{place}.content[{n}]", part) for n, part in enumerate(body.content)))


def _text(place: str, part: TextPart) -> str:
    if part.type != "text" or part.text is None:
        raise RequestError(f'{place} must be {{"type": "text", "text": ...}}: only text is understood', param=place)
    for name, value in (part.model_extra or {}).items():
        if value is not None:
            raise RequestError(f"{place}.{name} is not understood here: leave it out", param=f"{place}.{name}")
    return part.text


def _refuse_unless_neutral(name: str, value: object) -> None:
    # By type too, because True == 1 in Python.
    same = any(type(value) is type(neutral) and value == neutral for neutral in _NEUTRAL.get(name, ()))
    if value is None or same or (isinstance(value, float) and value in _NEUTRAL.get(name, ())):
        return
    shown = name[:64]
    raise RequestError(f"{shown} is not understood here: {_HINTS.get(name, 'leave it out')}", param=shown)
