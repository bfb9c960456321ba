"""An OpenID Connect provider on this machine, and how somebody signs in there: oidc-provider-mock, a process of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page

START_S = 20.0
STYLE = "https://cdn.jsdelivr.net/npm/@picocss/pico@2/css/pico.min.css"
"""What the provider's pages would fetch from elsewhere: a test gives nothing in its place."""


class IdentityProvider:
    """A running provider. It takes any client, and signs in whom it is told of without a password."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.metadata_url = f"{url}/.well-known/openid-configuration"

    def knows(self, person: str, claims: Mapping[str, object]) -> None:
        """Puts a person and what the identity token will say about them, in place of what was known."""
        request = urllib.request.Request(
            f"{self.url}/users/{quote(person)}",
            json.dumps(dict(claims)).encode(),
            {"content-type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=5):
            pass

    def lets_in(self, page: Page, person: str) -> None:
        """Signs somebody in on the provider's own page."""
        page.wait_for_url(f"{self.url}/**")
        page.locator("input[name=sub]").fill(person)
        page.get_by_role("button", name="Authorize", exact=True).click()

    def turns_away(self, page: Page) -> None:
        """Somebody says no on the provider's own page."""
        page.wait_for_url(f"{self.url}/**")
        page.get_by_role("button", name=re.compile("^Deny")).click()

    def lets_out(self, page: Page) -> None:
        """Ends the provider's session, on its own page."""
        page.wait_for_url(f"{self.url}/**")
        page.get_by_role("button", name="End session").click()


@contextmanager
def identity_provider(folder: Path) -> Iterator[IdentityProvider]:
    """The provider on a free port; what it prints goes into a file of the folder."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    output = folder / "provider.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=os.environ, stdout=file, stderr=subprocess.STDOUT)
    try:
        provider = IdentityProvider(f"http://localhost:{port}")
        _wait_for(provider.metadata_url, process, output)
        yield provider
    finally:
        process.terminate()
        process.wait(15)


def free_port() -> int:
    """A port that nobody listens on: provider and dashboard have to know each other's before they start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the provider did not start:\n{output.read_text('utf-8', 'replace')[-3000:]}")
