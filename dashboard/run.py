"""`python -m dashboard run`: serves the pages over one or several logs."""

import os
import socket
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

CONFIG_FILE = Path(__file__).parents[1] / ".streamlit" / "config.toml"
ALLOWED_HOSTS = "STREAMLIT_SERVER_ALLOWED_HOSTS"
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 (recognised, not bound)


@click.command("run")
@click.option("--log", "logs", multiple=True, metavar="PATH", help="Log file or glob; may be given several times.")
@click.option("--port", default=8501, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def run_command(logs: Sequence[str], port: int, host: str) -> None:
    """Shows one or several logs as a dashboard in the browser, live."""
    _refuse_busy_port(host, port)
    # Imported here: Streamlit takes a second to load, and `--help` needs none of it.
    from dashboard import state

    if logs:
        state.choose_logs(logs)
    from dashboard.asgi import app

    with suppress(KeyboardInterrupt):  # Ctrl-C has done its work: the server has shut down
        app.run(config=_settings(CONFIG_FILE, host, port, os.environ))


def _settings(file: Path, host: str, port: int, environ: Mapping[str, str]) -> dict[str, Any]:
    """Streamlit's settings by dotted name: the file's, from whatever directory we were started, and the address.

    STREAMLIT_SERVER_ALLOWED_HOSTS adds names, parted by commas or spaces. It is read here because Streamlit reads its
    variables for its own command line alone.
    """
    settings = _dotted(tomllib.loads(file.read_text("utf-8"))) if file.exists() else {}
    more = environ.get(ALLOWED_HOSTS, "").replace(",", " ").split()
    names = {"127.0.0.1", "localhost", *settings.get("server.allowedHosts", ()), *more}
    if host not in _WILDCARDS:
        names.add(host)
    return settings | {
        "server.address": host,
        "server.port": port,
        "server.allowedHosts": sorted(names),
        # These protect the reader and hold without the file too.
        "server.headless": True,
        "server.enableAgentApi": False,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "type",
    }


def _dotted(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= _dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _refuse_busy_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise click.ClickException(
                f"cannot listen on {host} port {port}: {exc.strerror}. "
                "Stop the program that uses it, or choose another with --port."
            ) from exc
