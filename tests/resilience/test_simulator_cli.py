"""`python -m resilience simulate` and `traffic`, as a user meets them."""

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

import httpx2
from click.testing import CliRunner

from resilience.events import from_line
from resilience.simulator.cli import simulate_command
from resilience.simulator.faults import FAULTS
from resilience.simulator.scenario import Traffic
from resilience.simulator.traffic import drive


def test_the_list_names_scenarios_and_faults() -> None:
    result = CliRunner().invoke(simulate_command, ["--list"])

    assert result.exit_code == 0
    for name in ("quiet_day", "primary_down", "mixed_day", "tour", *FAULTS, "status=503"):
        assert f"{name} " in result.output or f"{name}]" in result.output


def test_a_scenario_goes_to_standard_output_or_a_file_from_the_day_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "incident.log"

    shown = CliRunner().invoke(simulate_command, ["all_down", "--seed", "5", "--start", "2026-05-01"])
    written = CliRunner().invoke(
        simulate_command, ["all_down", "--seed", "5", "--start", "2026-05-01T00:00:00Z", "--out", str(path)]
    )

    assert (shown.exit_code, written.exit_code, written.output) == (0, 0, "")
    assert shown.output == path.read_text()
    record = from_line(shown.output.splitlines()[0])
    assert record is not None
    assert record.at.isoformat() == "2026-05-01T00:00:00+00:00"


def test_wrong_arguments_get_one_clear_message() -> None:
    for arguments, message in (
        (["doomsday"], "scenario must be one of quiet_day, primary_down"),
        ([], "Missing argument 'SCENARIO'"),
        (["tour", "--serve", "--ports", "1,2"], "must be 4 ports, for openrouter, anthropic, deepseek, openai"),
        (["tour", "--start", "yesterday"], "'yesterday' does not match"),
    ):
        result = CliRunner().invoke(simulate_command, arguments)

        assert (result.exit_code, message in result.output) == (2, True), result.output


def test_served_providers_answer_until_they_are_asked_to_stop() -> None:
    async def main() -> tuple[list[str], int, bytes]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "resilience", "simulate", "tour", "--serve"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(20):
            lines = [(await process.stdout.readline()).decode().strip() for _ in range(4)]
            async with httpx2.AsyncClient(verify=False) as client:
                root = lines[1].partition("=")[2]
                assert (await client.get(root + "/_sim/counts")).status_code == 200
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
        return [line.partition("=")[0] for line in lines], process.returncode or 0, errors

    names, code, errors = asyncio.run(main())

    assert names == [f"METIS_LLM_{name}_BASE_URL" for name in ("OPENROUTER", "ANTHROPIC", "DEEPSEEK", "OPENAI")]
    assert (code, errors) == (0, b"")


async def drive_until(count: int, url: str) -> Counter[str]:
    """The outcomes of at least so many requests."""
    outcomes: Counter[str] = Counter()
    driving = asyncio.create_task(drive(url, Traffic(rps=200, leaving=0.0), outcomes, Random(1)))
    for _ in range(1000):
        if outcomes.total() >= count:
            break
        await asyncio.sleep(0.01)
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
    return outcomes


def test_traffic_asks_both_endpoints_and_counts_what_it_gets() -> None:
    asked: Counter[bytes] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked[(await reader.readline()).split()[1]] += 1
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(65_536)  # unread bytes would turn the close into a reset
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def main() -> Counter[str]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            return await drive_until(40, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")

    outcomes = asyncio.run(main())

    assert set(outcomes) == {"503"}
    assert set(asked) == {b"/v1/chat/completions", b"/api/progressive-questions/generate"}


def test_traffic_goes_on_while_the_service_is_away() -> None:
    outcomes = asyncio.run(drive_until(5, "http://127.0.0.1:1"))

    assert set(outcomes) == {"unreachable"}
