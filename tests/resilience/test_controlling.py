"""The command line over a running backend: what it shows, what it changes, and how it fails."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from resilience.__main__ import main
from tests.resilience.control_kit import ENV, OPERATOR, VIEWER, Service, controlled


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with controlled(tmp_path, ENV, tokens=True) as running:
        yield running


def call(service: Service, *arguments: str, token: str | None = OPERATOR) -> Result:
    return CliRunner().invoke(main, [*arguments, "--url", service.url], env={"METIS_CONTROL_TOKEN": token})


def test_the_chain_is_shown_and_its_order_changed(service: Service):
    before = call(service, "providers")
    changed = call(service, "providers", "order", "beta,alpha", "--reason", "alpha is slow")

    assert before.exit_code == changed.exit_code == 0, before.output + changed.output
    assert before.output.splitlines()[:2] == [
        "version 1, primary alpha",
        "alpha: CLOSED, key ok, in the order, alpha-model",
    ]
    assert changed.output.splitlines() == ["METIS_LLM_PROVIDER_ORDER: alpha,beta -> beta,alpha", "version 2"]
    [event] = service.events("CONFIG_CHANGED")
    assert (event.actor, event.reason) == (f"{getpass.getuser()} via olga", "alpha is slow")


def test_a_circuit_is_isolated_released_and_reset(service: Service):
    outputs = [
        call(service, "circuit", "isolate", "alpha", "--for", "60", "--reason", "x").output,
        call(service, "circuit", "release", "alpha", "--reason", "x").output,
        call(service, "circuit", "reset", "alpha", "--reason", "x").output,
    ]

    assert [output.splitlines()[0] for output in outputs] == [
        "circuit alpha: CLOSED -> OPEN",
        "circuit alpha: OPEN -> HALF_OPEN",
        "circuit alpha: HALF_OPEN -> CLOSED",
    ]


def test_settings_are_shown_and_set(service: Service):
    changed = call(service, "config", "set", "METIS_LLM_MAX_RETRIES=2", "METIS_LLM_STREAM_MODE=", "--reason", "x")
    shown = call(service, "config")

    assert changed.output.splitlines()[0] == "METIS_LLM_MAX_RETRIES: 0 -> 2"
    assert "METIS_LLM_MAX_RETRIES=2  (env_file, default 3)" in shown.output


@pytest.mark.parametrize(
    ("arguments", "token", "code", "words"),
    [
        (("circuit", "release", "alpha", "--reason", "x"), OPERATOR, 1, "not isolated"),
        (("circuit", "reset", "nobody", "--reason", "x"), OPERATOR, 2, "no circuit"),
        (("circuit", "reset", "../state", "--reason", "x"), OPERATOR, 2, "a provider's name"),
        (("config", "set", "METIS_LLM_MAX_RETRIES=x", "--reason", "x"), OPERATOR, 2, "METIS_LLM_MAX_RETRIES must be"),
        (("config", "set", "METIS_LLM_MAX_RETRIES", "--reason", "x"), OPERATOR, 2, "KEY=VALUE"),
        (("providers", "order", "openai,alpha", "--reason", "x"), OPERATOR, 1, "--force does it all the same"),
        (("providers", "order", "beta"), OPERATOR, 2, "--reason"),
        (("providers", "order", "beta", "--reason", "x"), VIEWER, 1, "viewer"),
        (("providers",), None, 1, "set METIS_CONTROL_TOKEN"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_exit_code(
    service: Service, arguments: tuple[str, ...], token: str | None, code: int, words: str
):
    result = call(service, *arguments, token=token)

    assert result.exit_code == code, result.output
    assert words in result.output
    assert OPERATOR not in result.output


def test_without_a_backend_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    here = CliRunner().invoke(main, ["providers"])
    there = CliRunner().invoke(main, ["config", "--url", "http://127.0.0.1:9"])

    assert (here.exit_code, there.exit_code) == (1, 1)
    assert "no backend runs here" in here.output
    assert "does not answer" in there.output
