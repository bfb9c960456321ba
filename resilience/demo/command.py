"""`python -m resilience demo`: the checks before, the addresses, and the exit code."""

import asyncio
import importlib.util
import socket
import sys

import click

from resilience.demo.stage import Places, run
from resilience.simulator.listener import HOST

_NEEDED = ("fastapi", "uvicorn", "prometheus_client", "streamlit", "duckdb", "plotly")


@click.command("demo")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True, help="Of the service.")
@click.option("--dashboard-port", type=click.IntRange(1, 65_535), default=8501, show_default=True)
def demo_command(port: int, dashboard_port: int) -> None:
    """Start simulated providers, the backend, traffic, the dashboard and `watch`; Ctrl-C stops all of it."""
    problem = missing_extras() or busy_port({"--port": port, "--dashboard-port": dashboard_port})
    if problem is not None:
        click.echo(f"error: {problem}", err=True)
        sys.exit(2)
    sys.exit(asyncio.run(run(Places(port, dashboard_port), click.echo)))


def missing_extras() -> str | None:
    """What to install, None if everything is there."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return f"the demo needs {', '.join(missing)}: pip install -e '.[service,dashboard]' (make run does it)"


def busy_port(ports: dict[str, int]) -> str | None:
    """Which port is taken and what to do, None if all are free. ports: by the option that chooses another."""
    for option, port in ports.items():
        try:
            socket.create_server((HOST, port)).close()
        except OSError as exc:
            return (
                f"port {port} on {HOST} cannot be used ({exc.strerror}): stop the program that has it - an earlier "
                f"`make run`? - or choose another: python -m resilience demo {option} {port + 1}"
            )
    if len(set(ports.values())) < len(ports):
        return f"{' and '.join(ports)} must differ"
    return None
