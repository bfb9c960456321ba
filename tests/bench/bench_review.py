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
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Playwright, sync_playwright

from tests.bench import mixed_log
from tests.browser import chromium

SIZE = 1_000_000_000
ROUNDS = 5
PATIENCE_MS = 300_000
REST_S = 20.0  # the dashboard's first look at a log that it knows
SETTLED_S = 3.0
SHOWN = (".st-key-review-response path.js-line", ".st-key-review-timeline li")


def report_s(log: Path, store: Path) -> float:
    """Wall seconds of one report."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "dashboard", "report", str(log), "--incident", "5", "--out", str(store / "out")]
    environ = os.environ | {"METIS_DASHBOARD_STORE": str(store)}
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=environ)
    return time.perf_counter() - began


@contextmanager
def dashboard(log: Path, store: Path, port: int = 0) -> Iterator[str]:
    """The address of a dashboard over the log."""
    command = [sys.executable, "-m", "dashboard", "run", "--log", str(log), "--port", str(port)]
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


def shown_s(page: Page, go: Callable[[], object]) -> float:
    """Seconds from a step to the last chart and the timeline."""
    began = time.perf_counter()
    go()
    for selector in SHOWN:
        page.wait_for_selector(selector, state="attached", timeout=PATIENCE_MS)
    return time.perf_counter() - began


def pages(playwright: Playwright, log: Path, store: Path) -> Mapping[str, float]:
    """Median seconds of each way to the page. Between the rounds the dashboard starts anew, at the same address."""
    launch = partial(dict, executable_path=chromium.find(), args=list(chromium.ARGUMENTS))
    took: dict[str, list[float]] = defaultdict(list)
    # A profile on disk, as people have: it keeps scripts, and what the browser made of them.
    kept = playwright.chromium.launch_persistent_context(store / "profile", **launch())
    empty = playwright.chromium.launch(**launch())
    known, port = kept.new_page(), 0
    for number in range(1 + ROUNDS):
        known.goto("about:blank")
        with dashboard(log, store, port) as address:
            port = urlsplit(address).port or 0
            time.sleep(REST_S)
            first_s = shown_s(known, partial(known.goto, f"{address}/review"))
            again_s = shown_s(known, known.reload)
            if number == 0:  # this one read the log, and filled the profile
                continue
            took["by its address, the dashboard just started"].append(first_s)
            took["by its address, again"].append(again_s)
            known.goto(address)
            known.wait_for_selector("[class*=st-key-live-cards] *", state="attached", timeout=PATIENCE_MS)
            time.sleep(SETTLED_S)
            link = known.get_by_role("link", name="Review").first
            took["by the Live page's link"].append(shown_s(known, link.click))
            fresh = empty.new_context().new_page()
            took["in a browser with an empty cache"].append(shown_s(fresh, partial(fresh.goto, f"{address}/review")))
            fresh.context.close()
    kept.close()
    empty.close()
    return {name: statistics.median(each) for name, each in took.items()}


def main() -> None:
    """Measure and print medians."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Path(folder)
        log = Path(sys.argv[1]) if len(sys.argv) > 1 else store / "backend_live.log"
        if len(sys.argv) == 1:
            mixed_log.write(log, SIZE)
        first_report_s = report_s(log, store)
        again_report_s = statistics.median(report_s(log, store) for _ in range(3))
        found = pages(playwright, log, store)
        size_mb = log.stat().st_size / 1e6
    ways = ", ".join(f"{name} {took_s:.2f} s" for name, took_s in found.items())
    print(
        f"Review over {size_mb:.0f} MB: {ways} (target 2); "
        f"report {again_report_s:.1f} s, with reading the log for the first time {first_report_s:.1f} s (target 20)"
    )


if __name__ == "__main__":
    main()
