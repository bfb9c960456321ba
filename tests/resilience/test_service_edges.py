"""What the service does with requests that are wrong, too much, or abandoned, and with faults of its own."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest

from resilience.config import Config
from resilience.events import AttemptFinished, AttemptStatus, Reason, RequestFinished, RequestStatus
from resilience.policy import DeadlinePolicy, LoadPolicy
from resilience.service.app import create_app
from tests.resilience.service_kit import (
    KEY,
    WAIT_S,
    Log,
    Network,
    Service,
    Silent,
    event_stream,
    fails,
    http,
    pieces,
    serving,
    shared_service,
    two_providers,
)

CHAT = "/v1/chat/completions"
QUESTIONS = "/api/progressive-questions/generate"
ASK = {"messages": [{"role": "user", "content": "Say hello"}]}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    with shared_service() as service:
        yield service


@pytest.fixture
def service(shared: Service) -> Service:
    shared.clear()
    return shared


BROKEN_BODIES = {
    "empty": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"messages": "\xff"}',
    "no object": b"[]",
    "very deep": b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "half a surrogate pair": b'{"messages":[{"role":"user","content":"\\ud800"}]}',
    "a number without end": b'{"messages":[], "seed":' + b"9" * 10_000 + b"}",
    "not a number": b'{"messages":[{"role":"user","content":"x"}],"temperature":NaN}',
    "an infinite number": b'{"messages":[{"role":"user","content":"x"}],"temperature":1e999}',
    "wrong types": b'{"messages":{"role":"user"}}',
    "no messages": b'{"messages":[]}',
}


@pytest.mark.parametrize("path", [CHAT, QUESTIONS])
@pytest.mark.parametrize("case", BROKEN_BODIES)
def test_a_broken_body_is_a_400_that_says_so(service: Service, path: str, case: str):
    response = http.post(service.url + path, content=BROKEN_BODIES[case], headers=JSON)

    assert response.status_code == 400, response.text
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["message"]
    assert service.network.bodies == []


def test_a_wrong_type_is_named_by_its_place(service: Service):
    body = {"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": 5}]}

    error = http.post(service.url + CHAT, json=body).json()["error"]

    assert error["param"] == "messages[1].content"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_is_not_declared_as_json_is_a_415(service: Service, content_type: str):
    response = http.post(service.url + CHAT, content=json.dumps(ASK), headers={"content-type": content_type})

    assert response.status_code == 415
    assert "content-type: application/json" in response.json()["error"]["message"]


def test_a_body_over_the_limit_is_a_413_in_the_log_too(service: Service):
    chunks = (b"x" * 65_536 for _ in range(40))  # without a content-length

    declared = http.post(service.url + CHAT, content=b"x" * (2 * 1024 * 1024 + 1), headers=JSON)
    undeclared = http.post(service.url + CHAT, content=chunks, headers=JSON)

    assert [declared.status_code, undeclared.status_code] == [413, 413]
    assert declared.json()["error"]["code"] == "body_too_large"
    assert [event.status for event in service.log.of(RequestFinished)] == [RequestStatus.REJECTED] * 2


def test_a_refused_request_is_logged_as_rejected_under_its_id(service: Service):
    http.post(service.url + CHAT, json={"messages": 1}, headers={"x-request-id": "mine-1"})

    [event] = service.log.events
    assert isinstance(event, RequestFinished)
    assert (event.request_id, event.status, event.reason) == ("mine-1", RequestStatus.REJECTED, Reason.BAD_REQUEST)
    assert (event.provider, event.attempts, event.fallbacks, event.wasted_ms) == (None, 0, 0, 0.0)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", CHAT, 405, "method_not_allowed"),
        ("OPTIONS", CHAT, 405, "method_not_allowed"),
    ],
)
def test_an_unknown_path_or_method_is_answered_in_json(
    service: Service, method: str, path: str, status: int, code: str
):
    response = http.request(method, service.url + path)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert service.log.events == []


def test_the_openapi_document_describes_the_bodies_and_stands_by_itself(service: Service):
    document = http.get(f"{service.url}/openapi.json").json()

    schemas = {
        path: operation["post"]["requestBody"]["content"]["application/json"]["schema"]
        for path, operation in document["paths"].items()
        if "post" in operation
    }
    assert set(schemas) == {CHAT, QUESTIONS}
    assert schemas[CHAT]["properties"]["messages"]["items"]["required"] == ["role"]
    assert "$ref" not in json.dumps(document)


@pytest.mark.parametrize("request_id", ["a", "A.b_c-9", "x" * 64])
def test_a_sound_request_id_is_kept_everywhere(service: Service, request_id: str):
    response = http.post(service.url + CHAT, json=ASK, headers={"x-request-id": request_id})

    assert response.headers["x-request-id"] == request_id
    assert {event.request_id for event in service.log.of(AttemptFinished, RequestFinished)} == {request_id}


@pytest.mark.parametrize("request_id", ["", "x" * 65, "a b", 'a"b', "ä", "a;b", "{"])
def test_any_other_request_id_is_replaced(service: Service, request_id: str):
    response = http.post(service.url + CHAT, json=ASK, headers={"x-request-id": request_id.encode()})

    assert response.headers["x-request-id"].startswith("req-")


def test_a_fault_of_ours_is_a_500_without_details_and_its_traceback_shows_no_key(
    service: Service, caplog: pytest.LogCaptureFixture
):
    async def crash(_: httpx2.Request) -> httpx2.Response:
        raise RuntimeError(f"a bug that quotes {KEY}")

    service.network.behaviours["alpha"] = crash

    with caplog.at_level(logging.ERROR):
        response = http.post(service.url + CHAT, json=ASK, headers={"x-request-id": "mine-2"})

    assert response.status_code == 500
    assert "bug" not in response.text
    assert "request mine-2 failed" in caplog.text
    assert "RuntimeError: a bug that quotes ***" in caplog.text
    assert KEY not in caplog.text


def test_a_fault_of_ours_amid_a_stream_cuts_the_connection(service: Service):
    async def crash_late(_: httpx2.Request) -> httpx2.Response:
        async def body():
            yield pieces("alpha-model", "Hello")[0]
            raise RuntimeError("a bug")

        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    service.network.behaviours["alpha"] = crash_late

    received = b""
    with _post(service.url, CHAT, ASK | {"stream": True}) as connection:
        while chunk := connection.recv(65_536):
            received += chunk

    assert b"Hello" in received
    assert not received.endswith(b"0\r\n\r\n")  # the last chunk of a whole body
    assert b'"error"' in received
    assert b"a bug" not in received
    assert b"[DONE]" not in received


def _post(url: str, path: str, body: object) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=WAIT_S)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


ABANDONED = {
    "plain": (CHAT, ASK),
    "streamed": (CHAT, ASK | {"stream": True}),
    "questions": (QUESTIONS, {"statement": "Test", "context": {}}),
}


@pytest.mark.parametrize("case", ABANDONED)
def test_a_caller_who_goes_away_cancels_the_providers_call(service: Service, case: str):
    silent = Silent()
    service.network.behaviours["alpha"] = silent

    with _post(service.url, *ABANDONED[case]):
        assert silent.called.wait(WAIT_S)

    assert silent.cancelled.wait(WAIT_S)
    assert service.log.wait_for(RequestFinished).status is RequestStatus.CANCELLED
    assert [event.status for event in service.log.of(AttemptFinished)] == [AttemptStatus.CANCELLED]


def test_a_caller_who_goes_away_amid_the_stream_cancels_it_too(service: Service, caplog: pytest.LogCaptureFixture):
    silent = Silent(*pieces("alpha-model", "Hello from")[:2])
    service.network.behaviours["alpha"] = silent

    with _post(service.url, CHAT, ASK | {"stream": True}) as connection:
        assert silent.called.wait(WAIT_S)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")

    assert silent.cancelled.wait(WAIT_S)
    assert service.log.wait_for(RequestFinished).status is RequestStatus.CANCELLED
    assert caplog.text == ""


def test_a_caller_who_goes_away_before_the_body_is_whole_leaves_no_trace(
    service: Service, caplog: pytest.LogCaptureFixture
):
    host, port = service.url.removeprefix("http://").split(":")
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"

    with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
        connection.sendall(head.encode() + b'{"messages"')
    after = http.post(service.url + CHAT, json=ASK)

    assert after.status_code == 200
    assert caplog.text == ""


def test_a_deadline_is_a_504_and_leaves_nothing_running():
    short = DeadlinePolicy(attempt_s=5, request_s=0.05)
    config = two_providers()
    config = Config(providers=config.providers, retry=config.retry, deadline=short)
    silent, log = Silent(), Log()

    with serving(create_app(config, log.emit, transport=Network(alpha=silent, beta=silent))) as url:
        response = http.post(url + CHAT, json=ASK)

    assert (response.status_code, response.json()["error"]["code"]) == (504, "deadline_exceeded")
    assert response.headers["x-should-retry"] == "false"
    assert silent.cancelled.is_set()


def test_a_full_chain_is_a_503_that_says_when_to_come_back():
    config = two_providers()
    config = Config(providers=config.providers, retry=config.retry, load=LoadPolicy(concurrency=1, queue=0))
    alpha, beta = Silent(), Silent()

    with serving(create_app(config, Log().emit, transport=Network(alpha=alpha, beta=beta))) as url, ExitStack() as held:
        for silent in (alpha, beta):
            held.enter_context(_post(url, CHAT, ASK))
            assert silent.called.wait(WAIT_S)
        response = http.post(url + CHAT, json=ASK)

    assert (response.status_code, response.json()["error"]["code"]) == (503, "providers_exhausted")
    assert [step["reason"] for step in response.json()["error"]["tried"]] == ["overloaded"] * 2
    assert response.headers["retry-after"] == "1"
    assert "x-should-retry" not in response.headers


def test_a_caller_who_takes_nothing_is_let_go(service: Service, caplog: pytest.LogCaptureFixture):
    async def flood(_: httpx2.Request) -> httpx2.Response:
        return event_stream(*pieces("alpha-model", " ".join(["x" * 50_000] * 200)))

    config = two_providers()
    patience = DeadlinePolicy(stall_s=0.2)
    config = Config(providers=config.providers, retry=config.retry, deadline=patience)
    log = Log()

    with (
        serving(create_app(config, log.emit, transport=Network(alpha=flood))) as url,
        _post(url, CHAT, ASK | {"stream": True}) as connection,
    ):
        ended = log.wait_for(RequestFinished)  # while nobody reads
        assert connection.recv(15) == b"HTTP/1.1 200 OK"

    assert ended.status is RequestStatus.CANCELLED
    assert [event.status for event in log.of(AttemptFinished)] == [AttemptStatus.CANCELLED]


@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_tells_what_it_took(service: Service, streamed: bool):
    service.network.behaviours |= {"alpha": fails(503), "beta": fails(401)}

    response = http.post(service.url + CHAT, json=ASK | {"stream": streamed})

    assert response.status_code == 503
    assert (response.headers["x-metis-attempts"], response.headers["x-metis-fallbacks"]) == ("2", "1")


def test_a_pipelined_second_request_does_not_look_like_an_end_of_the_first(service: Service):
    content = json.dumps(ASK).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    host, port = service.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=WAIT_S) as connection:
        connection.sendall((head.encode() + content) * 2)
        received = b""
        while received.count(b"Hello from alpha") < 2:
            received += (chunk := connection.recv(65_536))
            assert chunk

    assert received.count(b"HTTP/1.1 200") == 2


def test_a_stream_that_arrives_in_one_piece_is_passed_on_piece_by_piece(service: Service):
    async def whole(_: httpx2.Request) -> httpx2.Response:
        return event_stream(b"".join(pieces("alpha-model", "Hello there")) + b"data: [DONE]\n\n")

    service.network.behaviours["alpha"] = whole

    text = http.post(service.url + CHAT, json=ASK | {"stream": True}).text

    assert text.count("data: ") == 4
    assert text.endswith("data: [DONE]\n\n")
