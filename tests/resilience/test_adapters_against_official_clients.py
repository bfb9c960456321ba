"""Our requests beside those of the official `openai` and `anthropic` clients, taken by one recording server."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from resilience.adapters import ADAPTERS
from resilience.chat import ChatRequest, Message
from resilience.config import Provider
from tests.resilience.scripted import anthropic_answer, openai_answer

RICH = ChatRequest(
    (Message("system", "Be brief."), Message("user", 'Grüße, 世界 🙂 "quoted"\nline')),
    max_tokens=64,
    temperature=0.5,
    top_p=0.9,
    stop=("END",),
)
PLAIN = ChatRequest((Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "And?")))


@dataclass
class Recorded:
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Recorder:
    base_url: str
    taken: list[Recorded] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    record = Recorder("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            record.taken.append(Recorded(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = (anthropic_answer() if "messages" in self.path else openai_answer()).content
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    record.base_url = f"http://127.0.0.1:{server.server_port}"
    yield record
    server.shutdown()
    thread.join()
    server.server_close()


def send_ours(provider: Provider, request: ChatRequest, *, streamed: bool) -> None:
    call = ADAPTERS[provider.kind].call(provider, request, streamed=streamed)
    httpx2.post(call.url, headers=call.headers, content=call.body).raise_for_status()


@pytest.mark.parametrize("request_", [RICH, PLAIN], ids=["rich", "plain"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ["openai", "deepseek"])
def test_chat_completions_are_asked_as_the_openai_client_asks(
    recorder: Recorder, request_: ChatRequest, streamed: bool, name: str
) -> None:
    provider = Provider(name, "openai", f"{recorder.base_url}/v1", "some-model", "key-1")
    limit = "max_completion_tokens" if name == "openai" else "max_tokens"
    theirs: dict[str, Any] = {
        "model": "some-model",
        "messages": [{"role": m.role, "content": m.content} for m in request_.messages],
    }
    if request_ is RICH:
        theirs |= {limit: 64, "temperature": 0.5, "top_p": 0.9, "stop": ["END"]}
    if streamed:
        theirs |= {"stream": True, "stream_options": {"include_usage": True}}

    send_ours(provider, request_, streamed=streamed)
    with openai.OpenAI(base_url=provider.base_url, api_key="key-1", max_retries=0) as client:
        client.chat.completions.with_raw_response.create(**theirs)

    ours, official = recorder.taken
    assert ours.path == official.path
    assert ours.body == official.body
    for header in ("authorization", "content-type"):
        assert ours.headers[header] == official.headers[header]


@pytest.mark.parametrize("request_", [RICH, PLAIN], ids=["rich", "plain"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_messages_are_asked_as_the_anthropic_client_asks(
    recorder: Recorder, request_: ChatRequest, streamed: bool
) -> None:
    provider = Provider("anthropic", "anthropic", recorder.base_url, "claude-x", "key-1")
    theirs: dict[str, Any] = {
        "model": "claude-x",
        "max_tokens": request_.max_tokens or 4096,
        "messages": [{"role": m.role, "content": m.content} for m in request_.messages if m.role != "system"],
    }
    if request_ is RICH:
        theirs |= {"system": "Be brief.", "stop_sequences": ["END"]}  # this API takes no sampling parameters
    if streamed:
        theirs["stream"] = True

    send_ours(provider, request_, streamed=streamed)
    with anthropic.Anthropic(base_url=provider.base_url, api_key="key-1", max_retries=0) as client:
        client.messages.with_raw_response.create(**theirs)

    ours, official = recorder.taken
    assert ours.path == official.path
    assert ours.body == official.body
    for header in ("authorization", "anthropic-version", "content-type"):
        assert ours.headers[header] == official.headers[header]
