"""Answers as OpenAI's objects. `provider` (who really answered) and `grounding` are additions of ours.

Source: OpenAI's API reference, "Chat completion object" and "Chat completion chunk object".
"""

from typing import Any

from resilience.chat import Answer, Grounding, Usage
from resilience.service.wire import cost_headers


def completion_object(answer: Answer, at_s: float) -> dict[str, Any]:
    """A whole answer. `at_s`: seconds since the epoch."""
    completion = answer.completion
    return {
        "id": completion_id(answer.request_id),
        "object": "chat.completion",
        "created": int(at_s),
        "model": completion.model,
        "provider": answer.provider,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": completion.text, "refusal": None},
                "logprobs": None,
                "finish_reason": completion.finish_reason,
            }
        ],
        "usage": usage_object(completion.usage),
        **grounding_object(answer.grounding),
    }


def grounding_object(grounding: Grounding | None) -> dict[str, Any]:
    """An addition of ours: what each sentence rests on; nothing for a request without context."""
    if grounding is None:
        return {}
    sentences = [
        {"text": sentence.text, "cites": [{"id": cite.id, "quote": cite.quote} for cite in sentence.cites]}
        for sentence in grounding.sentences
    ]
    issues = list(grounding.issues)
    return {"grounding": {"sentences": sentences, "insufficient": grounding.insufficient, "issues": issues}}


def chunk_choice(delta: dict[str, str], finish_reason: str | None) -> dict[str, Any]:
    """The one choice of a streamed piece."""
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def completion_id(request_id: str) -> str:
    """The answer's id, from which the request's line in the log is found."""
    return f"chatcmpl-{request_id}"


def usage_object(usage: Usage | None) -> dict[str, int] | None:
    """Tokens as OpenAI counts them; None where the provider did not tell both."""
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def answer_headers(provider: str, attempts: int, fallbacks: int) -> dict[str, str]:
    """Who answered, and what it took."""
    return {"x-metis-provider": provider, **cost_headers(attempts, fallbacks)}
