"""The four simulated providers: their formats and how fast they are on a good day."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

from resilience.simulator.wire import ChatCompletions, Messages, WireFormat


@dataclass(frozen=True, slots=True)
class Latency:
    """Log-normal time to a whole answer. sigma: of the logarithm; first_token_share: of the time, in a stream."""

    median_s: float
    sigma: float = 0.35
    first_token_share: float = 0.3

    def draw_s(self, rng: random.Random) -> float:
        """One answer's time in seconds."""
        return rng.lognormvariate(math.log(self.median_s), self.sigma)


@dataclass(frozen=True, slots=True)
class Profile:
    """One provider. id_prefix: how its answers' ids begin; base_path: what its API's URLs begin with."""

    name: str
    wire: WireFormat
    latency: Latency
    id_prefix: str
    base_path: str


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("openrouter", ChatCompletions("openrouter", upstream="xAI"), Latency(1.1), "gen-", "/api/v1"),
        Profile("anthropic", Messages(), Latency(1.9), "msg_", ""),
        Profile("deepseek", ChatCompletions("deepseek"), Latency(3.8, sigma=0.45), "", "/v1"),
        Profile("openai", ChatCompletions("openai"), Latency(1.5), "chatcmpl-", "/v1"),
    )
}
