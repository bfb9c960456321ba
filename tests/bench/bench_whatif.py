"""A what-if over a million requests, by the page's own worker; and the Live page's queries meanwhile.

The log: ten requests a second for 28 hours, one in a thousand with a failed attempt of its own, and an outage of the
primary for ten minutes. Target: 30 s, and 1 s for a refresh.
"""

import random
import resource
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from dashboard.ingest import Ingest
from dashboard.store import Store
from dashboard.whatif.playing import Players
from dashboard.whatif.question import Question
from dashboard.window import Window
from resilience.events import ProvidersInitialized, to_line
from tests.bench import mixed_log
from tests.bench.bench_live import page

REQUESTS = 1_000_000
RATE = 10.0
DOWN_S = (5 * 3600, 5 * 3600 + 600)
ALONE = 0.001
"""Of the requests: a failure by itself."""


def write(path: Path, requests: int) -> None:
    """Writes the log."""
    rng = random.Random(1)
    at_s = mixed_log.START_S
    with path.open("w", encoding="utf-8") as file:
        file.write(to_line(ProvidersInitialized(order=mixed_log.ORDER), at_s, mixed_log.ORIGIN))
        for number in range(requests):
            at_s += rng.expovariate(RATE)
            down = DOWN_S[0] <= at_s - mixed_log.START_S < DOWN_S[1]
            for event in mixed_log.request(rng, f"{number:016x}", down, alone=rng.random() < ALONE):
                file.write(to_line(event, at_s, mixed_log.ORIGIN))


def main() -> None:
    """Measure and print."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "backend_live.log"
        write(log, requests)
        store = Store.open(Path(folder) / "store.duckdb")
        Ingest(store, [str(log)], follow=False).run_once()
        measure(store)
        store.close()


def measure(store: Store) -> None:
    """Measures over what the store holds, and prints."""
    extent = store.extent()
    if extent is None:
        raise SystemExit("the store is empty")
    whole = Window.of(extent[0], extent[1] + timedelta(seconds=1))
    recent = Window.of(whole.end - timedelta(minutes=15), whole.end)
    page(store, recent, whole)
    began = time.perf_counter()
    question = Question(("circuit_threshold=5", "circuit_cooldown_seconds=30"), since=whole.start, until=whole.end)
    job = Players(store).begin(question)
    refreshes, steps = [], []
    while not job.standing.over:
        refresh = time.perf_counter()
        page(store, recent, whole)
        refreshes.append(time.perf_counter() - refresh)
        if not steps or steps[-1][1] != job.standing.words:
            steps.append((time.perf_counter() - began, job.standing.words))
        job.wait(1.0)  # as often as a page that follows the log
    took_s = time.perf_counter() - began
    for at, words in steps:
        print(f"  {at:5.1f} s  {words}")
    found = job.standing.found
    if found is None:
        raise SystemExit(job.standing.problem)
    requests = found["reality"]["requests"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{requests:,} requests, {found['quiet']:,} of them quiet, {found['draws']} draws, {found['reality']}")
    print(
        f"what-if of {requests:,} requests: {took_s:.1f} s (target 30), {used.ru_utime + used.ru_stime:.1f} s of a "
        f"processor in its own process, {used.ru_maxrss / 1024:,.0f} MB; a refresh meanwhile: median "
        f"{statistics.median(refreshes) * 1000:.0f} ms, longest {max(refreshes) * 1000:.0f} ms (target 1,000)"
    )


if __name__ == "__main__":
    main()
