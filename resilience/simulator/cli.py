"""`python -m resilience simulate` and `python -m resilience traffic`."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any

import click

from resilience.simulator.behaviour import SimulatorError
from resilience.simulator.faults import FAULTS
from resilience.simulator.play import START_S, play
from resilience.simulator.profiles import PROFILES
from resilience.simulator.recording import plain_lines, structured_lines
from resilience.simulator.scenario import Scenario, Traffic
from resilience.simulator.scenarios import SCENARIOS, named
from resilience.simulator.servers import Servers
from resilience.simulator.traffic import drive


def _scenario(_: click.Context, __: click.Parameter, name: str) -> Scenario:
    try:
        return named(name)
    except SimulatorError as exc:
        raise click.BadParameter(str(exc)) from exc


def _ports(_: click.Context, __: click.Parameter, text: str | None) -> dict[str, int]:
    ports = text.split(",") if text else []
    if text and (len(ports) != len(PROFILES) or not all(port.isdecimal() and int(port) < 65_536 for port in ports)):
        raise click.BadParameter(f"must be {len(PROFILES)} ports, for {', '.join(PROFILES)}; got {text!r}")
    return {name: int(port) for name, port in zip(PROFILES, ports, strict=False)}


def _list(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    click.echo("Scenarios:")
    for scenario in SCENARIOS.values():
        click.echo(f"  {scenario.name:<22} {scenario.description}")
    click.echo("\nFaults of a provider; as a scenario, OpenRouter has it for three minutes of five:")
    for fault in FAULTS.values():
        parameters = ", ".join(f"{key}={value}" for key, value in fault.behaviour.parameters)
        click.echo(f"  {fault.name:<22} {fault.text} [{fault.behaviour.name}{parameters and ': ' + parameters}]")
    ctx.exit()


@click.command("simulate")
@click.argument("scenario", callback=_scenario)
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="List scenarios and faults."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same file.")
@click.option("--out", type=click.File("w", encoding="utf-8"), default="-", help="The log to write (standard output).")
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]),
    default=datetime.fromtimestamp(START_S, UTC).replace(tzinfo=None),
    show_default="2026-03-02",
    help="When the scenario begins, UTC.",
)
@click.option("--plain", is_flag=True, help="Write the runbook's plain lines, without JSON.")
@click.option("--serve", is_flag=True, help="Play it in real time instead, on four real servers, until stopped.")
@click.option("--ports", callback=_ports, help=f"With --serve: the ports of {', '.join(PROFILES)} (any free ones).")
def simulate_command(
    scenario: Scenario,
    seed: int,
    out: IO[str],
    start: datetime,
    plain: bool,
    serve: bool,
    ports: dict[str, int],
) -> None:
    """Play SCENARIO through the real client on virtual time, and write its log. Hours take seconds."""
    if serve:
        _until_stopped(_serve(scenario, seed, ports))
        return
    recording = play(scenario, seed, start.replace(tzinfo=UTC).timestamp())
    out.writelines(plain_lines(recording, seed) if plain else structured_lines(recording))


@click.command("traffic")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The service.")
@click.option("--rps", type=click.FloatRange(0.01, 200), default=4.0, show_default=True, help="Requests per second.")
def traffic_command(url: str, rps: float) -> None:
    """Ask the service at a steady rate until stopped; then say how it answered."""
    outcomes: Counter[str] = Counter()
    _until_stopped(drive(url, Traffic(rps=rps), outcomes, random.Random()))
    click.echo(", ".join(f"{outcome}: {count}" for outcome, count in sorted(outcomes.items())) or "no request")


async def _serve(scenario: Scenario, seed: int, ports: dict[str, int]) -> None:
    try:
        async with Servers(seed, ports) as servers:
            for name in PROFILES:
                click.echo(f"METIS_LLM_{name.upper()}_BASE_URL={servers.base_url(name)}")
            await servers.play(scenario)
    except OSError as exc:
        raise click.ClickException(f"cannot listen: {exc}") from exc


def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until it ends or the process gets SIGINT or SIGTERM, which end it in good order."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
