"""Attempts to get in: nobody without the right token changes or sees anything, and nothing tells a secret."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from resilience.errors import ConfigError
from resilience.service.control_door import FAILURES_PER_MINUTE
from resilience.tokens import tokens_in
from tests.resilience.control_kit import ENV, EXPIRED, KEYS, OPERATOR, PATH, VIEWER, Service, controlled
from tests.resilience.service_kit import http

BODY = {"version": 1, "reason": "mine", "order": ["beta", "alpha"]}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with controlled(tmp_path_factory.mktemp("door"), ENV, tokens=True) as running:
        yield running


@pytest.fixture
def service(shared: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr("resilience.service.control_door.FAILURES_PER_MINUTE", 10_000)
    shared.token = OPERATOR
    before = shared.document(), shared.env.read_text(), len(shared.log.events)
    yield shared
    shared.token = OPERATOR
    assert (shared.document(), shared.env.read_text(), len(shared.log.events)) == before


def raw(service: Service, *lines: bytes, body: bytes = b"") -> int:
    """A request byte by byte; its status."""
    at = urlsplit(service.url)
    with socket.create_connection((at.hostname, at.port), timeout=10) as wire:
        wire.sendall(b"\r\n".join((*lines, b"connection: close", b"content-length: %d" % len(body), b"", body)))
        return int(wire.recv(65536).split(b" ")[1])


WRONG = {
    "no token": {},
    "a wrong one": {"authorization": "Bearer op-0123456789abcdeX"},
    "an expired one": {"authorization": f"Bearer {EXPIRED}"},
    "another scheme": {"authorization": f"Basic {OPERATOR}"},
    "no scheme": {"authorization": OPERATOR},
    "a prefix": {"authorization": f"Bearer {OPERATOR[:-1]}"},
    "a cookie": {"cookie": f"token={OPERATOR}"},
    "another header": {"x-api-key": OPERATOR},
    "nothing after the scheme": {"authorization": "Bearer"},
    "bytes": {"authorization": "Bearer \xff\xfe\xfd"},
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "way", ["GET /state", "GET /checks", "POST /order", "POST /preview", "POST /circuits/alpha/isolate"]
)
def test_without_a_valid_token_every_way_is_shut(service: Service, headers: dict[str, str], way: str):
    method, path = way.split()
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}

    answer = http.request(method, service.url + PATH + path, json=BODY if method == "POST" else None, headers=encoded)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "unauthorized"
    assert OPERATOR not in answer.text


def test_a_token_in_the_query_or_given_twice_counts_for_nothing(service: Service):
    query = http.get(f"{service.url}{PATH}/state?token={OPERATOR}&authorization=Bearer+{OPERATOR}")
    line = f"authorization: Bearer {OPERATOR}".encode()
    twice = raw(service, b"GET /api/v53/control/state HTTP/1.1", b"host: x", line, line)

    assert (query.status_code, twice) == (401, 401)


def test_a_viewer_sees_and_does_not_act(service: Service):
    service.token = VIEWER

    state = service.get().json()
    answers = [
        service.post(path, BODY)
        for path in ("/order", "/settings", "/circuits/alpha/reset", "/guards/pii", "/undo", "/preview")
    ]

    assert (state["name"], state["role"]) == ("vera", "viewer")
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["error"]["code"] for answer in answers} == {"operator_only"}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:8501", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_page_of_another_origin_is_refused_even_with_a_token(service: Service, headers: dict[str, str]):
    state, order = service.get("/state", **headers), service.post("/order", BODY, **headers)
    preflight = http.options(
        service.url + PATH + "/order", headers={"access-control-request-method": "POST", **headers}
    )

    assert (state.status_code, order.status_code) == (403, 403)
    assert preflight.status_code in (403, 405)
    for answer in (state, order, preflight):
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_body_that_is_no_json_too_large_or_too_deep_is_refused(service: Service):
    url, token = service.url + PATH + "/order", {"authorization": f"Bearer {OPERATOR}"}
    plain = token | {"content-type": "application/json"}
    deep = b'{"version":1,"reason":"x","order":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    large = json.dumps(BODY | {"reason": "x" * 70_000}).encode()

    statuses = {
        "text": http.post(url, content=json.dumps(BODY), headers=token | {"content-type": "text/plain"}).status_code,
        "form": http.post(url, data={"version": "1"}, headers=token).status_code,
        "no type": http.post(url, content=json.dumps(BODY), headers=token).status_code,
        "large": http.post(url, content=large, headers=plain).status_code,
        "large and untold": http.post(url, content=iter([large]), headers=plain).status_code,
        "deep": http.post(url, content=deep, headers=plain).status_code,
        "a list": http.post(url, content=b"[]", headers=plain).status_code,
        "no UTF-8": http.post(url, content=b'{"reason":"\xff"}', headers=plain).status_code,
        "half a pair": http.post(
            url, content=b'{"version":1,"reason":"\\ud800","order":["beta"]}', headers=plain
        ).status_code,
        "twice": http.post(url, content=b'{"version":true,"reason":"x","order":["beta"]}', headers=plain).status_code,
        "huge number": http.post(url, content=b'{"version":' + b"9" * 5000 + b"}", headers=plain).status_code,
    }

    assert statuses == {
        "text": 415, "form": 415, "no type": 415, "large": 413, "large and untold": 413, "deep": 400, "a list": 400,
        "no UTF-8": 400, "half a pair": 400, "twice": 400, "huge number": 400,
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        b"/circuits/..%2f/reset", b"/circuits/%2e%2e/reset", b"/circuits/../reset", b"/circuits/alpha%00/reset",
        b"/circuits/alpha%0d%0ax-evil:1/reset", b"/circuits//reset", b"/circuits/ALPHA/reset", b"/guards/..%2f..%2fstate",
        b"/circuits/" + b"a" * 5000 + b"/reset", b"/circuits/%ff/reset", b"/order/", b"/../control/order;x",
    ],
)  # fmt: skip
def test_tricks_in_the_path_lead_nowhere(service: Service, path: bytes):
    lines = [b"host: x", b"content-type: application/json", b"authorization: Bearer " + OPERATOR.encode()]

    status = raw(service, b"POST /api/v53/control" + path + b" HTTP/1.1", *lines, body=b'{"version":1,"reason":"x"}')

    assert status in (307, 400, 404), status


def test_a_request_id_and_a_reason_bring_no_header_and_no_line_in(service: Service):
    answer = service.post("/order", BODY | {"reason": "x\r\nx-evil: 1"}, **{"x-request-id": "a b"})

    assert answer.status_code == 400
    assert "x-evil" not in answer.headers
    assert answer.headers["x-request-id"].startswith("req-")


def test_too_many_wrong_tokens_from_one_address_have_to_wait(tmp_path: Path):
    with controlled(tmp_path, ENV, tokens=True) as service:
        service.token = "wrong-0123456789abcdef"
        first = [service.get().status_code for _ in range(FAILURES_PER_MINUTE)]
        limited = service.get()
        service.token = OPERATOR
        still = service.get()

    assert set(first) == {401}
    assert (limited.status_code, still.status_code) == (429, 429)
    assert 1 <= int(limited.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8000"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"host": "localhost@evil.example"}, 403),
        ({"host": "[::1"}, 403),
        ({"host": ""}, 403),
        ({"x-forwarded-for": "203.0.113.9"}, 403),
        ({"via": "1.1 proxy"}, 403),
    ],
)
def test_without_tokens_only_this_machine_gets_in_and_under_its_own_name(
    local: Service, headers: dict[str, str], status: int
):
    assert local.get("/state", **headers).status_code == status


def test_without_tokens_a_peer_elsewhere_is_refused(local: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("resilience.service.control_door.is_loopback", lambda host: host == "localhost")

    assert local.get("/state", host="localhost").status_code == 403


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with controlled(tmp_path_factory.mktemp("local"), ENV) as running:
        yield running


def test_no_answer_no_event_and_no_file_tells_a_key_or_a_token(tmp_path: Path):
    with controlled(tmp_path, ENV, tokens=True) as service:
        service.change("/order", order=["beta", "alpha"])
        service.change("/order", order=["nobody"])
        service.get("/checks")
        service.change("/settings", settings={"ALPHA_API_KEY": "sk-new-secret-value", "METIS_CONTROL_TOKENS": "x"})
        everything = "".join(service.answers) + repr(service.log.events) + service.state.read_text()
        everything += http.get(service.url + "/metrics").text + http.get(service.url + "/openapi.json").text

    for secret in (*KEYS, OPERATOR, VIEWER, EXPIRED, "sk-new-secret-value"):
        assert secret not in everything


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ops:operator", "entry 1 has 2 parts"),
        ("ops:operator:short", "16 characters"),
        ("ok:viewer:0123456789abcdef,ops:admin:fedcba9876543210", "entry 2"),
        ("Ops:operator:fedcba9876543210", "entry 1"),
        ("ops:operator:fedcba9876543210:2026-13-01", "YYYY-MM-DD"),
        ("ops:operator:fedcba9876543210:20260101", "YYYY-MM-DD"),
        ("a:viewer:fedcba9876543210,b:operator:fedcba9876543210", "entry 2 repeats"),
        ("ops:operator:fedcba987654321é", "16 characters"),
    ],
)
def test_a_wrong_entry_is_named_by_its_number_and_never_shown(text: str, words: str):
    with pytest.raises(ConfigError, match="METIS_CONTROL_TOKENS must hold") as caught:
        tokens_in(text)

    assert words in str(caught.value)
    assert "fedcba98" not in str(caught.value)
