"""`run`: a busy port is said clearly; the settings protect the reader whatever the directory."""

import socket

from click.testing import CliRunner

from dashboard.run import CONFIG_FILE, _settings, run_command


def test_a_busy_port_gets_a_clear_message() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = CliRunner().invoke(run_command, ["--log", "x.log", "--port", str(port)])

    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in result.output
    assert "--port" in result.output


def test_the_settings_come_from_beside_the_package() -> None:
    settings = _settings(CONFIG_FILE, "127.0.0.1", 8501, {})

    assert (
        settings["browser.gatherUsageStats"], settings["client.showErrorDetails"], settings["server.enableAgentApi"],
    ) == (False, "type", False)  # fmt: skip
    assert settings["server.allowedHosts"] == ["127.0.0.1", "localhost"]
    assert len(settings["theme.chartCategoricalColors"]) == 10


def test_an_address_is_a_name_that_browsers_may_use_but_a_wildcard_is_not() -> None:
    named = _settings(CONFIG_FILE, "10.1.2.3", 8501, {})["server.allowedHosts"]
    wild = _settings(CONFIG_FILE, "0.0.0.0", 8501, {})["server.allowedHosts"]

    assert "10.1.2.3" in named
    assert wild == ["127.0.0.1", "localhost"]


def test_names_from_the_environment_are_names_that_browsers_may_use_too() -> None:
    settings = _settings(CONFIG_FILE, "0.0.0.0", 8501, {"STREAMLIT_SERVER_ALLOWED_HOSTS": "dash.example, *.b.example"})

    assert settings["server.allowedHosts"] == ["*.b.example", "127.0.0.1", "dash.example", "localhost"]
