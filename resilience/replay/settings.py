"""Which settings a log's events ran under, and under which others they may be played."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from resilience.config import CHOICES, KNOWN, NUMBERS, ORDER, Config, config_of, key_variable, provider_variable
from resilience.control.source import default_of
from resilience.errors import ConfigError, ResilienceError
from resilience.events import ConfigChanged, Event, ProvidersInitialized, ServiceStarted
from resilience.policy import GUARDS

NAMES = tuple(
    name for name in (*(number.variable for number in NUMBERS), *CHOICES) if not name.startswith("METIS_LLM_GUARD_")
)
"""The settings that a replay follows; guards see texts, and a log has none."""


class ReplayError(ResilienceError):
    """A log cannot be replayed as asked; the message names the thing, the rule and the value."""


@dataclass(frozen=True, slots=True)
class InForce:
    """Settings as text by variable, those at their defaults left out, and the usable chain.

    known: the log says them; else the defaults stand in for what it does not say.
    """

    values: Mapping[str, str]
    order: tuple[str, ...]
    known: bool

    def after(self, event: Event) -> "InForce":
        """What is in force once this line is written."""
        match event:
            case ProvidersInitialized():
                return replace(self, order=event.order)
            case ConfigChanged():
                values = dict(self.values)
                for name, _, new in event.changes:
                    if name in NAMES:
                        values[name] = new
                        if new == default_of(name):
                            del values[name]
                return replace(self, values=values)
            case ServiceStarted() if type(event) is ServiceStarted:
                return InForce(event.settings or {}, event.order, event.settings is not None)
        return self

    def value(self, name: str) -> str:
        """A setting of NAMES as text: as the log says, else its default."""
        return self.values.get(name) or default_of(name)

    def under(self, changes: Mapping[str, str], order: Sequence[str] = ()) -> "InForce":
        """The same with these settings, and this order if there is one."""
        return replace(self, values={**self.values, **changes}, order=tuple(order) or self.order)

    def config(self) -> Config:
        """As the backend would read it; every provider of the order has a key. Raises ReplayError."""
        env = dict(self.values)
        for name in self.order:
            env[key_variable(name)] = "replayed"
            if name not in KNOWN:
                env[provider_variable(name, "BASE_URL")] = "http://replayed.invalid"
                env[provider_variable(name, "MODEL")] = "replayed"
        if self.order:
            env[ORDER] = ",".join(self.order)
        else:
            env[key_variable(next(iter(KNOWN)))] = "replayed"
        try:
            return replace(config_of(env), guards_off=frozenset(GUARDS))
        except ConfigError as exc:
            raise ReplayError(str(exc)) from exc


UNKNOWN = InForce({}, (), known=False)
"""Before a log has said anything."""
