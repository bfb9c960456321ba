"""GET /api/v53/health."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from resilience.config import Provider
from resilience.events import ServiceStarted, ServiceStopped, State
from resilience.service.app import create_app
from resilience.service.health import status
from tests.resilience.service_kit import Log, Network, fails, http, serving, two_providers

ASK = {"messages": [{"role": "user", "content": "Say hello"}]}


def test_health_tells_the_chain_the_circuits_and_the_versions():
    base = two_providers(threshold=1)
    keyless = Provider("openai", "openai", "http://openai.test/v1", "gpt")
    config = replace(base, providers=(*base.providers, keyless), version=7)
    network = Network(alpha=fails(503))

    with serving(create_app(config, Log().emit, transport=network)) as url:
        before = http.get(f"{url}/api/v53/health")
        http.post(f"{url}/v1/chat/completions", json=ASK)
        after = http.get(f"{url}/api/v53/health").json()

    assert (before.status_code, before.json()["status"]) == (200, "ok")
    open_until = datetime.fromisoformat(after["chain"][0]["circuit"].pop("open_until"))
    assert 50 < (open_until - datetime.now(UTC)).total_seconds() <= 60
    assert after.pop("uptime_s") >= 0
    assert after.pop("version")
    assert after == {
        "status": "degraded",
        "primary": "alpha",
        "order": ["alpha", "beta"],
        "chain": [
            {
                "provider": "alpha",
                "model": "alpha-model",
                "primary": True,
                "key": "ok",
                "key_refused_at": None,
                "circuit": {"state": "OPEN", "failures": 1},
            },
            {
                "provider": "beta",
                "model": "beta-model",
                "primary": False,
                "key": "ok",
                "key_refused_at": None,
                "circuit": {"state": "CLOSED", "open_until": None, "failures": 0},
            },
            {
                "provider": "openai",
                "model": "gpt",
                "primary": False,
                "key": "missing",
                "key_refused_at": None,
                "circuit": None,
            },
        ],
        "circuits": {"alpha": "OPEN", "beta": "CLOSED"},
        "config_version": 7,
    }


def test_a_refused_key_is_told_with_its_time_until_an_answer_comes():
    network = Network(alpha=fails(401))

    with serving(create_app(two_providers(), Log().emit, transport=network)) as url:
        http.post(f"{url}/v1/chat/completions", json=ASK)
        refused = http.get(f"{url}/api/v53/health").json()["chain"]
        network.behaviours.clear()
        http.post(f"{url}/v1/chat/completions", json=ASK)
        good = http.get(f"{url}/api/v53/health").json()["chain"]

    assert [link["key"] for link in refused] == ["refused", "ok"]
    since = datetime.fromisoformat(refused[0]["key_refused_at"])
    assert 0 <= (datetime.now(UTC) - since).total_seconds() < 60
    assert [(link["key"], link["key_refused_at"]) for link in good] == [("ok", None)] * 2


@pytest.mark.parametrize(
    ("states", "word"),
    [
        ([State.CLOSED, State.CLOSED], "ok"),
        ([State.CLOSED, State.OPEN], "degraded"),
        ([State.HALF_OPEN, State.HALF_OPEN], "degraded"),
        ([State.OPEN, State.HALF_OPEN], "degraded"),
        ([State.OPEN, State.OPEN], "down"),
    ],
)
def test_the_status_sums_up_the_circuits(states: list[State], word: str):
    assert status(states) == word


def test_the_log_tells_the_services_life():
    log = Log()

    with serving(create_app(two_providers(), log.emit, transport=Network())):
        pass

    kinds = [event.kind for event in log.events]
    assert kinds == [
        "SERVICE_STARTED",
        "PROVIDER_INITIALIZED",
        "PROVIDER_INITIALIZED",
        "PROVIDERS_INITIALIZED",
        "SERVICE_STOPPED",
    ]
    assert {event.order for event in log.of(ServiceStarted, ServiceStopped)} == {("alpha", "beta")}
    settings = {"METIS_LLM_CIRCUIT_THRESHOLD": "1000", "METIS_LLM_MAX_RETRIES": "0", "METIS_LLM_RETRY_BASE_DELAY": "0"}
    assert [event.settings for event in log.of(ServiceStarted, ServiceStopped)] == [settings, settings]
