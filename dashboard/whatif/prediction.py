"""The what-if itself: repeated draws of what would have happened, each the real client over the log's requests."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from dashboard.whatif.summary import NO_WAITS, Ends, Summary, Waits
from resilience.replay import Past, Source, play_again

DRAWS = 20
FEWEST_DRAWS = 5
"""Made instead of DRAWS where the requests are many and nobody asked for a number."""
MOST_REQUESTS = 200_000
"""Requests times draws that one what-if plays; about half a minute."""


class WhatIfError(ValueError):
    """A what-if cannot be made as asked; the message names the thing, the rule and the value."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number over the draws: the middle one, and where nine of ten lie. None if no draw has it."""

    low: float | None
    middle: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What would have happened beside what did. numbers: by the names of Summary's fields.

    happened, drawn, unknown: shares of the calls whose outcome is the log's own, drawn from calls near in time, and
    known from nothing; left_out: requests whose beginning the log lacks; quiet: those that were not played.
    """

    reality: Summary
    numbers: Mapping[str, Interval]
    draws: int
    happened: float
    drawn: float
    unknown: float
    left_out: int
    quiet: int = 0


def predicted(
    pasts: Sequence[Past],
    changes: Mapping[str, str],
    order: Sequence[str] = (),
    *,
    draws: int = DRAWS,
    seed: int = 1,
    quiet: Waits = NO_WAITS,
    progress: Callable[[int], None] | None = None,
) -> Prediction:
    """The pasts of all processes under these settings (by variable, as text) and this order.

    quiet: of requests beside these that nothing would have changed; progress: called with the number of draws made.
    Raises: WhatIfError for more than MOST_REQUESTS; ReplayError for
    settings that break a rule.
    """
    check_amount(amount(pasts, quiet), draws)
    calls: Counter[Source] = Counter()
    found: list[Summary] = []
    were = Ends.of([asked.end for past in pasts for asked in past.requests], quiet)
    before = reality(pasts, quiet)
    for number in range(draws):
        played = [play_again(past, changes, order, f"{seed}:{number}") for past in pasts]
        for one in played:
            calls.update(one.calls)
        calls[Source.HAPPENED] += len(quiet)
        would_be = Ends.of([end for one in played for end in one.ends], quiet)
        openings = sum(one.openings for one in played)
        found.append(_allowing_for_chance(were, would_be, before, openings, f"{seed}:{number}:requests"))
        if progress is not None:
            progress(number + 1)
    total = max(1, calls.total())
    return Prediction(
        reality=before,
        numbers={field.name: interval([getattr(each, field.name) for each in found]) for field in fields(Summary)},
        draws=draws,
        happened=calls[Source.HAPPENED] / total,
        drawn=calls[Source.DRAWN] / total,
        unknown=calls[Source.UNKNOWN] / total,
        left_out=sum(past.left_out for past in pasts),
        quiet=len(quiet),
    )


def check_amount(requests: int, draws: int, points: int = 1) -> None:
    """Raises: WhatIfError for no request, or for more than MOST_REQUESTS times draws (times points of a sweep)."""
    if not requests:
        raise WhatIfError("there must be a request to replay, and this log has none there (plain lines tell of none)")
    if requests * draws * points <= MOST_REQUESTS:
        return
    if points == 1:
        rule = f"a what-if plays at most {MOST_REQUESTS:,} requests times draws, got {requests:,} times {draws}"
        raise WhatIfError(f"{rule}: name a shorter time, or fewer draws")
    rule = f"a sweep plays at most {MOST_REQUESTS:,} requests times draws times points"
    got = f"{requests:,} times {draws} times {points}"
    raise WhatIfError(f"{rule}, got {got}: name a shorter time, fewer values or fewer draws")


def reality(pasts: Sequence[Past], quiet: Waits = NO_WAITS) -> Summary:
    """How the same requests really fared."""
    ends = Ends.of([asked.end for past in pasts for asked in past.requests], quiet)
    return ends.summary(sum(past.openings for past in pasts))


def amount(pasts: Sequence[Past], quiet: Waits) -> int:
    """How many requests are played; 1 where there are none but quiet ones."""
    return sum(len(past.requests) for past in pasts) or min(1, len(quiet))


def _allowing_for_chance(were: Ends, would_be: Ends, before: Summary, openings: int, seed: str) -> Summary:
    """Reality, changed by what the draw changes in a random sample of the requests (a paired bootstrap).

    The requests are few, and which of them meet the outcomes that were drawn is chance. What did not change leaves no
    trace in it: under its own policy a log gives reality back.
    """
    sample = (_uniform(len(were), seed) * len(were)).astype(np.int64)
    was, then = were.summary(openings, sample), would_be.summary(openings, sample)
    return Summary(
        requests=int(would_be.counted.sum()),
        success_rate=_moved(before.success_rate, was.success_rate, then.success_rate, most=1.0),
        fallback_rate=_moved(before.fallback_rate, was.fallback_rate, then.fallback_rate, most=1.0),
        p95_ms=_moved(before.p95_ms, was.p95_ms, then.p95_ms),
        wasted_s=_moved(before.wasted_s, was.wasted_s, then.wasted_s) or 0.0,
        openings=openings,
    )


def _uniform(number: int, seed: str) -> Waits:
    """Numbers from 0 to 1: those that random.Random(seed) would give, a hundred times as fast."""
    *words, place = random.Random(seed).getstate()[1]
    twin = np.random.RandomState()
    twin.set_state(("MT19937", np.array(words, dtype=np.uint32), place, 0, 0.0))
    return twin.random_sample(number)


def _moved(real: float | None, was: float | None, would_be: float | None, most: float = float("inf")) -> float | None:
    if real is None or was is None or would_be is None:
        return would_be
    return min(most, max(0.0, real + would_be - was))


def interval(values: Sequence[float | None]) -> Interval:
    """Of n draws the k-th from below and above, k a twentieth of n + 1: a further draw lies between them 9 times of 10."""
    known = sorted(_known(values))
    if not known:
        return Interval(None, None, None)
    edge = max(1, int(0.05 * (len(known) + 1)))
    return Interval(known[edge - 1], float(np.median(known)), known[-edge])


def _known(values: Sequence[float | None]) -> Iterator[float]:
    return (float(value) for value in values if value is not None)
