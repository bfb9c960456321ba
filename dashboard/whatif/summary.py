"""How a log's requests fared, in the numbers that a what-if compares; the same definitions as the page's metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resilience.events import RequestFinished, RequestStatus

_NOT_COUNTED = (RequestStatus.CANCELLED, RequestStatus.BLOCKED, RequestStatus.REJECTED)

Waits = npt.NDArray[np.float64]
"""Milliseconds that callers waited for an answer of the first provider, at its first attempt."""
NO_WAITS: Waits = np.empty(0)


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


@dataclass(frozen=True, slots=True)
class Ends:
    """How requests ended, one column per property; a sample of a million is drawn in a moment."""

    counted: npt.NDArray[np.bool_]
    success: npt.NDArray[np.bool_]
    fell_back: npt.NDArray[np.bool_]
    total_ms: npt.NDArray[np.float64]
    wasted_ms: npt.NDArray[np.float64]

    @classmethod
    def of(cls, ends: Sequence[RequestFinished], quiet: Waits = NO_WAITS) -> "Ends":
        """These ends, and after them as many answers as there are quiet waits."""
        yes = np.ones(len(quiet), dtype=bool)
        return cls(
            np.concatenate([np.array([end.status not in _NOT_COUNTED for end in ends], dtype=bool), yes]),
            np.concatenate([np.array([end.status is RequestStatus.SUCCESS for end in ends], dtype=bool), yes]),
            np.concatenate([np.array([end.fallbacks > 0 for end in ends], dtype=bool), ~yes]),
            np.concatenate([np.array([end.total_ms for end in ends], dtype=float), quiet]),
            np.concatenate([np.array([end.wasted_ms for end in ends], dtype=float), np.zeros(len(quiet))]),
        )

    def __len__(self) -> int:
        return len(self.counted)

    def summary(self, openings: int, sample: npt.NDArray[np.int64] | None = None) -> Summary:
        """The numbers of these requests, or of a sample of them: places, some more than once."""
        places = np.flatnonzero(self.counted) if sample is None else sample[self.counted[sample]]
        total = len(places)
        if not total:
            return Summary(0, None, None, None, 0.0, openings)
        return Summary(
            requests=total,
            success_rate=int(self.success[places].sum()) / total,
            fallback_rate=int(self.fell_back[places].sum()) / total,
            p95_ms=float(np.quantile(self.total_ms[places], 0.95)),
            wasted_s=float(self.wasted_ms[places].sum()) / 1000,
            openings=openings,
        )
