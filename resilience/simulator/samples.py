"""`python -m resilience.simulator.samples`: write sample_logs/ anew.

Each file is what its command writes, byte for byte; a test compares them.
"""

import shlex
from pathlib import Path

from resilience.simulator.cli import simulate_command

DIRECTORY = Path(__file__).parents[2] / "sample_logs"

SAMPLES = {
    "primary_down.log": "primary_down --seed 1",
    "rate_limited.log": "rate_limited --seed 1",
    "all_down.log": "all_down --seed 1",
    "flapping.log": "flapping --seed 1",
    "mixed_day.log": "mixed_day --seed 1",
    "plain_backend.log": "all_down --seed 1 --plain",
}
"""File and the arguments of `python -m resilience simulate` that write it."""


def write(name: str, directory: Path = DIRECTORY) -> Path:
    """Write one sample into the directory."""
    path = directory / name
    simulate_command.main([*shlex.split(SAMPLES[name]), "--out", str(path)], standalone_mode=False)
    return path


if __name__ == "__main__":
    for sample in SAMPLES:
        write(sample)
