"""What the simulated providers say over real sockets, read by the official clients with strict validation."""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from resilience.simulator.behaviour import Behaviour
from resilience.simulator.servers import Servers

QUICK = Behaviour.of("ok", latency_s=0.01)
CHAT_PROVIDERS = ("openrouter", "deepseek", "openai")
HELLO: Any = [{"role": "user", "content": "Shorten this sentence."}]


class Stage:
    """Servers and official clients on one event loop, shared by the tests of this file."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.servers = Servers()
        self.chats: dict[str, openai.AsyncOpenAI] = {}
        self.messages: anthropic.AsyncAnthropic
        self.raw = httpx2.AsyncClient(verify=False)  # loopback: no certificates to load

    async def open(self) -> None:
        await self.servers.__aenter__()
        common: Any = {
            "api_key": "simulated",
            "max_retries": 0,
            "http_client": self.raw,
            "_strict_response_validation": True,
        }
        for name in CHAT_PROVIDERS:
            self.chats[name] = openai.AsyncOpenAI(base_url=self.servers.base_url(name), **common)
        self.messages = anthropic.AsyncAnthropic(base_url=self.servers.base_url("anthropic"), **common)

    async def close(self) -> None:
        await self.raw.aclose()
        await self.servers.__aexit__()

    def ask_chat(self, behaviour: Behaviour, provider: str = "openai", **parameters: Any) -> Any:
        self.servers.set(provider, behaviour)
        create = self.chats[provider].chat.completions.create
        return self._whole(create(model="some-model", messages=HELLO, **parameters))

    def ask_messages(self, behaviour: Behaviour, **parameters: Any) -> Any:
        self.servers.set("anthropic", behaviour)
        create: Any = self.messages.messages.create
        return self._whole(create(model="some-model", messages=HELLO, **({"max_tokens": 400} | parameters)))

    def post(self, url: str, body: Any, **headers: str) -> httpx2.Response:
        return self.runner.run(self.raw.post(url, json=body, headers=headers))

    def _whole(self, answer: Any) -> Any:
        """The answer; of a stream, the list of its parts."""

        async def main() -> Any:
            value = await answer
            return [part async for part in value] if hasattr(value, "__aiter__") else value

        return self.runner.run(main())


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with stage.runner:
        stage.runner.run(stage.open())
        yield stage
        stage.runner.run(stage.close())


@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_the_openai_client_reads_a_plain_answer(stage: Stage, provider: str) -> None:
    answer = stage.ask_chat(QUICK, provider)

    assert answer.choices[0].message.content.endswith(".")
    assert (answer.model, answer.choices[0].finish_reason) == ("some-model", "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert getattr(answer, "provider", None) == ("xAI" if provider == "openrouter" else None)


@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_the_openai_client_reads_a_stream_with_its_usage(stage: Stage, provider: str) -> None:
    chunks = stage.ask_chat(QUICK, provider, stream=True, stream_options={"include_usage": True})

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert text.endswith(".")
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-2:] == [None, "stop"]
    assert chunks[-1].usage.completion_tokens == -(-len(text) // 4)


def test_usage_comes_in_a_stream_only_if_asked_for_but_from_openrouter_always(stage: Stage) -> None:
    streams = [stage.ask_chat(QUICK, provider, stream=True) for provider in CHAT_PROVIDERS]

    assert [any(chunk.usage for chunk in chunks) for chunks in streams] == [True, False, False]


def test_a_stream_has_keep_alive_comments_and_ends_with_done(stage: Stage) -> None:
    stage.servers.set("openrouter", QUICK)

    response = stage.post(
        stage.servers.base_url("openrouter") + "/chat/completions",
        {"model": "some-model", "messages": HELLO, "stream": True},
        authorization="Bearer simulated",
    )

    assert response.text.startswith(": OPENROUTER PROCESSING\n\n")
    assert response.text.endswith("data: [DONE]\n\n")


def test_the_anthropic_client_reads_a_plain_answer(stage: Stage) -> None:
    message = stage.ask_messages(QUICK)

    assert message.content[0].text.endswith(".")
    assert (message.model, message.stop_reason) == ("some-model", "end_turn")
    assert message.usage.output_tokens == -(-len(message.content[0].text) // 4)


def test_the_anthropic_client_reads_a_stream_event_by_event(stage: Stage) -> None:
    events = stage.ask_messages(QUICK, stream=True)

    kinds = [event.type for event in events]
    text = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    assert kinds[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert kinds[-4:] == ["content_block_delta", "content_block_stop", "message_delta", "message_stop"]
    assert events[-2].delta.stop_reason == "end_turn"
    assert events[-2].usage.output_tokens == -(-len(text) // 4)


def test_an_answer_longer_than_max_tokens_is_cut_and_says_so(stage: Stage) -> None:
    answer = stage.ask_chat(QUICK, max_tokens=3)
    message = stage.ask_messages(QUICK, max_tokens=3)

    assert (answer.choices[0].finish_reason, answer.usage.completion_tokens) == ("length", 3)
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 3)


@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (408, openai.APIStatusError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (502, openai.InternalServerError),
        (503, openai.InternalServerError),
        (504, openai.InternalServerError),
    ],
)
def test_errors_reach_the_openai_client_as_its_own(
    stage: Stage, status: int, error: type[openai.APIStatusError], provider: str
) -> None:
    with pytest.raises(error) as caught:
        stage.ask_chat(Behaviour.of("error", status=status, latency_s=0.0), provider)

    assert caught.value.status_code == status


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (408, anthropic.APIStatusError, "timeout_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (502, anthropic.InternalServerError, None),
        (503, anthropic.InternalServerError, "api_error"),
        (504, anthropic.InternalServerError, "timeout_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
def test_errors_reach_the_anthropic_client_as_its_own(
    stage: Stage, status: int, error: type[anthropic.APIStatusError], kind: str | None
) -> None:
    with pytest.raises(error) as caught:
        stage.ask_messages(Behaviour.of("error", status=status, latency_s=0.0))

    body = caught.value.body
    assert caught.value.status_code == status
    assert (body["error"]["type"] if isinstance(body, dict) else None) == kind


def test_a_rate_limit_says_when_to_come_back(stage: Stage) -> None:
    behaviour = Behaviour.of("error", status=429, latency_s=0.0, retry_after_s=1.5)

    with pytest.raises(openai.RateLimitError) as limited:
        stage.ask_chat(behaviour)
    with pytest.raises(anthropic.RateLimitError) as also_limited:
        stage.ask_messages(behaviour)

    assert limited.value.response.headers["retry-after"] == "2"
    assert limited.value.response.headers["retry-after-ms"] == "1500"
    assert also_limited.value.response.headers["retry-after"] == "2"


@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_too_long_a_prompt_is_a_bad_request_that_names_the_maximum(stage: Stage, provider: str) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length"):
        stage.ask_chat(Behaviour.of("context_length", latency_s=0.0), provider)


def test_too_long_a_prompt_is_a_bad_request_of_anthropic_s_too(stage: Stage) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        stage.ask_messages(Behaviour.of("context_length", latency_s=0.0))


def test_openrouter_reports_moderation_as_403_and_openai_as_400(stage: Stage) -> None:
    refused = Behaviour.of("content_filter", latency_s=0.0)

    with pytest.raises(openai.PermissionDeniedError) as moderated:
        stage.ask_chat(refused, "openrouter")
    with pytest.raises(openai.BadRequestError) as filtered:
        stage.ask_chat(refused, "openai")

    assert isinstance(moderated.value.body, dict)
    assert moderated.value.body["metadata"]["reasons"] == ["violence"]
    assert filtered.value.code == "content_filter"


def test_an_error_inside_a_200_has_openrouter_s_shape(stage: Stage) -> None:
    stage.servers.set("openrouter", Behaviour.of("error_in_200", status=429, latency_s=0.0))

    response = stage.post(
        stage.servers.base_url("openrouter") + "/chat/completions",
        {"model": "some-model", "messages": HELLO},
        authorization="Bearer simulated",
    )

    assert response.status_code == 200
    assert response.json()["error"]["code"] == 429
    assert response.json()["error"]["metadata"]["provider_name"] == "xAI"


@pytest.mark.parametrize("provider", CHAT_PROVIDERS)
def test_an_error_inside_a_stream_raises_in_the_openai_client(stage: Stage, provider: str) -> None:
    behaviour = Behaviour.of("error_in_stream", status=503, after=1, latency_s=0.01)

    with pytest.raises(openai.APIError):
        stage.ask_chat(behaviour, provider, stream=True)


def test_an_error_inside_a_stream_raises_in_the_anthropic_client(stage: Stage) -> None:
    behaviour = Behaviour.of("error_in_stream", status=529, after=1, latency_s=0.01)

    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        stage.ask_messages(behaviour, stream=True)


def test_a_request_without_a_key_or_a_model_is_refused_by_a_healthy_provider(stage: Stage) -> None:
    stage.servers.set("openai", QUICK)
    stage.servers.set("anthropic", QUICK)
    chat = stage.servers.base_url("openai") + "/chat/completions"
    messages = stage.servers.base_url("anthropic") + "/v1/messages"
    key = {"authorization": "Bearer simulated"}
    other_key = {"x-api-key": "simulated", "anthropic-version": "2023-06-01"}
    whole = {"model": "some-model", "messages": HELLO}

    statuses = [
        stage.post(url, body, **headers).status_code
        for url, body, headers in (
            (chat, whole, {}),
            (chat, {"messages": HELLO}, key),
            (chat + "/other", whole, key),
            (messages, whole | {"max_tokens": 9}, {}),
            (messages, whole | {"max_tokens": 9}, {"x-api-key": "simulated"}),
            (messages, whole, other_key),
            (messages, whole | {"max_tokens": 9}, other_key),
        )
    ]

    assert statuses == [401, 400, 404, 401, 400, 400, 200]
