"""Simulated providers behind real sockets on loopback, for tests and for the demo.

    async with Servers() as servers:
        servers.set("openrouter", Behaviour.of("error", status=503))
        ... servers.base_url("openrouter") ...
        assert servers.calls("openrouter") == 3

`GET /_sim/counts` on any of the ports answers the calls so far: {"openrouter": {"ok": 4, "error": 1}, ...}.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from typing import Self

from resilience.simulator.behaviour import Behaviour, Mix
from resilience.simulator.connection import Respond
from resilience.simulator.listener import HOST, Listener
from resilience.simulator.profiles import PROFILES
from resilience.simulator.provider import Received, SimulatedProvider
from resilience.simulator.scenario import HEALTHY, Scenario
from resilience.simulator.steps import Head, Send, Step

COUNTS_PATH = "/_sim/counts"
_REFUSE = Behaviour.of("refuse")


class Servers:
    """One server per provider, all healthy at first. ports: by provider name, any free one where none is given."""

    def __init__(self, seed: int = 0, ports: Mapping[str, int] | None = None) -> None:
        wanted = ports or {}
        self._providers = {name: SimulatedProvider(profile, seed, HEALTHY.draw) for name, profile in PROFILES.items()}
        self._listeners = {
            name: Listener(wanted.get(name, 0), self._respond(provider)) for name, provider in self._providers.items()
        }

    async def __aenter__(self) -> Self:
        try:
            for listener in self._listeners.values():
                listener.open()
        except OSError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        for listener in self._listeners.values():
            await listener.aclose()

    def base_url(self, provider: str) -> str:
        """The provider's address, as its `..._BASE_URL` setting takes it."""
        return f"http://{HOST}:{self._listeners[provider].port}{PROFILES[provider].base_path}"

    def set(self, provider: str, *behaviours: Behaviour) -> None:
        """From the next call on: these behaviours in turn, the last one for all calls after it."""
        script = iter(behaviours[:-1])
        self._providers[provider].source = lambda _: next(script, behaviours[-1])
        self._listen(provider, refusing=behaviours == (_REFUSE,))

    def set_mix(self, provider: str, mix: Mix) -> None:
        """From the next call on: each call draws from this mix."""
        self._providers[provider].source = mix.draw
        self._listen(provider, refusing=all(behaviour == _REFUSE for _, behaviour in mix.parts))

    def calls(self, provider: str) -> int:
        """Requests received so far; a refused connection is none."""
        return self._providers[provider].calls

    def counts(self) -> dict[str, dict[str, int]]:
        """Calls so far by provider and behaviour."""
        return {name: dict(provider.counts) for name, provider in self._providers.items()}

    def received(self, provider: str) -> tuple[Received, ...]:
        """The newest requests, oldest first."""
        return tuple(self._providers[provider].received)

    async def play(self, scenario: Scenario) -> None:
        """Play the scenario in real time, round after round, until cancelled."""
        loop = asyncio.get_running_loop()
        started, at_s = loop.time(), 0.0
        while True:
            for name in self._providers:
                self.set_mix(name, scenario.mix(name, at_s))
            at_s = scenario.next_change_s(at_s)
            await asyncio.sleep(started + at_s - loop.time())

    def _respond(self, provider: SimulatedProvider) -> Respond:
        def respond(received: Received) -> Iterator[Step]:
            if received.path == COUNTS_PATH:
                body = json.dumps(self.counts()).encode()
                return iter((Head(200, (("content-type", "application/json"),)), Send(body)))
            return provider.answer(received, time.time())

        return respond

    def _listen(self, provider: str, *, refusing: bool) -> None:
        # Not listening is the only way to refuse a connection, so a mix that also does other things resets instead.
        listener = self._listeners[provider]
        if refusing:
            listener.close()
        else:
            listener.open()
