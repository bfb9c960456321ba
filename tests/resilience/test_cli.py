"""The command line: what it offers, and `restart`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from resilience.__main__ import LazyGroup, main
from resilience.errors import ConfigError
from resilience.service import pidfile
from resilience.service.app import create_app
from resilience.service.restart import RestartError, restart
from tests.resilience.process_kit import CHAIN, WAIT_S, BackendProcess, command, environment, kinds
from tests.resilience.service_kit import Log, Network, serving, two_providers


def _restart(directory: Path, environ: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command("restart"), cwd=directory, env=environ, capture_output=True, text=True, timeout=3 * WAIT_S
    )
    return done.returncode, done.stdout + done.stderr


def _stop(directory: Path) -> None:
    entry = pidfile.read(directory / ".run" / "backend.pid")
    assert entry is not None
    os.kill(entry.pid, signal.SIGTERM)
    end = time.monotonic() + WAIT_S
    while entry.runs():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_light_commands_load_no_web_framework():
    code = "import sys, resilience.__main__; sys.exit(int('fastapi' in sys.modules or 'uvicorn' in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_command_is_listed_and_can_be_loaded():
    said = CliRunner().invoke(main, ["--help"])

    assert said.exit_code == 0, said.output
    assert all(name in said.output for name in ["serve", "restart", *LazyGroup.lazy])


def test_restart_ends_the_old_process_and_starts_one_with_the_same_arguments(tmp_path: Path):
    environ = environment()
    with BackendProcess(tmp_path, environ, "--port", "0", "--log", "kept.log").running() as backend:
        old = pidfile.read(tmp_path / ".run" / "backend.pid")

        code, said = _restart(tmp_path, environ)

        new = pidfile.read(tmp_path / ".run" / "backend.pid")
        assert (code, backend.end()) == (0, 0), said
    try:
        assert not (tmp_path / ".run" / "control.anew").exists()  # the new process has cleared its circuits
        assert old is not None
        assert new is not None
        assert new.pid != old.pid
        assert new.argv[1:] == old.argv[1:]
        assert said == (
            f"stopping the backend (pid {old.pid}): running requests may finish\n"
            f"the backend answers at {new.url} (pid {new.pid})\n"
        )
    finally:
        _stop(tmp_path)
    started = [kind for kind in kinds(tmp_path / "kept.log") if kind.startswith("SERVICE")]
    assert started == ["SERVICE_STARTED", "SERVICE_STOPPED"] * 2


def test_restart_starts_a_backend_that_does_not_run(tmp_path: Path):
    stale = pidfile.Backend(os.getpid(), ("python", "-m", "resilience", "serve", "--port", "0"), "http://x", 1, True)
    with pidfile.written(stale, tmp_path / ".run" / "backend.pid"):  # the number belongs to another process now
        code, said = _restart(tmp_path, environment())

    try:
        assert code == 0, said
        assert "does not run any more" in said
    finally:
        _stop(tmp_path)


def test_a_backend_that_cannot_come_back_is_an_error_with_its_own_words(tmp_path: Path):
    code, said = _restart(tmp_path, environment(METIS_LLM_LOG_PATH="no/such/directory.log", METIS_PORT="0"))

    assert code == 1
    assert "exit code 2" in said
    assert "METIS_LLM_LOG_PATH must name a file that can be written" in said


ENDS = "import sys; print(flush=True); sys.stdin.read()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {ENDS}"


@pytest.fixture
def stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that takes a supervised backend's place in the pidfile; the test runs in its directory."""
    monkeypatch.chdir(tmp_path)
    argv = [sys.executable, "-c", getattr(request, "param", ENDS)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it runs
        backend = pidfile.Backend(process.pid, tuple(argv), "http://127.0.0.1:9", 1, supervised=True)
        with pidfile.written(backend):
            yield process
        process.kill()


def test_wrong_settings_leave_the_running_backend_alone(
    stand_in: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
):
    entry = pidfile.read()
    assert entry is not None
    for name, value in (CHAIN | {"METIS_LLM_MAX_RETRIES": "many"}).items():
        monkeypatch.setenv(name, value)

    with pidfile.written(replace(entry, supervised=False)), pytest.raises(ConfigError, match="METIS_LLM_MAX_RETRIES"):
        restart(print)

    assert stand_in.poll() is None


def test_a_supervised_backend_is_only_ended(stand_in: "subprocess.Popen[bytes]"):
    said: list[str] = []
    with serving(create_app(two_providers(), Log().emit, transport=Network())) as url, ExitStack() as supervisor:

        def say(sentence: str) -> None:
            said.append(sentence)
            if sentence.startswith("waiting for the supervisor"):  # which is this test, with a new backend
                supervisor.enter_context(pidfile.written(pidfile.Backend.of_this_process(url, 1)))

        restart(say)

    assert stand_in.wait(WAIT_S) == -signal.SIGTERM
    assert said[-1] == f"the backend answers at {url} (pid {os.getpid()})"


def test_a_supervisor_that_starts_nothing_is_an_error(
    stand_in: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("resilience.service.restart.START_WITHIN_S", 0.2)

    with pytest.raises(RestartError, match="the supervisor's output"):
        restart(print)

    assert stand_in.wait(WAIT_S) == -signal.SIGTERM


@pytest.mark.parametrize("stand_in", [DEAF], indirect=True)
def test_a_backend_that_does_not_end_is_an_error(stand_in: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("resilience.service.restart.STOP_MARGIN_S", -1.0)

    with pytest.raises(RestartError, match="it still runs"):
        restart(print)


@pytest.mark.parametrize("content", ["", "12", "[]", '{"pid": 1}', "\x00"])
def test_a_pidfile_that_cannot_be_read_is_no_entry(tmp_path: Path, content: str):
    path = tmp_path / "backend.pid"
    path.write_text(content)

    assert pidfile.read(path) is None


def test_an_entry_is_left_alone_by_an_earlier_process(tmp_path: Path):
    path = tmp_path / "backend.pid"
    later = pidfile.Backend(1, ("python", "later"), "http://x", 1, supervised=False)

    with pidfile.written(pidfile.Backend.of_this_process("http://y", 1), path):
        path.write_text(json.dumps(asdict(later)))

    assert pidfile.read(path) == later
