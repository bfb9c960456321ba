"""The event loop with virtual time."""

import asyncio
import socket
import time

import pytest

from resilience.simulator.virtual import VirtualLoop, VirtualTimeError


def test_hours_pass_at_once_and_in_order() -> None:
    async def main() -> list[tuple[str, float]]:
        passed: list[tuple[str, float]] = []

        async def note(name: str, after_s: float) -> None:
            await asyncio.sleep(after_s)
            passed.append((name, asyncio.get_running_loop().time()))

        await asyncio.gather(note("late", 7200.0), note("early", 3600.5), note("now", 0.0))
        return passed

    started = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        passed = runner.run(main())

    assert passed == [("now", 0.0), ("early", 3600.5), ("late", 7200.0)]
    assert time.monotonic() - started < 5


def test_a_timeout_fires_at_its_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(45):
                await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 45.0


def test_no_timer_is_missed_after_a_million_seconds() -> None:
    async def main() -> int:
        await asyncio.sleep(1e6)
        for _ in range(100):
            await asyncio.sleep(0.1)
        return round(asyncio.get_running_loop().time() * 10)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 10_000_100


def test_waiting_for_what_no_timer_brings_is_an_error_and_no_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(VirtualTimeError, match="every task waits and no timer is set"),
    ):
        runner.run(main())


def test_real_input_and_output_are_refused() -> None:
    async def main() -> None:
        left, right = socket.socketpair()
        with left, right:
            left.setblocking(False)
            await asyncio.get_running_loop().sock_recv(left, 1)

    with (
        asyncio.Runner(loop_factory=VirtualLoop) as runner,
        pytest.raises(VirtualTimeError, match="no I/O on virtual time"),
    ):
        runner.run(main())
