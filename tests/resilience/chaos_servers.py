"""The providers of the chaos tests, for a process of their own, which imports this module and little else."""

import asyncio
from collections.abc import Mapping
from multiprocessing.connection import Connection

from resilience.simulator.behaviour import Behaviour, Mix
from resilience.simulator.faults import FAULTS
from resilience.simulator.servers import Servers
from tests.resilience.quick_faults import QUICK, quick

CHAIN = ("openrouter", "anthropic", "deepseek", "openai")
HEALTHY = "openai"
SILENT = ("hang", "slow_head", "hang_after_head", "only_keep_alives", "drip", "stall")
COSTLY = ("endless", "oversized_event", "oversized_event_midway", "gzip_bomb", "huge_head", "byte_by_byte", "deep_json")
FOR_GOOD = ("rate_limit_long",)
"""Left out: once a provider has wished to be left alone for an hour, nothing more would happen to it."""

ANY_FAULT = Mix(
    (
        (40.0, QUICK),
        *(
            (0.05 if name in SILENT or name in COSTLY else 1.0, quick(fault.behaviour))
            for name, fault in FAULTS.items()
            if name not in FOR_GOOD
        ),
    )
)


USUAL_PACE = Mix(
    (
        (40.0, Behaviour.of("ok")),
        *((1.0, fault.behaviour) for name, fault in FAULTS.items() if name not in (*COSTLY, *FOR_GOOD)),
    )
)
"""The same without haste, for virtual time."""


def serve(pipe: Connection, behaviours: Mapping[str, Mix], seed: int) -> None:
    """Be these providers until told to stop. Sends their base URLs first, and their counts when asked."""
    asyncio.run(_serving(pipe, behaviours, seed))


async def _serving(pipe: Connection, behaviours: Mapping[str, Mix], seed: int) -> None:
    async with Servers(seed) as running:
        for name in CHAIN:
            running.set_mix(name, behaviours.get(name, Mix(((1.0, QUICK),))))
        pipe.send({name: running.base_url(name) for name in CHAIN})
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()

        def answer() -> None:
            if pipe.recv() == "stop":
                stopped.set()
            else:
                pipe.send({name: running.calls(name) for name in CHAIN})

        loop.add_reader(pipe.fileno(), answer)
        await stopped.wait()
        loop.remove_reader(pipe.fileno())
