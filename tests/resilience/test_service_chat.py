"""POST /v1/chat/completions, asked by OpenAI's own client over a real socket."""

import json
from collections.abc import Iterator

import httpx2
import openai
import pytest

from resilience.events import RequestFinished, RequestStatus
from resilience.service.app import create_app
from tests.resilience.service_kit import (
    Log,
    Network,
    Service,
    answers,
    event_stream,
    fails,
    http,
    pieces,
    serving,
    shared_service,
    two_providers,
)

ASK = [{"role": "user", "content": "Say hello"}]


@pytest.fixture(scope="module")
def _shared() -> Iterator[Service]:
    with shared_service() as service:
        yield service


@pytest.fixture
def service(_shared: Service) -> Service:
    _shared.clear()
    return _shared


@pytest.fixture
def network(service: Service) -> Network:
    return service.network


@pytest.fixture
def log(service: Service) -> Log:
    return service.log


@pytest.fixture
def url(service: Service) -> str:
    return service.url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=2) as client:
        yield client


def test_a_plain_answer_names_the_provider_and_the_model_that_gave_it(client: openai.OpenAI, network: Network):
    network.behaviours["alpha"] = fails(503)

    raw = client.chat.completions.with_raw_response.create(model="whatever", messages=ASK)
    answer = raw.parse()

    assert answer.choices[0].message.content == "Hello from beta"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.model, answer.provider) == ("beta-model", "beta")
    assert answer.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
    }
    assert {name: raw.headers[name] for name in raw.headers if name.startswith("x-metis")} == {
        "x-metis-provider": "beta",
        "x-metis-attempts": "2",
        "x-metis-fallbacks": "1",
    }
    assert answer.id == f"chatcmpl-{raw.headers['x-request-id']}"


def test_every_parameter_that_is_understood_reaches_the_provider(client: openai.OpenAI, network: Network):
    client.chat.completions.create(
        model="whatever",
        messages=[
            {"role": "developer", "content": "Be brief"},
            {"role": "user", "content": [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello"}]},
        ],
        max_completion_tokens=50,
        temperature=0.5,
        top_p=0.9,
        stop="END",
        seed=42,
        n=1,
        user="someone",
        metadata={"team": "a"},
        tools=[],
        response_format={"type": "text"},
    )

    assert network.bodies == [
        {
            "model": "alpha-model",
            "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Say hello"}],
            "max_tokens": 50,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": ["END"],
            "seed": 42,
        }
    ]


def test_a_stream_gives_the_pieces_and_the_usage_that_was_asked_for(client: openai.OpenAI):
    with client.chat.completions.with_streaming_response.create(
        model="whatever", messages=ASK, stream=True, stream_options={"include_usage": True}
    ) as raw:
        provider = raw.headers["x-metis-provider"]
        chunks = list(raw.parse())

    assert provider == "alpha"
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hellofromalpha"
    assert [c.choices[0].finish_reason for c in chunks if c.choices] == [None, None, None, "stop"]
    assert [c.choices[0].delta.role for c in chunks if c.choices] == ["assistant", None, None, None]
    assert [c.usage.total_tokens for c in chunks if c.usage] == [10]
    assert chunks[-1].choices == []
    assert {(c.model, c.provider) for c in chunks} == {("alpha-model", "alpha")}


def test_the_streaming_helper_collects_the_whole_answer(client: openai.OpenAI):
    with client.chat.completions.stream(model="whatever", messages=ASK) as stream:
        stream.until_done()
        answer = stream.get_final_completion()

    assert answer.choices[0].message.content == "Hellofromalpha"


def test_a_stream_ends_with_done_on_the_wire(url: str):
    with http.stream("POST", f"{url}/v1/chat/completions", json={"messages": ASK, "stream": True}) as response:
        lines = [line for line in response.iter_lines() if line]

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert lines[-1] == "data: [DONE]"
    assert all("usage" not in json.loads(line.removeprefix("data: ")) for line in lines[:-1])


def test_a_stream_falls_back_before_its_first_content(client: openai.OpenAI, network: Network):
    network.behaviours["alpha"] = fails(500)

    chunks = list(client.chat.completions.create(model="whatever", messages=ASK, stream=True))

    assert {c.provider for c in chunks} == {"beta"}


def test_a_stream_that_is_cut_ends_with_an_error_and_without_done(
    client: openai.OpenAI, url: str, network: Network, log: Log
):
    async def cut(_: httpx2.Request) -> httpx2.Response:
        return event_stream(*pieces("alpha-model", "Hello from alpha")[:2])

    network.behaviours["alpha"] = cut

    with http.stream("POST", f"{url}/v1/chat/completions", json={"messages": ASK, "stream": True}) as response:
        lines = [line for line in response.iter_lines() if line]
    with pytest.raises(openai.APIError) as caught:
        list(client.chat.completions.create(model="whatever", messages=ASK, stream=True))

    error = json.loads(lines[-1].removeprefix("data: "))["error"]
    assert (error["code"], error["tried"]) == (
        "stream_broken",
        [{"provider": "alpha", "reason": "stream_interrupted"}],
    )
    assert "data: [DONE]" not in lines
    assert caught.value.code == "stream_broken"
    assert [event.status for event in log.of(RequestFinished)] == [RequestStatus.ERROR, RequestStatus.ERROR]


def test_an_exhausted_chain_is_a_503_that_lists_what_was_tried_and_is_not_multiplied(
    client: openai.OpenAI, network: Network
):
    network.behaviours |= {"alpha": fails(503), "beta": fails(401)}

    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="whatever", messages=ASK, extra_headers={"x-request-id": "req-1"})

    assert caught.value.status_code == 503
    assert caught.value.body["request_id"] == "req-1"
    assert caught.value.body["tried"] == [
        {"provider": "alpha", "reason": "server_error"},
        {"provider": "beta", "reason": "auth_error"},
    ]
    assert "upstream text" not in str(caught.value)
    assert len(network.bodies) == 2  # the client's own retries were called off


def test_an_open_circuit_tells_when_to_come_back():
    network = Network(alpha=fails(503), beta=fails(503))
    with serving(create_app(two_providers(threshold=2), Log().emit, transport=network)) as url:
        responses = [http.post(f"{url}/v1/chat/completions", json={"messages": ASK}) for _ in range(3)]

    assert "retry-after" not in responses[0].headers
    assert 55 <= int(responses[2].headers["retry-after"]) <= 60
    assert responses[2].json()["error"]["tried"][0] == {"provider": "alpha", "reason": "circuit_open"}


def test_a_refused_content_is_the_callers_400(client: openai.OpenAI, network: Network):
    network.behaviours["alpha"] = fails(400, {"code": "content_filter", "message": "upstream text"})

    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="whatever", messages=ASK)

    assert (caught.value.code, caught.value.param) == ("content_filter", "messages")


REFUSED = {
    "n": 2,
    "tools": [{"type": "function"}],
    "tool_choice": "required",
    "functions": [{}],
    "response_format": {"type": "json_object"},
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"50256": -100},
    "presence_penalty": 0.5,
    "frequency_penalty": 1,
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy"},
    "reasoning_effort": "low",
    "store": True,
    "web_search_options": {},
    "something_new": 1,
    "stream_options": {"include_usage": True},
    "temperature": 3,
    "max_tokens": 0,
    "seed": 1.5,
}


@pytest.mark.parametrize("param", REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name(client: openai.OpenAI, network: Network, log: Log, param: str):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="whatever", messages=ASK, extra_body={param: REFUSED[param]})

    assert caught.value.param == param
    assert network.bodies == []
    assert [event.status for event in log.of(RequestFinished)] == [RequestStatus.REJECTED]


MESSAGES = {
    "messages[0].role": {"role": "tool", "content": "x", "tool_call_id": "1"},
    "messages[0].content": {"role": "assistant", "content": None},
    "messages[0].tool_calls": {"role": "assistant", "content": "x", "tool_calls": [{"id": "1"}]},
    "messages[0].name": {"role": "user", "content": "x", "name": "Ann"},
    "messages[0].content[0]": {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
    "messages[0].content[0].cache_control": {
        "role": "user",
        "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
    },
}


@pytest.mark.parametrize("param", MESSAGES)
def test_a_message_that_cannot_be_passed_on_is_refused_by_place(client: openai.OpenAI, param: str):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="whatever", messages=[MESSAGES[param]])

    assert caught.value.param == param


def test_an_answer_can_be_sent_back_as_it_came(client: openai.OpenAI, network: Network):
    first = client.chat.completions.create(model="whatever", messages=ASK)

    second = client.chat.completions.create(
        model="whatever", messages=[*ASK, first.choices[0].message.model_dump(), {"role": "user", "content": "Again"}]
    )

    assert second.choices[0].message.content == "Hello from alpha"
    assert len(network.bodies[1]["messages"]) == 3


def test_half_a_surrogate_pair_of_a_provider_does_not_break_the_answer(client: openai.OpenAI, network: Network):
    network.behaviours["alpha"] = answers("broken \ud83d emoji")

    answer = client.chat.completions.create(model="whatever", messages=ASK)

    assert answer.choices[0].message.content.startswith("broken ")


def test_the_models_are_those_of_the_chain(client: openai.OpenAI):
    models = list(client.models.list())

    assert [(model.id, model.owned_by) for model in models] == [("alpha-model", "alpha"), ("beta-model", "beta")]
