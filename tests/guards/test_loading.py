"""The guards' libraries are loaded where a guard is on, and nowhere else."""

import subprocess
import sys

import pytest

LIBRARIES = ("re2", "rapidfuzz", "stdnum", "phonenumbers")


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import resilience, resilience.events, resilience.policy",
        "import resilience.client, resilience.sync, resilience.simulator.play",
        "import resilience.controlling",
        "from resilience.config import load; load(None, {'OPENAI_API_KEY': 'k'})",
        "from click.testing import CliRunner; from resilience.__main__ import main; CliRunner().invoke(main, ['--help'])",
        "import resilience.guards",
        "import resilience.replay",
    ],
)
def test_what_needs_no_guard_loads_no_library_of_theirs(code: str) -> None:
    loaded = run(f"{code}\nimport sys; print(*[name for name in {LIBRARIES} if name in sys.modules])")

    assert loaded.split() == []


def test_what_they_take_to_load_is_printed() -> None:
    took = run(
        "import time; began = time.perf_counter(); from resilience.guards import guarding; print(time.perf_counter() - began)"
    )

    print(f"the guards were loaded in {float(took):.2f} s; 0.7 s are wanted")
    assert float(took) > 0
