"""What waits to be sent over one channel, as a value: in order, at most so often, and again after a failure.

A notice is in the outbox, on the disk, before it is sent, and leaves it after. Whoever is ended in between sends it once
more: at least once. What has been tried stays as it is until it has been sent or refused, so the repetition is the same
message with the same id.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard.notify.notice import Notice

MOST_MESSAGES = 10
"""So many within WINDOW; what comes faster is summed up in the next one."""
WINDOW = timedelta(minutes=10)
LONGEST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Outbox:
    """One channel's.

    waiting: the oldest first; begun: how many of them, from the first on, make the message that is being tried;
    tries: how often it has failed; next_at: not to be tried before; sent_at: of the messages within WINDOW.
    """

    waiting: tuple[Notice, ...] = ()
    begun: int = 0
    tries: int = 0
    next_at: datetime | None = None
    sent_at: tuple[datetime, ...] = ()

    def with_notices(self, notices: Sequence[Notice]) -> "Outbox":
        """With more to send."""
        return replace(self, waiting=(*self.waiting, *notices))

    def due(self, now: datetime, urgent: bool) -> bool:
        """Whether a message is to be sent now. urgent: not to be held back."""
        if not self.waiting or (self.next_at is not None and now < self.next_at):
            return False
        return urgent or self.begun > 0 or len(self._recent(now)) < MOST_MESSAGES

    def tried(self, count: int) -> "Outbox":
        """The first `count` are being sent; once begun, that number stays."""
        return replace(self, begun=self.begun or count)

    @property
    def batch(self) -> tuple[Notice, ...]:
        """The message that is being tried."""
        return self.waiting[: self.begun]

    def sent(self, now: datetime) -> "Outbox":
        """That message is out."""
        return replace(self.dropped(), sent_at=(*self._recent(now), now))

    def dropped(self) -> "Outbox":
        """That message will not be tried again."""
        return replace(self, waiting=self.waiting[self.begun :], begun=0, tries=0, next_at=None)

    def failed(self, now: datetime, asked_s: float | None, rng: random.Random) -> "Outbox":
        """That message is to be tried again. asked_s: the receiver's wish. Doubled each time, with jitter."""
        # Half of it is chance: those who failed together do not come back together.
        own_s = min(LONGEST_WAIT_S, 2.0 ** min(self.tries + 1, 10)) * rng.uniform(0.5, 1.0)
        wait_s = max(own_s, asked_s or 0.0)
        return replace(self, tries=self.tries + 1, next_at=now + timedelta(seconds=wait_s))

    def _recent(self, now: datetime) -> tuple[datetime, ...]:
        return tuple(at for at in self.sent_at if now - WINDOW < at <= now)
