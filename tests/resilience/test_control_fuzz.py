"""Ten thousand random requests: made from the service's own OpenAPI document by schemathesis, then bent further.

Without the right, nothing changes; with it, nothing breaks; no answer tells a secret. The seed is printed.
"""

import contextlib
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from resilience.control.source import SETTABLE
from tests.resilience.control_kit import ENV, EXPIRED, KEYS, OPERATOR, PATH, VIEWER, Service, controlled
from tests.resilience.control_kit import settings as settings_of
from tests.resilience.service_kit import http

REQUESTS = int(os.environ.get("CONTROL_FUZZ_REQUESTS", "10000"))
GENERATED = int(os.environ.get("CONTROL_FUZZ_GENERATED", "1000"))
LIMIT_S = 40.0
SEED = int(os.environ.get("CONTROL_FUZZ_SEED", "53"))
SECRETS = (*KEYS, OPERATOR, VIEWER, EXPIRED)
WITHOUT_RIGHT = (None, "wrong-0123456789abcdef", VIEWER, EXPIRED)


def operations(url: str) -> list[Any]:
    document = http.get(url + "/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    return [found.ok() for found in schema.get_all_operations() if found.ok().path.startswith(PATH)]


def send(service: Service, method: str, path: str, body: Any, token: str | None, key: str | None) -> tuple[int, str]:
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    if key is not None:
        headers["idempotency-key"] = key.strip()
    text = body if isinstance(body, bytes) else json.dumps(body, default=str).encode("utf-8", "replace")
    content = None if method == "GET" else text
    answer = http.request(method, service.url + path, content=content, headers=headers)
    return answer.status_code, answer.text + repr(answer.headers)


def generated(ways: list[Any]) -> list[tuple[str, str, Any, str | None]]:
    """(method, path, body, idempotency key) as schemathesis makes them; a quarter of the bodies breaks the schema."""
    found: list[tuple[str, str, Any, str | None]] = []
    for way in ways:
        for mode, share in ((GenerationMode.POSITIVE, 3), (GenerationMode.NEGATIVE, 1)):

            @seed(SEED)
            @settings(
                max_examples=GENERATED * share // 4 // len(ways),
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=way.as_strategy(generation_mode=mode))
            def keep(case: Any) -> None:
                key = str((case.headers or {}).get("Idempotency-Key", ""))
                sendable = key if key.isascii() and key.isprintable() and key.strip() else None
                body = None if isinstance(case.body, NotSet) else case.body
                found.append((case.method, case.formatted_path, body, sendable))

            with contextlib.suppress(Unsatisfiable):
                keep()
    return found


HOSTILE = (
    None,
    True,
    -1,
    2**63,
    1e308,
    "",
    "\r\nx-evil: 1",
    "\x00",
    "../..",
    "a" * 300,
    [],
    {},
    [[]],
    "5",
    "METIS_HOST",
    "é‮",
)


def bent(body: Any, rng: random.Random) -> Any:
    """The body with one thing changed."""
    if not isinstance(body, dict) or not body:
        return rng.choice(HOSTILE)
    body = dict(body)
    name = rng.choice(list(body))
    match rng.randrange(4):
        case 0:
            del body[name]
        case 1:
            body[name] = rng.choice(HOSTILE)
        case 2:
            body[rng.choice(("force", "surprise", "version", "__proto__", "settings", "order", name.upper()))] = (
                rng.choice(HOSTILE)
            )
        case _ if isinstance(body[name], dict):
            body[name] = {
                **body[name],
                rng.choice(SETTABLE): rng.choice(("1", "x", "0", None, "5\nA=1", "1e999", "live")),
            }
        case _:
            body[name] = [body[name]]
    return body


def test_random_requests_change_nothing_without_right_and_break_nothing_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("resilience.service.control_door.FAILURES_PER_MINUTE", 10**9)
    rng = random.Random(SEED)
    statuses: dict[bool, Counter[int]] = {False: Counter(), True: Counter()}
    with controlled(tmp_path, ENV, tokens=True) as service:
        cases = generated(operations(service.url))
        document, text, told = service.document(), service.env.read_text(), len(service.log.events)
        began = time.monotonic()
        sent = 0
        while sent < REQUESTS and time.monotonic() - began < LIMIT_S:
            operator = sent >= REQUESTS // 2
            if sent == REQUESTS // 2:
                assert (service.document(), service.env.read_text(), len(service.log.events)) == (document, text, told)
            method, path, body, key = cases[sent % len(cases)] if sent < len(cases) else rng.choice(cases)
            if sent >= len(cases) and method == "POST":
                body = bent(body, rng)
            if operator and isinstance(body, dict) and rng.random() < 0.7:
                body = {**body, "version": service.document()["version"]}  # else nearly all are stale
            token = OPERATOR if operator else rng.choice(WITHOUT_RIGHT)
            status, answer = send(service, method, path, body, token, key)
            sent += 1
            statuses[operator][status] += 1
            assert status < 500, (path, body, answer)
            assert operator or method == "GET" or status in (401, 403, 404), (path, body, answer)
            assert not any(secret in answer for secret in SECRETS), (path, body, answer)
        took_s = time.monotonic() - began
        everything = repr(service.log.events) + service.state.read_text()
    print(f"seed {SEED}: {sent} requests from {len(cases)} generated ones in {took_s:.0f} s: {statuses}")
    assert not any(secret in everything for secret in SECRETS)
    assert settings_of(service.env).order
    assert statuses[True][200] > 0
