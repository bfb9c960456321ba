"""The catalogue: what a provider can do with a call, by name.

Each entry is a function from a Scene to steps; its keyword parameters are the behaviour's. A new behaviour is one
more function in the module whose idea it shares. Nothing here draws at random: what varies from call to call is
in the Scene. faults.py gives names to those of these behaviours, with their parameters, that go wrong or look odd.
"""

from resilience.simulator.catalogue import answers, bodies, connections, errors, oddities, streams
from resilience.simulator.catalogue.registry import CATALOGUE, Maker, Parameter, parameters_of

__all__ = [
    "CATALOGUE",
    "Maker",
    "Parameter",
    "answers",
    "bodies",
    "connections",
    "errors",
    "oddities",
    "parameters_of",
    "streams",
]
