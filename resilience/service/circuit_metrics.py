"""What /metrics says about the circuits of the chain: state, place in the chain, and how long they were open."""

import threading
from collections.abc import Callable, Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from resilience.breaker import CircuitView
from resilience.events import State


class CircuitMetrics(Collector):
    """Read from the circuits at each scrape: an OPEN whose time is over is HALF_OPEN before any call says so.

    circuits: those of the chain now, in its order; clock: monotonic seconds. Safe to share between threads.
    """

    def __init__(self, circuits: Callable[[], Iterable[CircuitView]], clock: Callable[[], float]) -> None:
        self._circuits = circuits
        self._clock = clock
        self._lock = threading.Lock()
        self._open_s: dict[str, float] = {}
        self._open_since: dict[str, float] = {}

    def changed(self, provider: str, to: State) -> None:
        """A circuit is in another state from now on. It counts as open from OPEN until it is CLOSED again."""
        with self._lock:
            if to is State.OPEN:
                self._open_since.setdefault(provider, self._clock())
            elif to is State.CLOSED and provider in self._open_since:
                self._open_s[provider] = self._seconds(provider)
                del self._open_since[provider]

    def _seconds(self, provider: str) -> float:
        now = self._clock()
        return self._open_s.get(provider, 0.0) + now - self._open_since.get(provider, now)

    def collect(self) -> Iterable[Metric]:
        """Three families: 1 for the state that each circuit is in and 0 for the others, places, seconds."""
        states = GaugeMetricFamily(
            "metis_llm_circuit_state", "1 for the state that a circuit is in", labels=("provider", "state")
        )
        places = GaugeMetricFamily(
            "metis_llm_chain_position", "Place of a provider in the chain, 0 for the primary", labels=("provider",)
        )
        seconds = CounterMetricFamily(
            "metis_llm_circuit_open_seconds", "Time from OPEN until CLOSED again", labels=("provider",)
        )
        for place, view in enumerate(self._circuits()):
            for state in State:
                states.add_metric((view.provider, state), float(view.state is state))
            places.add_metric((view.provider,), place)
            with self._lock:
                seconds.add_metric((view.provider,), self._seconds(view.provider))
        yield states
        yield places
        yield seconds
