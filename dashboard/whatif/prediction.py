"""The what-if itself: repeated draws of what would have happened, each the real client over the log's requests."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from dashboard.whatif.summary import Summary, summary
from resilience.replay import Past, Played, Source, play_again

DRAWS = 20
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
    known from nothing; left_out: requests whose beginning the log lacks.
    """

    reality: Summary
    numbers: Mapping[str, Interval]
    draws: int
    happened: float
    drawn: float
    unknown: float
    left_out: int


def predicted(
    pasts: Sequence[Past],
    changes: Mapping[str, str],
    order: Sequence[str] = (),
    *,
    draws: int = DRAWS,
    seed: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Prediction:
    """The pasts of all processes under these settings (by variable, as text) and this order.

    progress: called with the number of draws made. Raises: WhatIfError for more than MOST_REQUESTS; ReplayError for
    settings that break a rule.
    """
    requests = sum(len(past.requests) for past in pasts)
    check_amount(requests, draws)
    calls: Counter[Source] = Counter()
    found: list[Summary] = []
    before = reality(pasts)
    for number in range(draws):
        played = [play_again(past, changes, order, f"{seed}:{number}") for past in pasts]
        for one in played:
            calls.update(one.calls)
        found.append(_allowing_for_chance(pasts, played, before, random.Random(f"{seed}:{number}:requests")))
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


def reality(pasts: Sequence[Past]) -> Summary:
    """How the same requests really fared."""
    return summary([asked.end for past in pasts for asked in past.requests], sum(past.openings for past in pasts))


def _allowing_for_chance(
    pasts: Sequence[Past], played: Sequence[Played], before: Summary, rng: random.Random
) -> Summary:
    """Reality, changed by what the draw changes in a random sample of the requests (a paired bootstrap).

    The requests are few, and which of them meet the outcomes that were drawn is chance. What did not change leaves no
    trace in it: under its own policy a log gives reality back.
    """
    openings = sum(one.openings for one in played)
    pairs = [
        (asked.end, end)
        for past, one in zip(pasts, played, strict=True)
        for asked, end in zip(past.requests, one.ends, strict=True)
    ]
    sample = rng.choices(pairs, k=len(pairs))
    was, would_be = (summary([pair[side] for pair in sample], openings) for side in (0, 1))
    return Summary(
        requests=summary([end for _, end in pairs], openings).requests,
        success_rate=_moved(before.success_rate, was.success_rate, would_be.success_rate, most=1.0),
        fallback_rate=_moved(before.fallback_rate, was.fallback_rate, would_be.fallback_rate, most=1.0),
        p95_ms=_moved(before.p95_ms, was.p95_ms, would_be.p95_ms),
        wasted_s=_moved(before.wasted_s, was.wasted_s, would_be.wasted_s) or 0.0,
        openings=openings,
    )


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
