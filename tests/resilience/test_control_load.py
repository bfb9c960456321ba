"""A thousand requests while the order changes a hundred times, through the API and over real sockets."""

import asyncio
import json
import subprocess
import time
from pathlib import Path

import httpx2

from resilience.control.control import Place
from resilience.eventlog import EventLog
from resilience.events import AttemptFinished, ConfigChanged, Origin, RequestFinished, RequestStatus, from_line
from resilience.service.app import create_app
from tests.resilience.control_kit import PATH, settings
from tests.resilience.service_kit import http, serving

REQUESTS, CHANGES, AT_ONCE = 1000, 100, 15
ORDERS = (["alpha", "beta", "gamma"], ["gamma", "alpha", "beta"], ["beta", "gamma", "alpha"])
ANSWER = json.dumps(
    {
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    }
)


async def provider(app: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers chats; the one called beta fails every other time, so that chains are walked."""
    count = 0
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b"content-length: " in head:
                await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            count += 1
            if head.startswith(b"post"):  # the question whether somebody is there is answered at once
                await asyncio.sleep(0.1)  # a model's time; else the requests are over before the changes are
            fails = app == "beta" and count % 2 == 0
            status = "503 Service Unavailable" if fails else "200 OK"
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(ANSWER)}\r\n\r\n{ANSWER}".encode()
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def load(url: str) -> tuple[list[int], list[int]]:
    body = {"messages": [{"role": "user", "content": "Hello"}]}
    limits = httpx2.Limits(max_connections=AT_ONCE)
    async with httpx2.AsyncClient(verify=False, timeout=30, limits=limits, trust_env=False) as client:
        statuses: list[int] = []

        async def ask() -> None:
            while len(statuses) < REQUESTS or not changing.done():
                statuses.append((await client.post(url + "/v1/chat/completions", json=body)).status_code)

        async def change() -> list[int]:
            versions = []
            for number in range(1, CHANGES + 1):
                change = {"version": number, "reason": f"turn {number}", "order": ORDERS[number % 3]}
                answer = await client.post(url + PATH + "/order", json=change)
                versions.append(answer.json()["version"])
            return versions

        changing = asyncio.create_task(change())
        await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
        return statuses, await changing


def test_no_request_fails_or_is_served_under_two_versions(tmp_path: Path):
    async def main() -> tuple[list[int], list[int]]:
        servers = [
            await asyncio.start_server(lambda r, w, name=name: answering(name, r, w), "127.0.0.1", 0)
            for name in ORDERS[0]
        ]
        env = "METIS_LLM_PROVIDER_ORDER=alpha,beta,gamma\nMETIS_LLM_MAX_RETRIES=0\nMETIS_LLM_CIRCUIT_THRESHOLD=1000\n"
        for name, server in zip(ORDERS[0], servers, strict=True):
            port = server.sockets[0].getsockname()[1]
            env += f"METIS_LLM_{name.upper()}_BASE_URL=http://127.0.0.1:{port}/v1\nMETIS_LLM_{name.upper()}_MODEL=m\n"
        (tmp_path / ".env").write_text(env)
        log = EventLog(tmp_path / "live.log", Origin("test", "test", 1))
        place = Place(tmp_path / ".env", tmp_path / ".run" / "control.json", {})
        app = create_app(settings(tmp_path / ".env"), log.emit, place=place, flush=log.flush)
        with serving(app) as url:
            while (await asyncio.to_thread(http.get, url + "/api/v53/health")).status_code != 200:
                pass
            found = await load(url)
        log.close()
        for server in servers:
            server.close()
        await asyncio.gather(*handlers)  # they end with the service's connections
        return found

    handlers: set[asyncio.Task[None]] = set()

    async def answering(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        await provider(name, reader, writer)

    began = time.monotonic()
    statuses, versions = asyncio.run(main())
    took_s = time.monotonic() - began

    assert len(statuses) >= REQUESTS
    assert set(statuses) == {200}
    assert versions == list(range(2, CHANGES + 2))
    records = [from_line(line) for line in (tmp_path / "live.log").read_text().splitlines()]
    events = [record.event for record in records if record is not None]
    assert [e.version for e in events if isinstance(e, ConfigChanged)] == versions
    requests = {e.request_id: e for e in events if isinstance(e, RequestFinished)}
    assert len(requests) == len(statuses)
    assert {e.status for e in requests.values()} == {RequestStatus.SUCCESS}
    tried: dict[str, list[str]] = {}
    for attempt in (e for e in events if isinstance(e, AttemptFinished)):
        assert attempt.config_version == requests[attempt.request_id].config_version
        tried.setdefault(attempt.request_id, []).append(attempt.provider)
    for request_id, providers in tried.items():
        version = requests[request_id].config_version
        order = ORDERS[0] if version == 1 else ORDERS[(version - 1) % 3]
        assert providers == order[: len(providers)], (version, providers)
    served = {e.config_version for e in requests.values()}
    print(f"{len(statuses)} requests, {CHANGES} changes in {took_s:.1f} s, under {len(served)} versions")
    assert len(served) > CHANGES / 2
    primary = subprocess.run(
        'grep "PRIMARY" live.log | tail -1', shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert f'"provider":"{ORDERS[CHANGES % 3][0]}"' in primary.stdout
