"""What a channel is: which notices it takes, how many of them make a message, and how that looks."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from dashboard.alerts.words import stamp
from dashboard.notify.notice import Notice

MOST_SHOWN = 20
"""Notices told one by one in a message; further ones are counted."""
_SECRET_FROM = 6  # letters; shorter pieces of an address are no secrets, and would be found everywhere


@dataclass(frozen=True, slots=True)
class Message:
    """A JSON document and where it is posted to. url and secrets are never shown."""

    url: str = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Channel(Protocol):
    """Slack, PagerDuty or a webhook."""

    @property
    def name(self) -> str:
        """Of the channel, for people and for its outbox."""
        ...

    @property
    def host(self) -> str:
        """Where its messages go, without what is secret."""
        ...

    def takes(self, notice: Notice) -> bool:
        """Whether the channel is told of this."""
        ...

    def together(self, waiting: Sequence[Notice]) -> int:
        """How many of what waits, from the first on, make one message."""
        ...

    def urgent(self, waiting: Sequence[Notice]) -> bool:
        """Whether it must not be held back by the rate limit."""
        ...

    def message(self, notices: Sequence[Notice], page: str) -> Message:
        """The message. page: the dashboard's address."""
        ...


@dataclass(frozen=True, slots=True)
class ToldOfAll:
    """What channels have in common that are told of everything and page nobody.

    url: whoever knows it can write there, so it is a secret.
    """

    url: str = field(repr=False)

    @property
    def host(self) -> str:
        """Where its messages go."""
        return host_of(self.url)

    def takes(self, notice: Notice) -> bool:  # noqa: ARG002 (it is told of everything)
        """Everything."""
        return True

    def together(self, waiting: Sequence[Notice]) -> int:
        """All of it."""
        return len(waiting)

    def urgent(self, waiting: Sequence[Notice]) -> bool:  # noqa: ARG002
        """Nothing: nobody is paged by it."""
        return False


def host_of(url: str) -> str:
    """The part of an address that may be shown."""
    return urlsplit(url).hostname or "?"


def secret_parts(url: str) -> tuple[str, ...]:
    """What of an address must not be shown when a receiver repeats it: all of it, its path, and what these are made of."""
    parts = urlsplit(url)
    pieces = [url, parts.path, parts.query, *parts.path.split("/"), *re.split("[&=]", parts.query)]
    pieces += [parts.username or "", parts.password or ""]
    return tuple(dict.fromkeys(piece for piece in pieces if len(piece) >= _SECRET_FROM))


def message_id(notices: Sequence[Notice]) -> str:
    """The same for the same notices: by it a receiver knows what it has had."""
    parts = "\n".join(f"{n.kind} {n.rule.name} {stamp(n.firing_at)} {stamp(n.at)}" for n in notices)
    return hashlib.blake2b(parts.encode(), digest_size=8).hexdigest()
