"""`python -m resilience demo`: what it refuses, what its children get, and that nothing of it stays."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from resilience.config import KNOWN, load
from resilience.demo.children import Child
from resilience.demo.command import busy_port, demo_command
from resilience.demo.environment import backend_environment, backend_settings, dashboard_environment
from resilience.simulator.servers import Servers

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(grandchild.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody has at the moment."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def test_a_taken_port_is_named_with_what_to_do_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        result = CliRunner().invoke(demo_command, ["--port", str(free_port()), "--dashboard-port", str(port)])

    assert result.exit_code == 2
    assert f"port {port} on 127.0.0.1 cannot be used" in result.output
    assert f"--dashboard-port {port + 1}" in result.output
    assert list(tmp_path.iterdir()) == []


def test_both_parts_on_one_port_are_refused() -> None:
    port = free_port()

    assert busy_port({"--port": port, "--dashboard-port": port}) == "--port and --dashboard-port must differ"


def test_the_backend_gets_nothing_of_the_user_s_keys_and_settings(tmp_path: Path) -> None:
    async def main() -> tuple[dict[str, str], dict[str, str]]:
        async with Servers() as servers:
            environ = {
                "PATH": "/bin",
                "OPENAI_API_KEY": "real-key",
                "METIS_LLM_CIRCUIT_THRESHOLD": "9",
                "METIS_LLM_OTHER_BASE_URL": "http://other.invalid",
            }
            urls = {name: servers.base_url(name) for name in ("openrouter", "anthropic", "deepseek", "openai")}
            (tmp_path / "demo.env").write_text(backend_settings(servers, 8000, tmp_path / "live.log"))
            return backend_environment(environ), urls

    (tmp_path / ".env").write_text(
        "METIS_LLM_PROVIDER_ORDER=openai\nOPENAI_API_KEY=real-key\nANTHROPIC_API_KEY=your_key\n"
        "METIS_LLM_MAX_RETRIES=many\nMETIS_LLM_OPENAI_MODEL=own-model\nMETIS_LLM_LOG_PATH=own.log\nMETIS_PORT=1\n"
    )

    environ, urls = asyncio.run(main())
    config = load(tmp_path / "demo.env", environ)

    assert environ["PATH"] == "/bin"
    assert "real-key" not in environ.values()
    assert {p.name: (p.base_url, p.api_key) for p in config.providers} == {
        name: (url, "simulated") for name, url in urls.items()
    }
    assert (config.retry.max_retries, config.circuit.threshold, config.circuit.cooldown_s) == (3, 3, 10)
    assert (config.log_path, config.port, config.providers[3].model) == (
        tmp_path / "live.log",
        8000,
        KNOWN["openai"].model,
    )


def test_the_dashboard_gets_no_key_and_the_address_of_the_demos_backend() -> None:
    environ = {"PATH": "/bin", "OPENAI_API_KEY": "real-key", "METIS_PORT": "1", "OPENAI_API_KEY_2": "real-key"}
    environ["METIS_CONTROL_URL"] = "http://elsewhere.invalid"

    given = dashboard_environment(environ, "http://127.0.0.1:8123")

    assert given == {"PATH": "/bin", "METIS_CONTROL_URL": "http://127.0.0.1:8123"}


def test_a_stubborn_child_and_what_it_started_end_in_bounded_time(tmp_path: Path) -> None:
    async def main() -> int:
        child = Child("stubborn", (sys.executable, "-c", STUBBORN), os.environ, tmp_path / "stubborn.out")
        await child.start()
        for _ in range(1000):
            if child.last_words():
                break
            await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await child.stop(within_s=0.1)
            while alive(int(child.last_words())):  # noqa: ASYNC110 (the kernel tells nobody)
                await asyncio.sleep(0.01)
        return await child.wait()

    assert asyncio.run(main()) == -signal.SIGKILL


def test_the_whole_demo_comes_up_restarts_its_backend_and_ends_without_a_trace(tmp_path: Path) -> None:
    port, dashboard_port = free_port(), free_port()
    (tmp_path / ".env").write_text("OPENAI_API_KEY=your_own\n")

    async def main() -> tuple[str, str, list[int], int]:
        demo = await resilience(tmp_path, "demo", "--port", str(port), "--dashboard-port", str(dashboard_port))
        try:
            async with asyncio.timeout(90):
                said = await said_until(demo, "Ctrl-C stops everything")
                pids = children_of(demo.pid)
                restart = await resilience(tmp_path, "restart")  # make dev-restart
                restarted, _ = await restart.communicate()
                order = "deepseek,openrouter,anthropic,openai"
                change = await resilience(tmp_path, "providers", "order", order, "--reason", "a try", "--force")
                changed, _ = await change.communicate()
                assert change.returncode == 0, changed
                pids += children_of(demo.pid)
                demo.send_signal(signal.SIGINT)
                rest, _ = await demo.communicate()
        finally:
            if demo.returncode is None:
                demo.terminate()
                await demo.wait()
        return said + rest.decode(), restarted.decode(), pids, demo.returncode or 0

    said, restarted, pids, code = asyncio.run(main())

    assert code == 0, said
    assert f"http://127.0.0.1:{dashboard_port}" in said
    assert f"http://127.0.0.1:{port}" in said
    assert "the backend was stopped: starting it again" in said
    assert f"the backend answers at http://127.0.0.1:{port}" in restarted
    assert len(set(pids)) == 4
    assert [pid for pid in pids if alive(pid)] == []
    log = (tmp_path / ".run" / "backend_live.log").read_text()
    assert "LLM_ATTEMPT" in log
    assert '"reason":"a try"' in log
    assert "nobody: no channel is set" in (tmp_path / ".run" / "watch.out").read_text()
    assert '"provider":"deepseek"' in [line for line in log.splitlines() if "PRIMARY" in line][-1]
    assert (tmp_path / ".env").read_text() == "OPENAI_API_KEY=your_own\n"
    assert busy_port({"--port": port, "--dashboard-port": dashboard_port}) is None


async def resilience(directory: Path, *arguments: str) -> asyncio.subprocess.Process:
    """`python -m resilience ...` in that directory."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "resilience", *arguments),
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def said_until(demo: asyncio.subprocess.Process, phrase: str) -> str:
    """What the demo says up to this phrase."""
    assert demo.stdout is not None
    said = ""
    while phrase not in said:
        line = await demo.stdout.readline()
        assert line, said
        said += line.decode()
    return said


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
