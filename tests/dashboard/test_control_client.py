"""The control API's client against the contract: on a real socket, and against answers that no service should give."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from dashboard.control.client import ControlClient
from dashboard.control.latest import Latest
from dashboard.control.values import (
    Check,
    ControlState,
    Done,
    Invalid,
    Preview,
    Refused,
    Role,
    Stale,
    Unauthorised,
    Unreachable,
)
from tests.dashboard.control_api import ControlApi, serving

TOKEN = "0123456789abcdef"


@pytest.fixture
def api() -> ControlApi:
    return ControlApi()


@pytest.fixture
def client(api: ControlApi) -> Iterator[ControlClient]:
    with serving(api) as url:
        found = ControlClient(url)
        yield found
        found.close()


def order(version: int, *names: str, **more: Any) -> dict[str, Any]:
    return {"version": version, "reason": "test", "order": list(names)} | more


def test_the_state_is_read_whole(client: ControlClient, api: ControlApi) -> None:
    api.open_circuit("openrouter")

    state = client.state()

    assert isinstance(state, ControlState)
    assert (state.version, state.role, state.order) == (1, Role.OPERATOR, tuple(api.order))
    circuit = state.providers[0].circuit
    assert circuit is not None
    assert (circuit.state, circuit.cause, circuit.failures) == ("OPEN", "threshold", 3)


def test_a_change_is_made_once_for_one_key(client: ControlClient, api: ControlApi) -> None:
    body = order(1, "anthropic", "openrouter")

    first, again = (client.change("/order", body, "key-00000001") for _ in range(2))

    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (first.version, first.replayed, again.version, again.replayed) == (2, False, 2, True)
    assert len(api.seen) == 1
    assert isinstance(client.change("/order", order(2, "openai"), "key-00000001"), Invalid)


def test_somebody_elses_change_comes_back_with_who_what_and_when(client: ControlClient, api: ControlApi) -> None:
    api.set_order(["openai"], "other@example.org", "drill")

    answer = client.change("/order", order(1, "anthropic"), "key-00000001")

    assert isinstance(answer, Stale)
    assert answer.version == 2
    assert [(each.actor, each.reason, each.changes[0][2]) for each in answer.between] == [
        ("other@example.org", "drill", "openai")
    ]


def test_a_refusal_says_its_code_and_whether_it_can_be_forced(client: ControlClient, api: ControlApi) -> None:
    api.refuses = "primary_circuit_open"

    refused = client.change("/order", order(1, "anthropic"), "key-00000001")
    forced = client.change("/order", order(1, "anthropic", force=True), "key-00000002")
    not_isolated = client.change("/circuits/openai/release", {"version": 2, "reason": "x", "force": True}, "key-3-long")

    assert refused == Refused("primary_circuit_open", "refused: primary_circuit_open", forceable=True)
    assert isinstance(forced, Done)
    assert not_isolated == Refused("not_isolated", "openai is not isolated", forceable=False)


def test_a_preview_changes_nothing_and_names_a_bad_value(client: ControlClient, api: ControlApi) -> None:
    good = client.preview({"action": "order", **order(1, "anthropic")})
    bad = client.preview(
        {"action": "settings", "version": 1, "reason": "x", "settings": {"METIS_LLM_CIRCUIT_THRESHOLD": "many"}}
    )

    assert isinstance(good, Preview)
    assert good.sentences == ("The next request goes to anthropic.",)
    assert isinstance(bad, Invalid)
    assert bad.param == "METIS_LLM_CIRCUIT_THRESHOLD"
    assert api.version == 1


def test_checks_may_be_undecided(client: ControlClient) -> None:
    answer = client.checks()

    assert isinstance(answer, tuple)
    assert answer[2] == Check("reach openrouter", None, "not asked")


def test_the_token_is_sent_as_a_header_and_a_wrong_one_is_said(api: ControlApi) -> None:
    api.token = TOKEN
    with serving(api) as url:
        right, wrong = ControlClient(url, TOKEN), ControlClient(url, "fedcba9876543210")

        answers = (right.state(), wrong.state())

        right.close()
        wrong.close()
    assert isinstance(answers[0], ControlState)
    assert answers[1] == Unauthorised("a token is needed")
    assert api.asked[0] == ("GET", "/state", f"Bearer {TOKEN}")


def test_where_nothing_listens_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = ControlClient(f"http://127.0.0.1:{taken.getsockname()[1]}")

        answer = client.change("/order", order(1, "anthropic"), "key-00000001")

    assert isinstance(answer, Unreachable)
    assert not answer.unsure


def answering(reply: Callable[[httpx2.Request], httpx2.Response]) -> ControlClient:
    return ControlClient("http://control.example", TOKEN, httpx2.MockTransport(reply))


def test_a_change_without_an_answer_may_have_been_made() -> None:
    def late(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("late", request=request)

    client = answering(late)

    assert client.change("/order", order(1, "anthropic"), "key-00000001") == Unreachable("no answer within 6 s", True)
    assert client.state() == Unreachable("no answer within 3 s", False)


def test_a_redirect_is_not_followed() -> None:
    asked = []

    def elsewhere(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return httpx2.Response(307, headers={"location": "http://other.example/"})

    assert isinstance(answering(elsewhere).state(), Unreachable)
    assert asked == ["control.example"]


STATE = ControlApi().state()


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "<html>",
        STATE | {"version": "1"},
        STATE | {"version": True},
        STATE | {"role": "admin"},
        STATE | {"order": ["<img src=x>"]},
        STATE | {"order": ["openai", "openai"]},
        STATE | {"providers": [STATE["providers"][0] | {"key": "maybe"}]},
        STATE | {"providers": [STATE["providers"][0] | {"circuit": {"state": "AJAR"}}]},
        STATE | {"settings": [STATE["settings"][0] | {"name": "x y"}]},
        STATE | {"changes": [{"version": 1}]},
        {key: value for key, value in STATE.items() if key != "guards"},
    ],
)
def test_an_answer_that_breaks_the_contract_is_no_answer(body: Any) -> None:
    answer = answering(lambda _: httpx2.Response(200, json=body)).state()

    assert isinstance(answer, Unreachable)
    assert "img" not in answer.message


def test_a_body_without_end_is_left() -> None:
    assert isinstance(answering(lambda _: httpx2.Response(200, content=b"[" * 3_000_000)).state(), Unreachable)


@pytest.mark.parametrize("status", [301, 404, 418, 500, 503])
def test_other_answers_are_told_by_their_status(status: int) -> None:
    answer = answering(lambda _: httpx2.Response(status, content=b"<b>no</b>")).state()

    assert answer == Unreachable(f"the answer was HTTP {status}")


def test_a_fault_of_the_service_that_says_what_it_is_is_a_refusal() -> None:
    error = {
        "error": {"message": ".env cannot be written", "type": "server_error", "param": None, "code": "cannot_write"}
    }

    answer = answering(lambda _: httpx2.Response(503, json=error)).change(
        "/order", order(1, "anthropic"), "key-00000001"
    )

    assert answer == Refused("cannot_write", ".env cannot be written", forceable=False)


def test_too_many_tries_say_how_long_to_wait() -> None:
    answer = answering(lambda _: httpx2.Response(429, headers={"retry-after": "17"})).state()

    assert answer == Unauthorised("HTTP 429", 17.0)


def test_nobody_waits_for_an_answer_that_is_asked_for_again() -> None:
    now, gate, asked = [0.0], threading.Event(), []

    def ask() -> int:
        gate.wait(5)
        asked.append(now[0])
        return len(asked)

    with ThreadPoolExecutor(1) as pool:
        latest = Latest(ask, pool, clock=lambda: now[0])
        assert latest.get(1.0) is None
        assert latest.get(1.0) is None
        gate.set()
        assert latest.fresh(5) is not None
        now[0] = 2.0
        held = latest.get(5.0)

    assert held is not None
    assert (held.value, held.age_s, len(asked)) == (1, 2.0, 1)
