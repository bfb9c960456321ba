"""The Live page's queries at a million events, over the whole range and over 15 minutes. Target: 300 ms together.

The yardstick is one scan of the same table, so that machines can be compared.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from dashboard.ingest import Ingest
from dashboard.store import Store
from dashboard.window import Window
from tests.bench import mixed_log

EVENTS = 1_000_000
BYTES_PER_EVENT = 420
ROUNDS = 7
OF_A_WINDOW = (
    "attempts_by_bucket",
    "provider_summary",
    "requests_by_bucket",
    "request_summary",
    "fallbacks_by_reason",
    "failures_by_reason",
    "actions",
)


def page(store: Store, window: Window, whole: Window) -> None:
    """What one refresh of the Live page asks for."""
    for metric in OF_A_WINDOW:
        store.read(metric, window)
    store.read("request_summary", Window.of(window.end - timedelta(minutes=5), window.end))
    store.read("circuit_transitions", whole)
    store.read("circuit_intervals", whole, whole.end)
    store.read("order_now", None, whole.end)


def median_ms(work: Callable[[], object]) -> float:
    """Median milliseconds of ROUNDS calls."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "backend_live.log"
        events = mixed_log.write(log, EVENTS * BYTES_PER_EVENT, noise=False)
        store = Store.open(Path(folder) / "store.duckdb")
        Ingest(store, [str(log)], follow=False).run_once()
        extent = store.extent()
        if extent is None:
            raise SystemExit("the store is empty")
        whole = Window.of(extent[0], extent[1] + timedelta(seconds=1))
        recent = Window.of(whole.end - timedelta(minutes=15), whole.end)
        scan_ms = median_ms(lambda: store.event_count(whole))
        whole_ms = median_ms(lambda: page(store, whole, whole))
        recent_ms = median_ms(lambda: page(store, recent, whole))
        store.close()
    print(
        f"Live page at {events:,} events: whole range {whole_ms:.0f} ms, 15 minutes {recent_ms:.0f} ms "
        f"(target 300), one scan {scan_ms:.1f} ms, ratio {whole_ms / scan_ms:.0f}"
    )


if __name__ == "__main__":
    main()
