"""`python -m resilience providers | circuit | config`: look at the running backend, and change it."""

import getpass
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click
import httpx2

from resilience.service.pidfile import PIDFILE, read

PREFIX = "/api/v53/control"
TOKEN = "METIS_CONTROL_TOKEN"  # noqa: S105 (the variable's name)

F = TypeVar("F", bound=Callable[..., Any])


def _at(ctx: click.Context, _: click.Parameter, url: str | None) -> None:
    ctx.obj = ctx.obj or Backend()
    if url is not None:
        ctx.obj.url = url.rstrip("/")


def _places(command: F) -> F:
    """The option that says which backend; it may stand before or after the subcommand."""
    words = "Address of the backend (default: the one that .run/backend.pid names)."
    return click.option("--url", help=words, expose_value=False, callback=_at, is_eager=True)(command)


def _changing(command: F) -> F:
    """The options of every change."""
    command = _places(command)
    command = click.option("--force", is_flag=True, help="In spite of a refusal that can be forced.")(command)
    return click.option("--reason", required=True, help="Why, for the log: 1 to 200 characters.")(command)


@click.group("providers", invoke_without_command=True)
@_places
@click.pass_context
def providers_command(ctx: click.Context) -> None:
    """Show the chain, or change its order. The token is read from METIS_CONTROL_TOKEN."""
    if ctx.invoked_subcommand is None:
        for line in providers_text(ctx.obj.state()):
            click.echo(line)


@providers_command.command("order")
@click.argument("names")
@_changing
@click.pass_obj
def order_command(backend: "Backend", names: str, reason: str, force: bool) -> None:
    """Change the order: NAMES separated by commas, the primary first."""
    order = [name.strip() for name in names.split(",") if name.strip()]
    backend.change("/order", {"order": order, "force": force}, reason)


@click.group("circuit")
@_places
def circuit_command() -> None:
    """Reset, isolate or release a provider's circuit."""


@circuit_command.command("reset")
@click.argument("name")
@_changing
@click.pass_obj
def reset_command(backend: "Backend", name: str, reason: str, force: bool) -> None:
    """Close the circuit of NAME now."""
    backend.change(f"/circuits/{_checked(name)}/reset", {"force": force}, reason)


@circuit_command.command("isolate")
@click.argument("name")
@click.option("--for", "for_s", type=click.IntRange(60, 86_400), default=1800, show_default=True, help="Seconds.")
@_changing
@click.pass_obj
def isolate_command(backend: "Backend", name: str, for_s: int, reason: str, force: bool) -> None:
    """Do not ask NAME for a time."""
    backend.change(f"/circuits/{_checked(name)}/isolate", {"for_s": for_s, "force": force}, reason)


@circuit_command.command("release")
@click.argument("name")
@_changing
@click.pass_obj
def release_command(backend: "Backend", name: str, reason: str, force: bool) -> None:
    """End the isolation of NAME: the next request probes it."""
    backend.change(f"/circuits/{_checked(name)}/release", {"force": force}, reason)


@click.group("config", invoke_without_command=True)
@_places
@click.pass_context
def config_command(ctx: click.Context) -> None:
    """Show the settings, or change them."""
    if ctx.invoked_subcommand is None:
        state = ctx.obj.state()
        click.echo(f"version {state['version']}")
        for setting in state["settings"]:
            click.echo(f"{setting['name']}={setting['value']}  ({setting['origin']}, default {setting['default']})")


@config_command.command("set")
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@_changing
@click.pass_obj
def set_command(backend: "Backend", pairs: tuple[str, ...], reason: str, force: bool) -> None:
    """Change settings; `KEY=` puts one back to its default."""
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"a setting is KEY=VALUE, got {pair!r}")
        settings[name] = value or None
    backend.change("/settings", {"settings": settings, "force": force}, reason)


class Backend:
    """The running backend. Every failure ends the program with one sentence: 1 refused or not there, 2 a wrong value."""

    def __init__(self) -> None:
        self.url = ""

    def state(self) -> dict[str, Any]:
        """What GET /state says."""
        return self._ask("GET", "/state")

    def change(self, path: str, fields: dict[str, Any], reason: str) -> None:
        """Make a change over what is in force now, and say what it did."""
        body = {"version": self.state()["version"], "reason": reason, **_actor(), **fields}
        answer = self._ask("POST", path, body)
        for name, old, new in answer["changes"]:
            click.echo(f"{name}: {old} -> {new}")
        for warning in answer["warnings"]:
            click.echo(f"warning: {warning}", err=True)
        click.echo(f"version {answer['version']}")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        self.url = self.url or _running()
        token = os.environ.get(TOKEN)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            with httpx2.Client(timeout=15.0, trust_env=False) as http:
                response = http.request(method, f"{self.url}{PREFIX}{path}", json=body, headers=headers)
            answer: dict[str, Any] = response.json()
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            _fail(f"the backend at {self.url} does not answer ({type(exc).__name__}): is it running?", 1)
        except json.JSONDecodeError:
            _fail(f"{self.url} answers, but not as this backend does", 1)
        if response.status_code != 200:
            self._refused(response.status_code, answer)
        return answer

    def _refused(self, status: int, answer: dict[str, Any]) -> NoReturn:
        error = answer.get("error", {})
        hint = " (--force does it all the same)" if error.get("forceable") else ""
        if status == 401:
            hint = f" (set {TOKEN})"
        _fail(f"{error.get('message', status)}{hint}", 2 if status in (400, 404) else 1)


def providers_text(state: dict[str, Any]) -> list[str]:
    """The chain as lines, the primary first."""
    lines = [f"version {state['version']}, primary {state['primary']}"]
    for provider in state["providers"]:
        circuit = provider["circuit"]
        place = "out of the order" if provider["provider"] not in state["order"] else "in the order"
        held = f" until {circuit['open_until']}" if circuit and circuit["open_until"] else ""
        words = f"{circuit['state']}{held}" if circuit else "no circuit"
        lines.append(f"{provider['provider']}: {words}, key {provider['key']}, {place}, {provider['model']}")
    return lines


def _running() -> str:
    entry = read(PIDFILE)
    if entry is None or not entry.runs():
        _fail(f"no backend runs here ({PIDFILE} names none): start it with `serve`, or give --url", 1)
    # A backend that listens everywhere answers on the loopback too.
    return entry.url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _actor() -> dict[str, str]:
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return {}
    return {"actor": name} if name.isprintable() and 0 < len(name) <= 100 else {}


def _checked(name: str) -> str:
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise click.UsageError(f"a provider's name is made of a-z, 0-9, _ and -, got {name!r}")
    return name


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(code)
