"""A chat call through the core against the same call with bare httpx2, on one loopback server.

Both sides call in turns in one process and one loop, so that noise hits them alike; the server is a process of
its own. Prints the ratio of the medians. Target: at most 1.10.
"""

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2

from resilience.chat import ChatRequest, Message
from resilience.client import Client
from resilience.config import load
from resilience.eventlog import EventLog
from resilience.events import Origin
from resilience.policy import GUARDS

CALLS = 2_000
WARM_UP = 200
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "bench",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 100}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110},
}


def serve(ready: Connection) -> None:
    """A provider that answers at once, until its process is ended."""
    body = json.dumps(ANSWER).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(request.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(head + body)
        except asyncio.IncompleteReadError:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(main())


async def measure(port: int, log: Path) -> tuple[float, float]:
    """Median seconds of a bare call and of a call through the core."""
    base_url = f"http://127.0.0.1:{port}"
    env = {"METIS_LLM_PROVIDER_ORDER": "openai", "METIS_LLM_OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "bench"}
    prompt = "Say a hundred words."
    body = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": prompt}]}
    request = ChatRequest((Message("user", prompt),))
    event_log = EventLog(log, Origin("bench", "bench", 1))
    config = replace(load(None, env), guards_off=frozenset(GUARDS))  # what guards take, `guards evaluate` tells
    bare: list[float] = []
    core: list[float] = []
    async with Client(config, event_log.emit) as client, httpx2.AsyncClient() as http:
        for index in range(WARM_UP + CALLS):
            start = time.perf_counter()
            response = await http.post(
                f"{base_url}/chat/completions", json=body, headers={"authorization": "Bearer bench"}
            )
            text = response.json()["choices"][0]["message"]["content"]
            middle = time.perf_counter()
            answer = await client.chat(request)
            end = time.perf_counter()
            if answer.completion.text != text:
                raise SystemExit("the two answers differ")
            if index >= WARM_UP:
                bare.append(middle - start)
                core.append(end - middle)
    event_log.close()
    return statistics.median(bare), statistics.median(core)


def main() -> None:
    """Measure and print."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            bare_s, core_s = asyncio.run(measure(ours.recv(), Path(folder) / "backend_live.log"))
    finally:
        server.terminate()
        server.join()
    print(
        f"chat call: core {core_s * 1e6:.0f} us, bare httpx2 {bare_s * 1e6:.0f} us, "
        f"ratio {core_s / bare_s:.2f} (target 1.10)"
    )


if __name__ == "__main__":
    main()
