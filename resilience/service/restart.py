"""`python -m resilience restart`: end the backend gracefully, start it again, wait until it answers.

    settings valid -> SIGTERM -> ended -> started again -> health answers

A backend under a supervisor (METIS_SUPERVISED=1) is only ended; the supervisor starts the next one.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx2

from resilience.config import load
from resilience.control.state import anew_path
from resilience.errors import ResilienceError
from resilience.service.pidfile import PIDFILE, SUPERVISED, Backend, read, state_path

START_WITHIN_S = 30.0
STOP_MARGIN_S = 5.0
POLL_S = 0.05
HEALTH_PATH = "/api/v53/health"


class RestartError(ResilienceError):
    """The backend did not come back; the message says what to look at."""


def restart(say: Callable[[str], None], pidfile: Path = PIDFILE) -> None:
    """Restart the backend of this directory, its circuits CLOSED; one that does not run is started.

    say: gets one sentence per step. Raises RestartError, and ConfigError before anything is stopped.
    """
    old = read(pidfile)
    runs = old is not None and old.runs()
    supervised = old is not None and runs and old.supervised
    env_file = Path(".env" if old is None else old.env_file)
    if not supervised:
        load(env_file)  # with wrong settings it would not come back; a supervisor has an environment of its own
    # A process that ends and comes back keeps its circuits; this command is the runbook's way to clear them.
    pidfile.parent.mkdir(parents=True, exist_ok=True)
    anew_path(pidfile.parent / state_path(env_file).name).touch()
    if old is not None and runs:
        say(f"stopping the backend (pid {old.pid}): running requests may finish")
        _stop(old, pidfile)
    elif old is not None:
        say(f"the backend of {pidfile} (pid {old.pid}) does not run any more")
    else:
        say("no backend runs here")
    child = None
    if supervised:
        say("waiting for the supervisor to start the next one")
    else:
        child = _start(old.argv[1:] if old is not None else ("-m", "resilience", "serve"), pidfile.parent)
    new = _wait_for_health(pidfile, old, child)
    if child is not None:
        child.returncode = 0  # it is meant to outlive this process: no ResourceWarning about that
    say(f"the backend answers at {new.url} (pid {new.pid})")


def _stop(backend: Backend, pidfile: Path) -> None:
    with suppress(ProcessLookupError):
        os.kill(backend.pid, signal.SIGTERM)
    began = time.monotonic()
    while backend.runs():
        # It says anew how long its end may take: the deadline may have been changed since its start.
        limit_s = (read(pidfile) or backend).stop_within_s + STOP_MARGIN_S
        if time.monotonic() > began + limit_s:
            raise RestartError(f"the backend (pid {backend.pid}) has not ended within {limit_s:g} s; it still runs")
        time.sleep(POLL_S)


def _start(arguments: tuple[str, ...], run_dir: Path) -> "subprocess.Popen[bytes]":
    run_dir.mkdir(parents=True, exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if name != SUPERVISED}
    with _output(run_dir).open("wb") as output:
        return subprocess.Popen(  # noqa: S603 (the command line that the backend itself was started with)
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            start_new_session=True,  # it outlives this terminal
        )


def _wait_for_health(pidfile: Path, old: Backend | None, child: "subprocess.Popen[bytes] | None") -> Backend:
    end = time.monotonic() + START_WITHIN_S
    with httpx2.Client(timeout=2.0, trust_env=False) as http:
        while time.monotonic() < end:
            if child is not None and child.poll() is not None:
                output = _output(pidfile.parent)
                last = output.read_text(errors="replace").strip()[-2000:]
                raise RestartError(f"the backend ended at once (exit code {child.returncode}); {output} says:\n{last}")
            new = read(pidfile)
            if new is not None and (old is None or new.pid != old.pid) and _answers(http, new.url):
                return new
            time.sleep(POLL_S)
    where = _output(pidfile.parent) if child is not None else "the supervisor's output"
    raise RestartError(f"no backend answers within {START_WITHIN_S:g} s; look at {where}")


def _answers(http: httpx2.Client, url: str) -> bool:
    # A backend that listens everywhere answers on the loopback too.
    url = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    try:
        return http.get(url + HEALTH_PATH).status_code == 200
    except httpx2.HTTPError:
        return False


def _output(run_dir: Path) -> Path:
    return run_dir / "backend.out"
