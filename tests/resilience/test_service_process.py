"""The backend as a process: its start, its graceful end, its pidfile."""

import json
import os
import signal
import socket
import threading
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result

from resilience.__main__ import main
from resilience.service.serve import _listen
from tests.resilience.process_kit import CHAIN, WAIT_S, BackendProcess, SlowProvider, command, environment, kinds
from tests.resilience.service_kit import http

ASK = {"messages": [{"role": "user", "content": "Say hello"}]}


def test_a_signal_lets_a_running_request_end_and_closes_the_log(tmp_path: Path):
    responses: list[httpx2.Response] = []
    with (
        SlowProvider().running() as provider,
        BackendProcess(
            tmp_path, environment(METIS_LLM_ALPHA_BASE_URL=provider.url), "--port", "0"
        ).running() as backend,
    ):
        ask = threading.Thread(
            target=lambda: responses.append(http.post(f"{backend.url}/v1/chat/completions", json=ASK, timeout=WAIT_S))
        )
        ask.start()
        assert provider.arrived.wait(WAIT_S)

        backend.process.send_signal(signal.SIGTERM)
        backend.read_until("Shutting down")
        with pytest.raises(httpx2.TransportError):
            http.post(f"{backend.url}/v1/chat/completions", json=ASK)
        provider.release.set()
        ask.join(WAIT_S)
        code = backend.end()

    assert [response.status_code for response in responses] == [200]
    assert responses[0].json()["choices"][0]["message"]["content"] == "Late?"
    assert code == 0
    assert kinds(tmp_path / "backend_live.log") == [
        "SERVICE_STARTED",
        "PROVIDER_INITIALIZED",
        "PROVIDERS_INITIALIZED",
        "LLM_ATTEMPT",
        "LLM_REQUEST",
        "SERVICE_STOPPED",
    ]
    assert not (tmp_path / ".run" / "backend.pid").exists()


def test_a_request_under_a_deadline_set_while_running_may_end_in_its_time(tmp_path: Path):
    responses: list[httpx2.Response] = []
    path = tmp_path / ".run" / "backend.pid"
    with SlowProvider().running() as provider:
        (tmp_path / ".env").write_text("METIS_LLM_DEADLINE_SECONDS=2\n")
        environ = environment(METIS_LLM_ALPHA_BASE_URL=provider.url)
        with BackendProcess(tmp_path, environ, "--port", "0").running() as backend:
            at_start = json.loads(path.read_text())["stop_within_s"]
            longer = {"version": 1, "reason": "a test", "settings": {"METIS_LLM_DEADLINE_SECONDS": "30"}}
            assert http.post(f"{backend.url}/api/v53/control/settings", json=longer).is_success
            ask = threading.Thread(
                target=lambda: responses.append(
                    http.post(f"{backend.url}/v1/chat/completions", json=ASK, timeout=WAIT_S)
                )
            )
            ask.start()
            assert provider.arrived.wait(WAIT_S)

            backend.process.send_signal(signal.SIGTERM)
            backend.read_until("Shutting down")
            at_end = json.loads(path.read_text())["stop_within_s"]
            provider.release.set()
            ask.join(WAIT_S)
            code = backend.end()

    assert (at_start, at_end) == (3, 31)
    assert [response.status_code for response in responses] == [200]
    assert (code, path.exists()) == (0, False)


def test_an_answer_does_not_wait_for_a_delayed_acknowledgement():
    with _listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


TOKENS = "ops:operator:0123456789abcdef"


def test_without_tokens_nobody_else_may_reach_the_service(tmp_path: Path):
    result = _serve(tmp_path, CHAIN, "--host", "0.0.0.0", "--port", "0")

    assert result.exit_code == 2
    for words in ("METIS_HOST", "METIS_CONTROL_TOKENS", "0.0.0.0"):
        assert words in result.output


def test_the_pidfile_tells_who_serves_and_where_until_the_end(tmp_path: Path):
    environ = environment(METIS_SUPERVISED="1", METIS_LLM_DEADLINE_SECONDS="7.5", METIS_CONTROL_TOKENS=TOKENS)
    arguments = ["--port", "0", "--host", "0.0.0.0", "--log", "other.log"]
    path = tmp_path / ".run" / "backend.pid"

    with BackendProcess(tmp_path, environ, *arguments).running() as backend:
        entry = json.loads(path.read_text())
        backend.process.send_signal(signal.SIGINT)
        code = backend.end()

    assert entry == {
        "pid": backend.process.pid,
        "argv": command("serve", *arguments),
        "url": backend.url,
        "stop_within_s": 9,
        "supervised": True,
        "env_file": ".env",
    }
    assert any("can spend your keys" in line for line in backend.lines)
    assert (code, path.exists()) == (0, False)
    assert kinds(tmp_path / "other.log")[-1] == "SERVICE_STOPPED"


def _serve(directory: Path, environ: dict[str, str], *arguments: str) -> Result:
    """`serve` in this process: for starts that fail before anything runs."""
    unset = {name: None for name in os.environ if name.startswith("METIS_") or name.endswith("_API_KEY")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        return CliRunner().invoke(main, ["serve", *arguments], env=unset | environ)


def test_a_busy_port_is_named_without_a_traceback(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _serve(tmp_path, CHAIN, "--port", str(port))

    assert (result.exit_code, result.stderr) == (
        2,
        f"error: port {port} on 127.0.0.1 is taken by another program: stop it, or choose another port with "
        "METIS_PORT or --port\n",
    )


@pytest.mark.parametrize(
    ("environ", "arguments", "words"),
    [
        ({"METIS_LLM_CIRCUIT_THRESHOLD": "0"}, [], ["METIS_LLM_CIRCUIT_THRESHOLD", "'0'"]),
        ({"METIS_HOST": "192.0.2.1", "METIS_PORT": "0"}, [], ["METIS_HOST", "192.0.2.1"]),
        ({}, ["--port", "0", "--log", "no/such/directory.log"], ["METIS_LLM_LOG_PATH", "no/such/directory.log"]),
    ],
)
def test_a_wrong_setting_is_one_clear_sentence(
    tmp_path: Path, environ: dict[str, str], arguments: list[str], words: list[str]
):
    result = _serve(tmp_path, CHAIN | environ, *arguments)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr
