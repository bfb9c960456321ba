"""One provider in a running chain: its circuit, its load, its wish to be left alone, its key's state."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from resilience.breaker import Breaker, CircuitView
from resilience.config import Provider
from resilience.errors import Failure
from resilience.events import Reason, State
from resilience.policy import LoadPolicy

SLACK_S = 0.001
"""A timer may fire a clock tick early; a wish that ends within this has ended."""


class Link:
    """What all requests share about one provider. Used on one event loop; the breaker alone is shared wider."""

    def __init__(self, provider: Provider, breaker: Breaker, load: LoadPolicy, clock: Callable[[], float]) -> None:
        self.provider = provider
        self.breaker = breaker
        self.key_refused_at: datetime | None = None
        self._clock = clock
        self._slots = asyncio.Semaphore(load.concurrency)
        self._queue = load.queue
        self._waiting = 0
        self._not_before = 0.0

    @property
    def view(self) -> CircuitView:
        """The circuit as it is now."""
        return self.breaker.view()

    @property
    def promising(self) -> bool:
        """Whether a request that has to leave another provider may hope for this one."""
        return self.promising_within(SLACK_S)

    def promising_within(self, wait_s: float) -> bool:
        """Whether it may hope for this one before so many seconds have passed."""
        return self.wish_s < wait_s and self._free and self.view.state is not State.OPEN

    @property
    def wish_s(self) -> float:
        """Seconds for which the provider asked not to be called (Retry-After), 0 if none are left."""
        left_s = self._not_before - self._clock()
        return left_s if left_s > SLACK_S else 0.0

    @property
    def _free(self) -> bool:
        return not self._slots.locked() or self._waiting < self._queue

    async def enter(self, deadline: float) -> bool:
        """Take a place, waiting for one until `deadline` at the most; False if the queue is full or time is up."""
        if self._slots.locked():
            if self._waiting >= self._queue:
                return False
            self._waiting += 1
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._slots.acquire()
            except TimeoutError:
                return False
            finally:
                self._waiting -= 1
        return await self._slots.acquire()

    def leave(self) -> None:
        """Give the place back."""
        self._slots.release()

    def learn(self, failure: Failure, wall_s: float) -> None:
        """Keep what a failure says about the calls to come."""
        if failure.retry_after_s is not None:
            self._not_before = max(self._not_before, self._clock() + failure.retry_after_s)
        if failure.reason is Reason.AUTH_ERROR:
            self.key_refused_at = datetime.fromtimestamp(wall_s, UTC)

    def answered(self) -> None:
        """An answer came: the key is good."""
        self.key_refused_at = None
