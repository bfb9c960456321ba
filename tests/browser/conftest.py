"""One Chromium for all browser tests; one dashboard process per module, over a log that the test writes."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser import chromium

REPOSITORY = Path(__file__).parents[2]
START_S = 40.0
IN_A_BROWSER = [pytest.mark.browser, pytest.mark.flaky(reruns=1)]
"""A browser on a busy machine gets a second try, and the run says so."""
NO_SERVICE = "http://127.0.0.1:9"  # the discard port: nothing listens there
expect.set_options(timeout=15_000)

# Known, harmless and not ours: streamlit.md, "Testing".
_BENIGN = ("/_stcore/health", "/_stcore/host-config")


@dataclass
class Dashboard:
    """A running `python -m dashboard run`, its address and its log."""

    url: str
    log: Path

    def append(self, *lines: str) -> None:
        """Writes lines to the log, as the service would: in one write."""
        with self.log.open("ab", buffering=0) as file:
            file.write("".join(lines).encode())


@dataclass
class Watched:
    """A page, with what its console and its requests said."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Begins to note errors and requests to other hosts."""

        def console(message: ConsoleMessage) -> None:
            if message.type == "error" and not any(part in message.text + str(message.location) for part in _BENIGN):
                self.errors.append(message.text)

        def request(sent: Request) -> None:
            if not sent.url.startswith((self.url, self.url.replace("http", "ws", 1), "data:", "blob:")):
                self.foreign.append(sent.url)

        self.page.on("console", console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", request)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium: neither the system's nor Playwright's own (python -m tests.browser.chromium)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=list(chromium.ARGUMENTS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Callable[..., Dashboard]]:
    """Starts a dashboard over a log of these lines, with these settings; all end with the module.

    None: the log does not exist yet; a path: that log, as it is. within: the folder that it is started from, where
    Streamlit looks for its secrets.

    The browser is asked for first: without one, no server is started either.
    """
    running: list[subprocess.Popen[bytes]] = []

    def start(
        lines: list[str] | Path | None, *, within: Path = REPOSITORY, port: int = 0, **settings: str
    ) -> Dashboard:
        folder = tmp_path_factory.mktemp("dashboard")
        log = lines if isinstance(lines, Path) else folder / "backend_live.log"
        if isinstance(lines, list):
            log.write_text("".join(lines), "utf-8")
        command = [sys.executable, "-m", "dashboard", "run", "--log", str(log), "--port", str(port)]
        environ = os.environ | {"METIS_CONTROL_URL": NO_SERVICE, "PYTHONPATH": str(REPOSITORY)} | settings
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(command, cwd=within, env=environ, stdout=output, stderr=subprocess.STDOUT)
        running.append(process)
        return Dashboard(_address(process, folder / "output.txt"), log)

    yield start
    for process in running:
        process.terminate()
    for process in running:
        assert process.wait(15) is not None


@pytest.fixture(scope="module")
def open_page(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens an address in a window of its own, `without` what an URL pattern names; all close with the module."""
    contexts = []

    def visit(url: str, path: str = "/", without: str | None = None) -> Watched:
        context = browser.new_context(
            viewport={"width": 1280, "height": 800}, color_scheme="light", timezone_id="Europe/Berlin"
        )
        contexts.append(context)
        if without is not None:
            context.route(without, lambda route: route.abort())
        watched = Watched(context.new_page(), url)
        watched.listen()
        watched.page.set_default_timeout(20_000)
        watched.page.goto(url + path)
        return watched

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the page go, to be looked at: pytest's temporary folder of this run."""
    return tmp_path_factory.mktemp("screenshots", numbered=False)


def _address(process: subprocess.Popen[bytes], output: Path) -> str:
    """The address that the process says it serves, once it answers there."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        said = re.search(r"URL: (http://127\.0\.0\.1:\d+)", output.read_text("utf-8", "replace"))
        if said is not None:
            try:
                with urllib.request.urlopen(f"{said[1]}/_stcore/health", timeout=1):
                    return said[1]
            except OSError:
                pass
        time.sleep(0.1)
    pytest.fail(f"the dashboard did not start:\n{output.read_text('utf-8', 'replace')[-3000:]}")
