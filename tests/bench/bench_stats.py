"""`stats` on a 300 MB mixed log opened for the first time, against the runbook's own greps one after another.

Both read the file from the page cache. Prints the ratio of the wall times of one run (target: at most 1.00) and the
most memory that `stats` took (target: under 1 GB).
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import mixed_log

SIZE = 300_000_000
ROUNDS = 5

# The runbook's commands for the questions that `stats` answers: procedures 1, 3, 5 and 6, and its key metrics.
GREPS = (
    'grep "circuit.*open" {log} | tail -20',
    'tail -100 {log} | grep "LLM_ATTEMPT"',
    'grep "generation_time_ms" {log} | tail -50',
    'grep "circuit.*OPEN" {log}',
    'grep "Opening circuit breaker for provider" {log} | tail -1',
    'grep "PRIMARY" {log} | tail -1',
    'grep "Falling back to provider" {log} | wc -l',
    'grep "Falling back" {log} | tail -20',
    'grep "provider: openrouter.*ERROR" {log} | tail -20',
    'grep "LLM_ATTEMPT.*success" {log} | wc -l',
    'grep "LLM_ATTEMPT.*failed" {log} | wc -l',
    'grep "circuit" {log} | grep -E "(OPEN|CLOSED|HALF_OPEN)"',
    """grep "generation_time_ms" {log} | awk -F'"' '{{print $4}}' | sort -n | tail -20""",
)


def greps_s(log: Path) -> float:
    """Wall seconds of all commands."""
    began = time.perf_counter()
    for command in GREPS:
        # Not to /dev/null: GNU grep sees that and stops at the first match.
        with (log.parent / "found").open("wb") as found:
            subprocess.run(["bash", "-c", command.format(log=log)], stdout=found, check=False)
    return time.perf_counter() - began


def stats_s(log: Path, store: Path) -> float:
    """Wall seconds of one first opening."""
    # Python keeps its compiled modules, as it does unless told otherwise; the first round writes them.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "dashboard", "stats", str(log)],
        stdout=subprocess.DEVNULL,
        check=True,
        env=environ | {"METIS_DASHBOARD_STORE": str(store)},
    )
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns and print the best of each."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "backend_live.log"
        mixed_log.write(log, SIZE)
        log.read_bytes()  # into the page cache
        theirs, ours = [], []
        for number in range(ROUNDS):
            theirs.append(greps_s(log))
            ours.append(stats_s(log, Path(folder) / f"store{number}"))
        again_s = stats_s(log, Path(folder) / "store0")
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"stats on {SIZE / 1e6:.0f} MB: {min(ours):.2f} s, the greps {min(theirs):.2f} s, "
        f"ratio {min(ours) / min(theirs):.2f} (target 1.00); known log again {again_s:.2f} s; "
        f"peak {peak_mb:.0f} MB (target 1000)"
    )


if __name__ == "__main__":
    main()
