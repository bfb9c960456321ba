"""The synchronous front, shared by threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from resilience.errors import ProvidersExhaustedError
from resilience.sync import SyncClient
from tests.resilience.scripted import HELLO, Events, ScriptedNetwork, config, error, openai_answer


def test_threads_share_one_chain() -> None:
    network = ScriptedNetwork(openrouter=[openai_answer("Hello")])
    events = Events()

    with SyncClient(config(), events.append, transport=network) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.chat(HELLO), range(50)))

    assert {answer.completion.text for answer in answers} == {"Hello"}
    assert len(events.of("LLM_REQUEST")) == 50


def test_errors_come_back_to_the_calling_thread() -> None:
    network = ScriptedNetwork(openrouter=[error(500)])
    settings = config(PROVIDER_ORDER="openrouter", MAX_RETRIES="0")

    with SyncClient(settings, Events().append, transport=network) as client, pytest.raises(ProvidersExhaustedError):
        client.chat(HELLO)


def test_before_its_start_it_says_what_is_missing() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        SyncClient(config(), Events().append).chat(HELLO)
