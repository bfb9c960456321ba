"""How a log's requests fared, in the numbers that a what-if compares; the same definitions as the page's metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resilience.events import RequestFinished, RequestStatus

_NOT_COUNTED = (RequestStatus.CANCELLED, RequestStatus.BLOCKED, RequestStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class Summary:
    """requests: those that count (not cancelled, blocked or rejected); rates 0..1, None without a request.

    p95_ms: of the callers' whole waits; wasted_s: failed attempts and waits, of all requests together; openings: of
    circuits by themselves.
    """

    requests: int
    success_rate: float | None
    fallback_rate: float | None
    p95_ms: float | None
    wasted_s: float
    openings: int


def summary(ends: Sequence[RequestFinished], openings: int) -> Summary:
    """The numbers of these requests."""
    counted = [end for end in ends if end.status not in _NOT_COUNTED]
    total = len(counted)
    if not total:
        return Summary(0, None, None, None, 0.0, openings)
    return Summary(
        requests=total,
        success_rate=sum(end.status is RequestStatus.SUCCESS for end in counted) / total,
        fallback_rate=sum(end.fallbacks > 0 for end in counted) / total,
        p95_ms=float(np.quantile([end.total_ms for end in counted], 0.95)),
        wasted_s=sum(end.wasted_ms for end in counted) / 1000,
        openings=openings,
    )
