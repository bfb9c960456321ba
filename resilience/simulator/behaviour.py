"""What a provider does with a call: a name of the catalogue and its parameters.

Behaviour.of("error", status=503, retry_after_s=2)
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from resilience.errors import ResilienceError
from resilience.simulator.catalogue import CATALOGUE, Parameter, parameters_of
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Step
from resilience.simulator.wire.values import KIND_OF_STATUS


class SimulatorError(ResilienceError):
    """The simulator was asked for something that it does not have; the message lists what it has."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A named behaviour with its parameters, checked when it is created. Raises SimulatorError."""

    name: str
    parameters: tuple[tuple[str, Parameter], ...] = ()

    def __post_init__(self) -> None:
        maker = CATALOGUE.get(self.name)
        if maker is None:
            raise SimulatorError(f"behaviour must be one of {', '.join(sorted(CATALOGUE))}, got {self.name!r}")
        known = parameters_of(maker)
        for name, _ in self.parameters:
            if name not in known:
                raise SimulatorError(f"behaviour {self.name} takes {', '.join(known) or 'no parameters'}, got {name!r}")
        status = dict(self.parameters).get("status", 500)
        if status not in KIND_OF_STATUS:
            raise SimulatorError(f"status must be one of {', '.join(map(str, KIND_OF_STATUS))}, got {status!r}")

    @classmethod
    def of(cls, name: str, **parameters: Parameter) -> "Behaviour":
        """The behaviour of this name, with these parameters instead of the defaults."""
        return cls(name, tuple(parameters.items()))

    def steps(self, scene: Scene) -> Iterator[Step]:
        """What happens on the connection."""
        return CATALOGUE[self.name](scene, **dict(self.parameters))


@dataclass(frozen=True, slots=True)
class Mix:
    """Behaviours by weight; each call draws one."""

    parts: tuple[tuple[float, Behaviour], ...]

    @classmethod
    def only(cls, name: str, **parameters: Parameter) -> "Mix":
        """Always the same behaviour."""
        return cls(((1.0, Behaviour.of(name, **parameters)),))

    def draw(self, rng: random.Random) -> Behaviour:
        """One behaviour; always one draw, so that a mix of one keeps the sequence."""
        return rng.choices([part for _, part in self.parts], [weight for weight, _ in self.parts])[0]
