"""Where the browser tests find a Chromium: the system's, else Playwright's own.

`python -m tests.browser.chromium` makes sure that there is one, as far as this machine allows: it lets Playwright
install its own, or, as root on a Debian, takes the distribution's package. Without one the tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> Path | None:
    """The program to start, None where there is none."""
    for name in SYSTEM_NAMES:
        if found := shutil.which(name):
            return Path(found)
    return _playwrights_own()


def install() -> Path | None:
    """A Chromium, installed if need be; None where none can be had."""
    if found := find():
        return found
    _try([sys.executable, "-m", "playwright", "install", "chromium"])
    if (found := find()) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _try(["apt-get", "update", "-q"])
        _try(["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"])
        found = find()
    return found


def _playwrights_own() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = Path(playwright.chromium.executable_path)
    return program if program.exists() else None


def _try(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, timeout=600, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as exc:
        print(f"{' '.join(command)}: {exc}", file=sys.stderr)


if __name__ == "__main__":
    program = install()
    print(f"browser tests use {program}" if program else "no Chromium to be had: the browser tests will be skipped")
