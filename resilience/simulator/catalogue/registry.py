"""Where the catalogue's entries are kept."""

import inspect
from collections.abc import Callable, Iterator, Mapping

from resilience.simulator.steps import Step

Parameter = float | str | None
Maker = Callable[..., Iterator[Step]]
CATALOGUE: dict[str, Maker] = {}


def named(maker: Maker) -> Maker:
    """Put a function into the catalogue under its own name."""
    CATALOGUE[maker.__name__] = maker
    return maker


def parameters_of(maker: Maker) -> Mapping[str, Parameter]:
    """A catalogue entry's parameters and their defaults."""
    signature = inspect.signature(maker).parameters.values()
    return {p.name: p.default for p in signature if p.kind is inspect.Parameter.KEYWORD_ONLY}
