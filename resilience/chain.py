"""The chain as one value: a request takes it at its beginning and keeps it to its end.

Whoever changes settings makes another one and puts it in the place of this one; nothing in here changes, but for what
the links know about their providers.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resilience.attempt import Caller
from resilience.config import Config, Provider
from resilience.link import Link

if TYPE_CHECKING:  # loaded only where a guard is on
    from resilience.guards.guarding import Guards


@dataclass(frozen=True, slots=True)
class Chain:
    """Settings of one version, the links of its usable providers in order, the connections to them, and the guards.

    caller: None before the client has started and after it was closed; guards: None with all of them switched off.
    """

    config: Config
    links: tuple[Link, ...] = ()
    caller: Caller | None = None
    guards: "Guards | None" = None

    @property
    def version(self) -> int:
        """Of the settings; later ones are greater."""
        return self.config.version

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Those that can be called, in order."""
        return tuple(provider for provider in self.config.providers if provider.usable)
