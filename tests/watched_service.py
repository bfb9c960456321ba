"""The running service on simulated providers, with the runbook's following commands watching its log."""

import asyncio
import os
import pty
import random
import select
import signal
import subprocess
import threading
import time
import tty
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from resilience.events import Origin, to_line
from resilience.simulator.behaviour import Behaviour
from resilience.simulator.servers import Servers
from tests.composed_log import AT_S, CHAIN, a_transition
from tests.resilience.process_kit import BackendProcess, environment
from tests.resilience.service_kit import http
from tests.runbook import LOG

WAIT_S = 20.0
END = to_line(a_transition(random.Random(0)), AT_S + 86_400, Origin("metis", "the end", 7))
"""A line that every following command prints; the watcher reads up to it."""


class Watcher:
    """A following command on a terminal of its own, which is where grep prints each line at once."""

    def __init__(self, command: str, directory: Path) -> None:
        self._read_from, terminal = pty.openpty()
        tty.setraw(terminal)
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self._seen = b""

    def until(self, end: str) -> list[str]:
        """All lines so far, once the line `end` is here."""
        deadline = time.monotonic() + WAIT_S
        while end.encode() not in self._seen:
            ready, _, _ = select.select([self._read_from], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"the line never came; it printed {self._seen.decode()[-2000:]!r}"
            self._seen += os.read(self._read_from, 65_536)
        return self._seen.decode("utf-8").splitlines(keepends=True)

    @contextmanager
    def running(self) -> Iterator["Watcher"]:
        try:
            yield self
        finally:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(WAIT_S)
            os.close(self._read_from)


class ProviderThread:
    """Four simulated providers on an event loop of their own, so that a test without one can use them."""

    def __init__(self) -> None:
        self.servers = Servers()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    @contextmanager
    def running(self) -> Iterator["ProviderThread"]:
        self._thread.start()
        try:
            self._run(self.servers.__aenter__())
            yield self
            self._run(self.servers.__aexit__())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT_S)
            self._loop.close()

    def set(self, behaviour: Behaviour, *providers: str) -> None:
        async def change() -> None:
            for provider in providers:
                self.servers.set(provider, behaviour)

        self._run(change())

    def settings(self) -> dict[str, str]:
        """A chain of all four for the environment."""
        urls = {f"METIS_LLM_{name.upper()}_BASE_URL": self.servers.base_url(name) for name in CHAIN}
        keys = {f"{name.upper()}_API_KEY": "simulated" for name in CHAIN}
        return {"METIS_LLM_PROVIDER_ORDER": ",".join(CHAIN)} | urls | keys

    def _run(self, work: Coroutine[object, object, object]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)


FAST = Behaviour.of("ok", latency_s=0.0)
DOWN = Behaviour.of("error", status=503, latency_s=0.0)
HELLO = {"model": "metis", "messages": [{"role": "user", "content": "LLM_ATTEMPT failed: circuit OPEN ERROR PRIMARY"}]}


def live_incident(directory: Path, commands: Iterable[str]) -> dict[str, list[str]]:
    """Serve through an outage of one provider, then of all, then none; the log stays in `directory`.

    Each command runs meanwhile; what it showed comes back, END included.
    """
    with ExitStack() as stack:
        providers = stack.enter_context(ProviderThread().running())
        providers.set(FAST, *CHAIN)
        environ = environment(
            METIS_LLM_MAX_RETRIES="1",
            METIS_LLM_RETRY_BASE_DELAY="0",
            METIS_LLM_CIRCUIT_COOLDOWN_SECONDS="0.2",
            **providers.settings(),
        )
        backend = stack.enter_context(BackendProcess(directory, environ, "--port", "0").running())
        watchers = {command: stack.enter_context(Watcher(command, directory).running()) for command in commands}

        def answered_by() -> str | None:
            return http.post(f"{backend.url}/v1/chat/completions", json=HELLO).json().get("provider")

        assert answered_by() == "openrouter"
        for watcher in watchers.values():
            watcher.until("LLM_ATTEMPT")
        providers.set(DOWN, "openrouter")
        assert [answered_by() for _ in range(4)] == ["anthropic"] * 4
        providers.set(DOWN, *CHAIN)
        assert answered_by() is None
        providers.set(FAST, *CHAIN)
        recovered_by = time.monotonic() + WAIT_S
        while answered_by() != "openrouter":
            assert time.monotonic() < recovered_by
        backend.process.send_signal(signal.SIGTERM)
        assert backend.end() == 0
        with (directory / LOG).open("a", encoding="utf-8") as log:
            log.write(END)
        return {command: watcher.until(END) for command, watcher in watchers.items()}
