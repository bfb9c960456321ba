"""One provider in a running chain: its circuit, its load, its wish to be left alone, its key's state.

When settings change, a provider's link is `renewed`: requests under way keep the one they began with, and both share
what the process knows about the provider.
"""

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


class _Places:
    """The calls to one provider at once, and who waits for one."""

    __slots__ = ("policy", "slots", "waiting")

    def __init__(self, policy: LoadPolicy) -> None:
        self.policy = policy
        self.slots = asyncio.Semaphore(policy.concurrency)
        self.waiting = 0


class _Standing:
    """What the provider said: when it wants to be called again, and since when it refuses the key."""

    __slots__ = ("key_refused_at", "not_before")

    def __init__(self) -> None:
        self.not_before = 0.0
        self.key_refused_at: datetime | None = None


class Link:
    """What all requests share about one provider. Used on one event loop; the breaker alone is shared wider."""

    def __init__(self, provider: Provider, breaker: Breaker, load: LoadPolicy, clock: Callable[[], float]) -> None:
        self.provider = provider
        self.breaker = breaker
        self._clock = clock
        self._places = _Places(load)
        self._slots = self._places.slots
        self._standing = _Standing()

    def renewed(self, provider: Provider, load: LoadPolicy) -> "Link":
        """The same provider under other settings: circuit and wishes live on, a new key begins unrefused.

        Under another load policy, calls under way count against the limit that they began with.
        """
        link = Link(provider, self.breaker, load, self._clock)
        if load == self._places.policy:
            link._places, link._slots = self._places, self._slots
        link._standing = self._standing
        if provider.api_key != self.provider.api_key:
            link._standing = _Standing()
        return link

    @property
    def key_refused_at(self) -> datetime | None:
        """Since when the provider refuses the key (UTC), None if it does not."""
        return self._standing.key_refused_at

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
        return self.wish_s < wait_s and self._free and self.breaker.state() is not State.OPEN

    @property
    def wish_s(self) -> float:
        """Seconds for which the provider asked not to be called (Retry-After), 0 if none are left."""
        left_s = self._standing.not_before - self._clock()
        return left_s if left_s > SLACK_S else 0.0

    @property
    def _free(self) -> bool:
        return not self._slots.locked() or self._places.waiting < self._places.policy.queue

    async def enter(self, deadline: float) -> bool:
        """Take a place, waiting for one until `deadline` at the most; False if the queue is full or time is up."""
        if self._slots.locked():
            places = self._places
            if places.waiting >= places.policy.queue:
                return False
            places.waiting += 1
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._slots.acquire()
            except TimeoutError:
                return False
            finally:
                places.waiting -= 1
        return await self._slots.acquire()

    def leave(self) -> None:
        """Give the place back."""
        self._slots.release()

    def learn(self, failure: Failure, wall_s: float) -> None:
        """Keep what a failure says about the calls to come."""
        if failure.retry_after_s is not None:
            self._standing.not_before = max(self._standing.not_before, self._clock() + failure.retry_after_s)
        if failure.reason is Reason.AUTH_ERROR:
            self._standing.key_refused_at = datetime.fromtimestamp(wall_s, UTC)

    def answered(self) -> None:
        """An answer came: the key is good."""
        self._standing.key_refused_at = None
