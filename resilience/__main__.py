"""The command line: `python -m resilience COMMAND`."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from resilience.config import Config, load
from resilience.errors import ConfigError, ResilienceError


class LazyGroup(click.Group):
    """A group that imports some commands only when they are asked for: `name -> (module, attribute)`."""

    lazy: Mapping[str, tuple[str, str]] = {
        "simulate": ("resilience.simulator.cli", "simulate_command"),
        "traffic": ("resilience.simulator.cli", "traffic_command"),
        "demo": ("resilience.demo", "demo_command"),
        "providers": ("resilience.controlling", "providers_command"),
        "circuit": ("resilience.controlling", "circuit_command"),
        "config": ("resilience.controlling", "config_command"),
        "guards": ("resilience.guards.command", "guards_command"),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted([*super().list_commands(ctx), *self.lazy])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported if need be."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self.lazy[cmd_name]
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 (a wrong entry above)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A chain of LLM providers that retries, breaks circuits, falls back, and logs each step."""


@main.command("serve")
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".env"),
    show_default=True,
    help="Settings; changes made while it runs are kept there.",
)
@click.option("--host", help="Address to listen on (METIS_HOST, 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port, 0 for any free one (METIS_PORT, 8000).")
@click.option(
    "--log",
    "log_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Event log (METIS_LLM_LOG_PATH, backend_live.log).",
)
def serve_command(env_file: Path, host: str | None, port: int | None, log_path: Path | None) -> None:
    """Serve the chain over HTTP with the settings of .env and the environment."""
    config = _settings(env_file)
    config = replace(
        config,
        host=config.host if host is None else host,
        port=config.port if port is None else port,
        log_path=log_path or config.log_path,
    )
    try:
        from resilience.service.serve import serve  # here, because the other commands need no web framework
    except ModuleNotFoundError as exc:
        _fail(f'serve needs {exc.name}: install the service with `pip install ".[service]"`')
    try:
        serve(config, env_file)
    except ResilienceError as exc:
        _fail(str(exc))


@main.command("restart")
def restart_command() -> None:
    """Restart the backend that was started in this directory. Circuits that are OPEN stay so."""
    from resilience.service.restart import restart

    try:
        restart(click.echo)
    except ResilienceError as exc:
        _fail(str(exc), code=2 if isinstance(exc, ConfigError) else 1)


def _settings(env_file: Path) -> Config:
    try:
        config = load(env_file)
    except ConfigError as exc:
        _fail(str(exc))
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    return config


def _fail(message: str, code: int = 2) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main(prog_name="python -m resilience")
