"""An incident as data: what each provider does when, and how much is asked."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from resilience.simulator.behaviour import Mix

DAY_S = 86_400.0
_BUSIEST_S = 15 * 3600.0  # of a day with a swing
LEAVING_S = 3.0
HEALTHY = Mix.only("ok")


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests as they arrive, at random but evenly (a Poisson process).

    rps: mean requests per second; swing: 0 for a steady rate, up to 1 for a day that rests at 03:00 UTC and is
    busiest at 15:00; streamed: share of streamed requests; leaving: share of callers who leave within LEAVING_S
    seconds, answered or not.
    """

    rps: float
    swing: float = 0.0
    streamed: float = 0.3
    leaving: float = 0.01

    def rate(self, at_s: float) -> float:
        """Requests per second at this time of the day."""
        return self.rps * (1 + self.swing * math.cos(2 * math.pi * (at_s - _BUSIEST_S) / DAY_S))

    def patience_s(self, rng: random.Random) -> float | None:
        """How long one caller waits; None for as long as it takes."""
        leaves, patience_s = rng.random() < self.leaving, rng.uniform(0, LEAVING_S)
        return patience_s if leaves else None

    def arrivals(self, rng: random.Random, duration_s: float) -> Iterator[float]:
        """Times of arrival, in seconds, ascending, below duration_s."""
        highest = self.rps * (1 + self.swing)
        at_s = rng.expovariate(highest)
        while at_s < duration_s:
            if rng.random() * highest < self.rate(at_s):  # thinning: Lewis and Shedler, 1979
                yield at_s
            at_s += rng.expovariate(highest)


@dataclass(frozen=True, slots=True)
class Phase:
    """What one provider does from start_s (included) to end_s (excluded)."""

    provider: str
    start_s: float
    end_s: float
    mix: Mix


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named incident. Where no phase covers a time its provider is healthy; of several, the last counts."""

    name: str
    description: str
    duration_s: float
    traffic: Traffic
    phases: tuple[Phase, ...] = ()

    def mix(self, provider: str, at_s: float) -> Mix:
        """What the provider does at this time; after its end a scenario begins again."""
        at_s %= self.duration_s
        for phase in reversed(self.phases):
            if phase.provider == provider and phase.start_s <= at_s < phase.end_s:
                return phase.mix
        return HEALTHY

    def changes(self) -> tuple[float, ...]:
        """Times, ascending and in one round of the scenario, at which some provider may change."""
        times = {0.0, self.duration_s}
        for phase in self.phases:
            times |= {phase.start_s, phase.end_s}
        return tuple(sorted(times))

    def next_change_s(self, at_s: float) -> float:
        """The soonest change after this time, on the clock of at_s."""
        done_s = at_s - at_s % self.duration_s
        for earlier, later in pairwise(self.changes()):
            if earlier <= at_s - done_s < later:
                return done_s + later
        return done_s + self.duration_s
