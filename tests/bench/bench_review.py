"""The Review page and the report over a 1 GB mixed log: from the address to the last chart and step, and to the last file.

Targets: 2 s for the page of a log that is indexed, 20 s for the report. `python -m tests.bench.bench_review LOG` takes a
log that is there instead of writing one.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.bench import mixed_log
from tests.browser import chromium

SIZE = 1_000_000_000
ROUNDS = 3
PATIENCE_MS = 300_000
REST_S = 20.0  # the dashboard's first look at a log that it knows
SHOWN = (".st-key-review-response path.js-line", ".st-key-review-timeline li")


def report_s(log: Path, store: Path) -> float:
    """Wall seconds of one report."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "dashboard", "report", str(log), "--incident", "5", "--out", str(store / "out")]
    environ = os.environ | {"METIS_DASHBOARD_STORE": str(store)}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environ)
    return time.perf_counter() - began


@contextmanager
def dashboard(log: Path, store: Path) -> Iterator[str]:
    """The address of a dashboard over the log."""
    command = [sys.executable, "-m", "dashboard", "run", "--log", str(log), "--port", "0"]
    environ = os.environ | {"METIS_DASHBOARD_STORE": str(store), "METIS_CONTROL_URL": "http://127.0.0.1:9"}
    output = store / "output.txt"
    with output.open("wb") as said:
        process = subprocess.Popen(command, env=environ, stdout=said, stderr=subprocess.STDOUT)
    try:
        while not (found := re.search(r"URL: (http://127\.0\.0\.1:\d+)", output.read_text("utf-8", "replace"))):
            time.sleep(0.05)
        while urllib.request.urlopen(f"{found[1]}/_stcore/health").status != 200:
            time.sleep(0.05)
        yield found[1]
    finally:
        process.terminate()
        process.wait(30)


def page_s(browser: Browser, address: str) -> float:
    """Seconds from the address to the last chart and the timeline."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    began = time.perf_counter()
    page.goto(address)
    for selector in SHOWN:
        page.wait_for_selector(selector, state="attached", timeout=PATIENCE_MS)
    took = time.perf_counter() - began
    context.close()
    return took


def main() -> None:
    """Measure and print medians."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Path(folder)
        log = Path(sys.argv[1]) if len(sys.argv) > 1 else store / "backend_live.log"
        if len(sys.argv) == 1:
            mixed_log.write(log, SIZE)
        first_report_s = report_s(log, store)
        again_report_s = statistics.median(report_s(log, store) for _ in range(ROUNDS))
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=list(chromium.ARGUMENTS))
        with dashboard(log, store) as address:
            page_s(browser, f"{address}/review")  # reads the log
        first, again = [], []
        for _ in range(ROUNDS):
            with dashboard(log, store) as address:
                time.sleep(REST_S)
                first.append(page_s(browser, f"{address}/review"))
                again.append(page_s(browser, f"{address}/review"))
        browser.close()
        size_mb = log.stat().st_size / 1e6
    print(
        f"Review over {size_mb:.0f} MB: the page for the first time {statistics.median(first):.2f} s, "
        f"again {statistics.median(again):.2f} s (target 2); "
        f"report {again_report_s:.1f} s, with reading the log for the first time {first_report_s:.1f} s (target 20)"
    )


if __name__ == "__main__":
    main()
