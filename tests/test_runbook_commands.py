"""Every command of the runbook that reads the log, run as it stands; what it prints is computed from the events."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from resilience.__main__ import main
from resilience.events import (
    Cause,
    CircuitChanged,
    ProviderInitialized,
    ProvidersExhausted,
    ProvidersInitialized,
    from_line,
)
from tests.composed_log import composed_lines
from tests.runbook import LOG, LOG_COMMANDS, LogCommand
from tests.runbook_meaning import MEANT, Log, expected
from tests.watched_service import END, WAIT_S, Watcher, live_incident

ONCE = list(dict.fromkeys(command.text for command in LOG_COMMANDS if not command.follows))
FOLLOWING = list(dict.fromkeys(command.text for command in LOG_COMMANDS if command.follows))


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Log:
    path = tmp_path_factory.mktemp("composed") / LOG
    path.write_text("".join(composed_lines()), encoding="utf-8")
    return Log.of(path)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Log:
    path = tmp_path_factory.mktemp("simulated") / LOG
    arguments = ["simulate", "primary_down", "--seed", "1", "--out", str(path)]
    assert CliRunner().invoke(main, arguments, catch_exceptions=False).exit_code == 0
    return Log.of(path)


@dataclass(frozen=True)
class Watched:
    """The log that a service wrote, and what each following command showed meanwhile."""

    log: Log
    shown: dict[str, list[str]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    directory = tmp_path_factory.mktemp("live")
    shown = live_incident(directory, FOLLOWING)
    return Watched(Log.of(directory / LOG), shown)


@pytest.fixture(scope="module")
def live(watched: Watched) -> Log:
    return watched.log


@pytest.fixture(params=["composed", "simulated", "live"])
def log(request: pytest.FixtureRequest) -> Log:
    return request.getfixturevalue(request.param)


def run(command: str, log: Log) -> str:
    """The command's output: on the terminal, or in the file that it names."""
    written = re.search(r"> (\S+)$", command)
    done = subprocess.run(["bash", "-c", command], cwd=log.path.parent, capture_output=True, timeout=WAIT_S)
    assert done.stderr == b""
    if written:
        assert done.stdout == b""
        return (log.path.parent / written[1]).read_text(encoding="utf-8")
    return done.stdout.decode("utf-8")


@pytest.mark.parametrize("text", ONCE)
def test_a_command_finds_exactly_what_it_is_meant_to_find(text: str, log: Log):
    command = LogCommand("", text)

    assert run(text, log) == expected(command, log)


@pytest.mark.parametrize("text", ONCE)
def test_no_command_is_proved_by_finding_nothing(text: str, composed: Log, live: Log):
    for log in (composed, live):
        assert expected(LogCommand("", text), log) not in ("", "0\n")


def test_every_meaning_belongs_to_a_command():
    assert set(MEANT) == {command.selection for command in LOG_COMMANDS}


@pytest.mark.parametrize("text", FOLLOWING)
def test_a_following_command_shows_a_growing_log_line_by_line(text: str, composed: Log, tmp_path: Path):
    grown = tmp_path / LOG
    grown.write_text("".join(composed.lines[:200]), encoding="utf-8")
    meant = MEANT[text]
    wanted = [line for line, event in zip(composed.lines, composed.events, strict=True) if meant(event)]
    already = [line for line in composed.lines[190:200] if line in wanted]
    rest = ("".join(composed.lines[200:]) + END).encode()

    with Watcher(text, tmp_path).running() as watcher, grown.open("ab", buffering=0) as file:
        watcher.until(already[-1])
        for i in range(0, len(rest), 1000):  # mostly in the middle of a line
            file.write(rest[i : i + 1000])
        shown = watcher.until(END)

    assert shown == [*already, *(line for line in composed.lines[200:] if line in wanted), END]


@pytest.mark.parametrize("text", FOLLOWING)
def test_a_following_command_shows_what_the_running_service_writes(text: str, watched: Watched):
    meant = MEANT[text]

    # tail -f begins with the last ten lines; the service had written fewer when the watchers came.
    everything = zip(watched.log.lines, watched.log.events, strict=True)
    assert watched.shown[text] == [line for line, event in everything if meant(event)]


def test_the_primary_is_the_one_of_the_order_as_it_is_now(log: Log):
    order = log.of_kind(ProvidersInitialized)[-1].order

    [line] = run('grep "PRIMARY" backend_live.log | tail -1', log).splitlines()

    primary = from_line(line).event
    assert primary == ProviderInitialized(provider=order[0], model=primary.model, primary=True)


def test_the_order_changed_while_running_in_the_composed_log(composed: Log):
    orders = [event.order[0] for event in composed.of_kind(ProvidersInitialized)]

    assert orders == ["openrouter", "anthropic"]


def test_the_live_log_holds_an_outage_and_a_recovery(live: Log):
    causes = {event.cause for event in live.of_kind(CircuitChanged) if event.provider == "openrouter"}

    assert {Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED} <= causes
    assert live.of_kind(ProvidersExhausted)
    assert all(event is not None for event in live.events)


@pytest.mark.skipif(find_spec("dashboard.__main__") is None, reason="`python -m dashboard` is not there yet")
def test_the_counts_of_the_commands_equal_those_of_stats(log: Log):
    stats = json.loads(
        subprocess.run(
            [sys.executable, "-m", "dashboard", "stats", str(log.path), "--json"],
            capture_output=True,
            timeout=WAIT_S,
            check=True,
        ).stdout
    )

    def count(command: str) -> int:
        return int(run(f"{command} | wc -l", log))

    providers = stats["providers"].values()
    assert sum(p["success"] for p in providers) == count('grep "LLM_ATTEMPT.*success" backend_live.log')
    assert sum(p["failed"] for p in providers) == count('grep "LLM_ATTEMPT.*failed" backend_live.log')
    assert sum(p["attempts"] for p in providers) == count('grep "generation_time_ms" backend_live.log')
    assert stats["fallbacks"]["total"] == count('grep "Falling back to provider" backend_live.log')
    changes = [change for circuit in stats["circuits"].values() for change in circuit["transitions"]]
    assert len(changes) == count('grep "circuit" backend_live.log | grep -E "(OPEN|CLOSED|HALF_OPEN)"')
    assert sum(change["to"] == "OPEN" for change in changes) == count('grep "circuit.*OPEN" backend_live.log')
    assert stats["events"] == sum(event is not None for event in log.events)
