"""The drills that the runbook names under "Testing Resiliency", and providers that mean harm."""

import pytest

from resilience.chat import Answer, ChatRequest, Message
from resilience.client import Client
from resilience.errors import ResilienceError
from resilience.events import AttemptFinished, GuardTriggered, Origin, to_line
from tests.resilience.scripted import HELLO, Events, config, play
from tests.security.fake_malicious_provider import (
    INJECTED,
    LEAKED_EMAIL,
    LEAKED_KEY,
    MARKUP,
    FakeFailingProvider,
    FakeMaliciousProvider,
)


def drill(provider: FakeFailingProvider) -> tuple[Answer, list[str]]:
    """One request against one provider; the answer and how each attempt ended."""
    events = Events()

    async def main() -> Answer:
        async with Client(config(PROVIDER_ORDER="openrouter"), events.append, transport=provider) as client:
            return await client.chat(HELLO)

    answer = play(main)
    return answer, [str(event.status) for event in events if isinstance(event, AttemptFinished)]


def test_fake_failing_provider_retries() -> None:
    provider = FakeFailingProvider(failure_mode="503", fail_count=2)

    answer, attempts = drill(provider)

    assert answer.completion.text == "Hi"
    assert attempts == ["failed", "failed", "success"]
    assert provider.calls == 3


@pytest.mark.parametrize("failure_mode", ["429", "500", "timeout", "connect", "reset", "malformed"])
def test_each_passing_failure_is_retried_until_the_answer(failure_mode: str) -> None:
    answer, attempts = drill(FakeFailingProvider(failure_mode=failure_mode, fail_count=2))

    assert answer.completion.text == "Hi"
    assert attempts == ["failed", "failed", "success"]


def test_an_unknown_failure_mode_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match="got 'sulk'"):
        FakeFailingProvider(failure_mode="sulk", fail_count=1)


PROMPT = "Write to erika.muster@example.org about the harvest festival"
ASKED = ChatRequest((Message("user", PROMPT),))


def meet(behaviour: str, *, stream: bool) -> tuple[str, Events, FakeMaliciousProvider]:
    """One request to a provider that means harm; the text that came back, or the error's."""
    events, provider = Events(), FakeMaliciousProvider(behaviour)

    async def main() -> str:
        settings = config(PROVIDER_ORDER="openai", MAX_RETRIES="0")
        async with Client(settings, events.append, transport=provider) as client:
            try:
                if not stream:
                    return (await client.chat(ASKED)).completion.text
                async with client.stream(ASKED) as deltas:
                    return "".join([delta.text async for delta in deltas])
            except ResilienceError as exc:
                return f"{type(exc).__name__}: {exc}"

    return play(main), events, provider


def reported(events: Events) -> dict[str, dict[str, int]]:
    """What the guards said of the answer: counts by guard."""
    found = [event for event in events if isinstance(event, GuardTriggered) and event.where == "answer"]
    assert all(event.action == "flagged" for event in found)
    return {event.guard: dict(event.counts) for event in found}


def lines(events: Events) -> str:
    return "".join(to_line(event, 0.0, Origin("metis-backend", "test", 1)) for event in events)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_secrets_that_nobody_sent_are_reported_and_not_logged(stream: bool) -> None:
    text, events, _ = meet("leaks", stream=stream)

    assert LEAKED_KEY in text  # the answer is the caller's, as it came
    assert reported(events)["pii"] == {"SECRET": 1, "EMAIL": 1}
    assert LEAKED_KEY not in lines(events)
    assert LEAKED_EMAIL not in lines(events)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_instructions_in_an_answer_are_reported(stream: bool) -> None:
    text, events, _ = meet("injected", stream=stream)

    assert text == INJECTED
    assert list(reported(events)) == ["injection"]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_markup_is_passed_on_as_text_and_names_no_model_in_the_log(stream: bool) -> None:
    text, events, _ = meet("markup", stream=stream)

    assert text == MARKUP
    assert "<script" not in lines(events)
    assert "onerror" not in lines(events)


def test_what_a_provider_sends_back_of_the_prompt_is_no_news() -> None:
    text, events, provider = meet("echo", stream=False)

    assert "erika.muster" not in provider.bodies[0]
    assert "erika.muster@example.org" in text  # restored: it is the caller's own
    assert reported(events) == {}
    assert "harvest" not in lines(events)


def test_an_error_that_repeats_the_prompt_shows_none_of_it() -> None:
    text, events, _ = meet("error_echo", stream=False)

    assert text.startswith("RequestError: openai refused the request")
    assert "harvest" not in text + lines(events)


@pytest.mark.parametrize("behaviour", ["oversized", "malformed"])
def test_an_answer_that_is_none_is_a_failure_of_the_provider(behaviour: str) -> None:
    text, events, _ = meet(behaviour, stream=False)

    [attempt] = [event for event in events if isinstance(event, AttemptFinished)]
    assert text.startswith("ProvidersExhaustedError")
    assert attempt.reason == "malformed_response"


def test_an_unknown_behaviour_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match="got 'sulk'"):
        FakeMaliciousProvider("sulk")
