"""The process is killed at every step of a change: the next one finds the old settings or the new, told once."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from resilience.events import ConfigChanged, from_line
from tests.resilience.control_kit import ENV
from tests.resilience.crash_child import NEW, run

ROOT = Path(__file__).parents[2]


def told(directory: Path) -> list[ConfigChanged]:
    lines = (directory / "live.log").read_text().splitlines()
    events = [record.event for line in lines if (record := from_line(line)) is not None]
    return [event for event in events if isinstance(event, ConfigChanged)]


@pytest.mark.parametrize("change", ["api", "hand"])
def test_a_kill_at_any_step_leaves_old_or_new_and_one_line_in_the_log(tmp_path: Path, change: str):
    made = subprocess.run(
        [sys.executable, "-m", "tests.resilience.crash_child", str(tmp_path), change],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert int(made.stdout) >= 10

    outcomes = set()
    for directory in sorted(tmp_path.iterdir()):
        text = (directory / ".env").read_text()
        assert text in (ENV, NEW), directory
        stands = text == NEW

        first = asyncio.run(run(directory, None))
        second = asyncio.run(run(directory, None))

        assert first == second == ((2, ("beta", "alpha")) if stands else (1, ("alpha", "beta"))), directory
        assert [(event.version, event.changes) for event in told(directory)] == (
            [(2, (("METIS_LLM_PROVIDER_ORDER", "alpha,beta", "beta,alpha"),))] if stands else []
        ), directory
        assert (directory / ".env").read_text() == text
        outcomes.add(stands)
    assert outcomes == ({True, False} if change == "api" else {True})


def test_a_change_that_was_undone_by_hand_after_the_crash_is_dropped_or_told_whole(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "tests.resilience.crash_child", str(tmp_path), "api"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )

    for directory in sorted(tmp_path.iterdir()):
        (directory / ".env").write_text(ENV.replace('"alpha,beta"', '"gamma"'))
        version, order = asyncio.run(run(directory, None))

        assert order == ("gamma",)
        versions = [event.version for event in told(directory)]
        assert versions == sorted(set(versions)), directory
        assert versions[-1] == version >= 2
