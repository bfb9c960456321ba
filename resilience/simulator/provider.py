"""One simulated provider: reads a request, draws a behaviour, counts, and answers with steps."""

import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from resilience.simulator.behaviour import Behaviour
from resilience.simulator.profiles import Profile
from resilience.simulator.scene import scene
from resilience.simulator.steps import Step

Source = Callable[[random.Random], Behaviour]
"""Chooses the behaviour of the next call: a mix, a script, or a scenario at the present time."""

_KEPT_REQUESTS = 100


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived. headers: names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class SimulatedProvider:
    """A provider without a connection.

    source: replaceable at any time; counts: calls by behaviour name; received: the newest requests. What it draws
    depends on seed, name and the order of its own calls, not on the other providers.
    """

    def __init__(self, profile: Profile, seed: int, source: Source) -> None:
        self.profile = profile
        self.source = source
        self.counts: Counter[str] = Counter()
        self.received: deque[Received] = deque(maxlen=_KEPT_REQUESTS)
        self._rng = random.Random(f"{seed}:{profile.name}")

    @property
    def calls(self) -> int:
        """Requests received so far."""
        return self.counts.total()

    def answer(self, received: Received, now_s: float) -> Iterator[Step]:
        """What happens on the connection in answer to this request. now_s: seconds since the epoch."""
        behaviour = self.source(self._rng)
        self.received.append(received)
        self.counts[behaviour.name] += 1
        payload = _payload(received.body)
        return behaviour.steps(scene(self.profile, received.path, received.headers, payload, self._rng, now_s))


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}
