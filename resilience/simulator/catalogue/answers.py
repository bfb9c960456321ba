"""Whole answers."""

from collections.abc import Iterator

from resilience.simulator.catalogue.parts import answer, factor
from resilience.simulator.catalogue.registry import named
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Step


@named
def ok(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer, in the provider's usual time or in latency_s."""
    yield from answer(scene, factor(scene, latency_s))


@named
def slow(scene: Scene, *, factor: float = 10.0) -> Iterator[Step]:
    """A whole answer that takes `factor` times as long as usual."""
    yield from answer(scene, factor)
