"""What the tests of the command line share: a provider on a real socket, and the backend as a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

WAIT_S = 20.0


class SlowProvider:
    """Speaks chat completions; each answer waits until `release` is set, `arrived` tells that one is waited for."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.release = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                provider.arrived.set()
                provider.release.wait(WAIT_S)
                choice = {"message": {"role": "assistant", "content": "Late?"}, "finish_reason": "stop"}
                body = json.dumps({"model": "slow", "choices": [choice]}).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @contextmanager
    def running(self) -> Iterator["SlowProvider"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.release.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(WAIT_S)


CHAIN = {
    "METIS_LLM_PROVIDER_ORDER": "alpha",
    "METIS_LLM_ALPHA_BASE_URL": "http://127.0.0.1:9/v1",
    "METIS_LLM_ALPHA_MODEL": "alpha-model",
    "ALPHA_API_KEY": "sk-alpha",
}
"""Settings of a chain with one provider, whom nobody answers for."""


def environment(**more: str) -> dict[str, str]:
    """CHAIN, `more`, and nothing of the machine's own settings."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("METIS_") and not n.endswith("_API_KEY")}
    return kept | CHAIN | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"} | more


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "resilience", *arguments]


class BackendProcess:
    """`python -m resilience serve` in a directory; `url` is read from what it prints."""

    def __init__(self, directory: Path, environ: dict[str, str], *arguments: str) -> None:
        self.process = subprocess.Popen(
            command("serve", *arguments), cwd=directory, env=environ, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._stderr: IO[str] = self.process.stderr  # type: ignore[assignment]
        self.url = self.read_until("METIS backend:").split()[2]
        self.read_until("startup complete")

    def read_until(self, words: str) -> str:
        """The next line with these words; a watchdog ends a process that never says them."""
        watchdog = threading.Timer(WAIT_S, self.process.kill)
        watchdog.start()
        try:
            for line in self._stderr:
                self.lines.append(line)
                if words in line:
                    return line
        finally:
            watchdog.cancel()
        raise AssertionError(f"{words!r} never came; it said: {''.join(self.lines)}")

    def end(self) -> int:
        """Wait for the exit code."""
        for line in self._stderr:
            self.lines.append(line)
        self._stderr.close()
        return self.process.wait(WAIT_S)

    @contextmanager
    def running(self) -> Iterator["BackendProcess"]:
        try:
            yield self
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait(WAIT_S)
            self._stderr.close()


def kinds(log: Path) -> list[str]:
    """The events of a log file, by name."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [json.loads(line[line.index("{") :])["event"] for line in lines]
