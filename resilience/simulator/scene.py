"""One call, and the answer that a healthy provider would give: what every behaviour starts from."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from resilience.simulator.profiles import Profile
from resilience.simulator.text import answer, pieces
from resilience.simulator.wire import Call, ErrorKind, Generation, WireFormat


@dataclass(frozen=True, slots=True)
class Scene:
    """One call and its healthy answer.

    refusal: what the provider would refuse in this request whatever its health; latency_s: until the whole answer;
    first_token_s: of it, until the first piece of a stream.
    """

    wire: WireFormat
    call: Call
    refusal: ErrorKind | None
    generation: Generation
    latency_s: float
    first_token_s: float


def scene(
    profile: Profile,
    path: str,
    headers: Mapping[str, str],
    payload: Mapping[str, Any],
    rng: random.Random,
    now_s: float,
) -> Scene:
    """The scene of one request. headers: names in lower case; now_s: seconds since the epoch.

    It draws the same number of times for each call, so that one call's fault does not change the next call.
    """
    refusal = profile.wire.refusal(path, headers, payload)
    try:
        call = profile.wire.call(payload)
    except (KeyError, TypeError, ValueError):
        call = Call(model="", prompt="")
    latency_s = profile.latency.draw_s(rng)
    text_rng = random.Random(rng.getrandbits(64))
    generation = _cut(
        Generation(
            id=f"{profile.id_prefix}{text_rng.getrandbits(64):016x}",
            model=call.model,
            pieces=pieces(answer(text_rng, call.prompt)),
            finish_reason="stop",
            prompt_tokens=call.prompt_tokens,
            created_s=int(now_s),
        ),
        call.max_tokens,
    )
    first_token_s = latency_s * profile.latency.first_token_share
    return Scene(profile.wire, call, refusal, generation, latency_s, first_token_s)


def _cut(generation: Generation, max_tokens: int | None) -> Generation:
    if max_tokens is None or generation.completion_tokens <= max_tokens:
        return generation
    text = generation.text[: max_tokens * 4]
    return replace(generation, pieces=pieces(text), finish_reason="length")
