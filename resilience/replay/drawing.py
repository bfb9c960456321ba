"""What a call would have met that never happened: drawn from the provider's calls nearest in time, before or after.

Between two calls of a provider nobody knows when its state changed: each draw puts that moment somewhere between them,
the same for all its requests. On either side the nearest calls count most. How long an answer takes is drawn from more
of them: few calls would show no long ones. A provider that nobody called within FAR_S is unknown: each draw gives it
one chance of an answer, and one pace, for the whole log.
"""

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from resilience.errors import Failure
from resilience.events import Reason
from resilience.replay.asked import Told
from resilience.retry import TREATMENTS, treatment

FAR_S = 300.0
"""A call farther away in time says nothing; the longest cooldown by default is as long."""
ENDLESS_S = 1e7
NEAREST = 8
MOST_SPREAD = 0.95
"""How often, at the most, a draw passes over a call for the next nearest one; each draw has a share of its own, so that
some take a failure for the state of the provider and others for one among many."""
ANSWERS = 30
"""Of so many answers, the nearest in time, one says how long a drawn answer takes."""
PACE_SIGMA = 1.0
"""Of the logarithm of how much slower a provider without any answer is than the others: a third to three times, mostly."""
EVIDENCE = 4.0
"""So many calls at most is the rest of the log worth where a provider is unknown."""


class Source(Enum):
    """Where the outcome of a replayed call comes from."""

    HAPPENED = "happened"
    DRAWN = "drawn"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """What a call meets. seconds: until its answer or failure; failure: None of an answer, and of silence.

    ttft_s: until a stream's first piece; from there on pieces come. silent: it never ends by itself, and its last piece
    comes at `seconds`.
    """

    seconds: float
    failure: Failure | None = None
    ttft_s: float | None = None
    silent: bool = False


SILENCES = (Reason.TIMEOUT, Reason.FIRST_TOKEN_TIMEOUT, Reason.STREAM_STALLED, Reason.DEADLINE)
"""Failures of which only the limit is known, not what would have come after it."""


def fate(told: Told) -> Fate:
    """What an attempt met, in so far as the log knows."""
    if told.cancelled or (told.failure is not None and told.failure.reason in SILENCES):
        return Fate(_last_piece_s(told), None, told.ttft_s, silent=True)
    return Fate(told.seconds, told.failure, told.ttft_s)


def _last_piece_s(told: Told) -> float:
    if told.ttft_s is None:
        return 0.0
    if told.failure is not None and told.failure.reason is Reason.STREAM_STALLED:
        return max(told.ttft_s, told.seconds - (told.limit_s or 0.0))
    return ENDLESS_S  # pieces came until somebody ended it


class Calls:
    """The calls of one provider that say something about its health, by their beginning."""

    def __init__(self, told: Sequence[Told]) -> None:
        self.told = [call for call in told if not call.cancelled and _of_the_provider(call.failure)]
        self.begins = [call.begin_s for call in self.told]
        self.answers = [call for call in self.told if call.failure is None]
        self.failures = [call for call in self.told if call.failure is not None]


def _of_the_provider(failure: Failure | None) -> bool:
    if failure is None:
        return True
    treat = treatment(failure)
    return (treat.retry or treat.fall_back) and failure.reason not in (Reason.CONTEXT_LENGTH, Reason.DEADLINE)


class Draw:
    """One possible past. calls: by provider; the same seed draws the same."""

    def __init__(self, calls: Mapping[str, Calls], seed: str) -> None:
        self._calls = calls
        self._rng = random.Random(seed)
        self._cuts = {name: [self._rng.random() for _ in range(len(each.begins) + 1)] for name, each in calls.items()}
        # A sample of the answers: which long ones are among them is chance.
        self._answers = {
            name: sorted(self._rng.choices(each.answers, k=len(each.answers)), key=lambda call: call.begin_s)
            for name, each in calls.items()
            if each.answers
        }
        self._begins = {name: [call.begin_s for call in each] for name, each in self._answers.items()}
        self._paces: dict[str, float] = {}
        self._spread = self._rng.uniform(0, MOST_SPREAD)
        self._chances: dict[str, float] = {}
        self._everybodys = [call for each in calls.values() for call in each.answers]

    def fate(self, provider: str, at_s: float) -> tuple[Fate, Source]:
        """What a call at this time would have met, in seconds since the epoch."""
        found = self._nearest(provider, at_s)
        if found is not None:
            return fate(found if found.failure is not None else self._answer(provider, at_s)), Source.DRAWN
        return self._unknown(provider), Source.UNKNOWN

    def longer(self, provider: str, waited_s: float, limit_s: float) -> Fate:
        """What a call that was silent for `waited_s` would have met under a longer limit: nobody knows."""
        if self._rng.random() < self._chance(f"{provider} after {waited_s:g} s", 0, 0):
            return Fate(self._rng.uniform(waited_s, limit_s))
        return Fate(0.0, silent=True)

    def _nearest(self, provider: str, at_s: float) -> Told | None:
        calls = self._calls.get(provider)
        if calls is None or not calls.told:
            return None
        begins = calls.begins
        after = bisect_right(begins, at_s)
        earlier = after > 0 and at_s - begins[after - 1] <= FAR_S
        later = after < len(begins) and begins[after] - at_s <= FAR_S
        if earlier and later:
            start_s, end_s = begins[after - 1], begins[after]
            earlier = at_s < start_s + self._cuts[provider][after] * (end_s - start_s)
        elif not earlier and not later:
            return None
        place, step = (after - 1, -1) if earlier else (after, 1)
        for _ in range(NEAREST - 1):
            nearer = place + step
            if (
                self._rng.random() >= self._spread
                or not 0 <= nearer < len(begins)
                or abs(begins[nearer] - at_s) > FAR_S
            ):
                break
            place = nearer
        return calls.told[place]

    def _answer(self, provider: str, at_s: float) -> Told:
        place = bisect_right(self._begins[provider], at_s)
        answers = self._answers[provider]
        start = max(0, min(place - ANSWERS // 2, len(answers) - ANSWERS))
        return self._rng.choice(answers[start : start + ANSWERS])

    def _unknown(self, provider: str) -> Fate:
        calls = self._calls.get(provider, _NONE)
        if self._rng.random() < self._chance(provider, len(calls.answers), len(calls.failures)):
            if calls.answers:
                return fate(self._rng.choice(self._answers[provider]))
            if provider not in self._paces:
                self._paces[provider] = self._rng.lognormvariate(0, PACE_SIGMA)
            answer = fate(self._rng.choice(self._everybodys)) if self._everybodys else Fate(1.0)
            ttft_s = None if answer.ttft_s is None else answer.ttft_s * self._paces[provider]
            return Fate(answer.seconds * self._paces[provider], None, ttft_s)
        if calls.failures:
            return fate(self._rng.choice(calls.failures))
        return Fate(0.5, Failure(Reason.SERVER_ERROR))

    def _chance(self, what: str, answers: int, failures: int) -> float:
        """Of an answer; one per draw, evenly from 0 to 1 if the log says nothing at all."""
        if what not in self._chances:
            worth = min(1.0, EVIDENCE / max(1, answers + failures))
            self._chances[what] = self._rng.betavariate(1 + worth * answers, 1 + worth * failures)
        return self._chances[what]


_NONE = Calls(())
CALLERS_FAULTS = tuple(reason for reason, treat in TREATMENTS.items() if not treat.retry and not treat.fall_back)
"""Reasons that stand for the request, not for the provider: asked elsewhere, it would meet the same."""
