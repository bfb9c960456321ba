"""The drills that the runbook names under "Testing Resiliency"."""

import pytest

from resilience.chat import Answer
from resilience.client import Client
from resilience.events import AttemptFinished
from tests.resilience.scripted import HELLO, Events, config, play
from tests.security.fake_malicious_provider import FakeFailingProvider


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
