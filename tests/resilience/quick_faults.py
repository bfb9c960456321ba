"""Behaviours of simulated providers without the waits that mean nothing."""

from collections.abc import Mapping

from resilience.simulator.behaviour import Behaviour
from resilience.simulator.catalogue import CATALOGUE, parameters_of

QUICK = Behaviour.of("ok", latency_s=0.0)
_QUICK: Mapping[str, float] = {"latency_s": 0.0, "gap_s": 0.05}
_SLOW_BY_NATURE = ("slow_head", "reset_after_head")


def quick(behaviour: Behaviour) -> Behaviour:
    """The same behaviour, without waits that mean nothing."""
    known = parameters_of(CATALOGUE[behaviour.name])
    hurry = {name: value for name, value in _QUICK.items() if name in known and behaviour.name not in _SLOW_BY_NATURE}
    return Behaviour.of(behaviour.name, **(hurry | dict(behaviour.parameters)))
