"""What the rules look at, as arrays in order of time: the log's requests, attempts, circuits, orders and events.

Times are whole microseconds since 1970, UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]

UNKNOWN, CLOSED, OPEN = -1, 0, 1
"""States of a circuit here; OPEN until it is CLOSED again, so HALF_OPEN is OPEN."""


def _times() -> Times:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Calls:
    """Requests that count (docs/metrics.md), or one provider's ended attempts.

    at: when each ended, ascending; failed: no answer for the caller, or a failed attempt; s: how long it took.
    exhausted, with_fallback: of requests only, empty for attempts.
    """

    at: Times = field(default_factory=_times)
    failed: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    s: Values = field(default_factory=lambda: np.empty(0, np.float64))
    exhausted: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    with_fallback: Flags = field(default_factory=lambda: np.empty(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit's states: state[i] (UNKNOWN, CLOSED, OPEN) is in force from at[i] on; unknown before the first."""

    at: Times
    state: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class History:
    """What the log says up to `until`, and of requests and attempts from as long before as the longest window.

    circuits, attempts: by provider; orders: (from when, the chain, primary first), ascending; events: times of events,
    ascending, thinned out to the newest of each evaluation interval.
    """

    requests: Calls = field(default_factory=Calls)
    attempts: Mapping[str, Calls] = field(default_factory=dict)
    circuits: Mapping[str, Circuit] = field(default_factory=dict)
    orders: tuple[tuple[int, tuple[str, ...]], ...] = ()
    events: Times = field(default_factory=_times)
