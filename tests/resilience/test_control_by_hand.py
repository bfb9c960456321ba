"""`.env` edited by hand while the service runs, and while it does not."""

from pathlib import Path

import pytest

from tests.resilience.control_kit import ENV, OPERATOR, VIEWER, controlled
from tests.resilience.service_kit import Behaviour, answers, http


def test_a_good_edit_a_bad_one_and_a_good_one_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    with controlled(tmp_path, ENV) as service:
        service.env.write_text(ENV.replace('"alpha,beta"', "beta"))
        service.until(lambda: service.document()["order"] == ["beta"], "the good edit")
        bad = ENV.replace('"alpha,beta"', "gamma") + "METIS_LLM_CIRCUIT_THRESHOLD=0\n"
        service.env.write_text(bad)
        problem = service.until(lambda: service.document()["env_file"]["problem"], "the problem")
        during = service.document()
        chat = service.chat()
        service.env.write_text(bad.replace("THRESHOLD=0", "THRESHOLD=4"))
        service.until(lambda: service.document()["order"] == ["gamma"], "the next good edit")
        after = service.document()

    assert "METIS_LLM_CIRCUIT_THRESHOLD must be a whole number from 1 to 1000, got '0'" in problem
    assert "the running settings stay" in problem
    assert (during["version"], during["order"], chat) == (2, ["beta"], "beta")
    assert (after["version"], after["env_file"]["problem"]) == (3, None)
    assert [(e.version, e.actor, e.origin, e.reason, len(e.changes)) for e in service.events("CONFIG_CHANGED")] == [
        (2, "env_file", "env_file", "edited by hand", 1),
        (3, "env_file", "env_file", "edited by hand", 2),
    ]
    assert capfd.readouterr().err.count("METIS_LLM_CIRCUIT_THRESHOLD must be") == 1


def test_a_mistake_in_the_file_can_be_mended_through_the_api_and_nothing_else_goes_through(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.env.write_text(ENV + "METIS_LLM_CIRCUIT_THRESHOLD=0 # oh\n")
        other = service.change("/order", order=["beta"])
        guard = service.change("/guards/pii", enabled=False)
        kept = service.env.read_text()
        mended = service.change("/settings", settings={"METIS_LLM_CIRCUIT_THRESHOLD": "2"})
        state = service.document()

    assert (other.status_code, other.json()["error"]["param"]) == (400, "METIS_LLM_CIRCUIT_THRESHOLD")
    assert guard.status_code == 200
    assert kept == ENV + "METIS_LLM_CIRCUIT_THRESHOLD=0 # oh\n"
    assert mended.status_code == 200
    assert state["env_file"]["problem"] is None
    assert service.env.read_text() == ENV + "METIS_LLM_CIRCUIT_THRESHOLD=2 # oh\n"


def test_our_own_write_and_a_changed_comment_are_no_changes(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/order", order=["beta", "alpha"])
        text = service.env.read_text()
        service.env.write_text("# a word\n" + text)
        service.change("/settings", settings={"METIS_LLM_MAX_RETRIES": "1"})

    assert service.env.read_text() == "# a word\n" + text.replace("MAX_RETRIES=0", "MAX_RETRIES=1")
    assert [event.version for event in service.events("CONFIG_CHANGED")] == [2, 3]


def test_an_edit_just_before_a_change_makes_the_version_stale(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        version = service.document()["version"]
        service.env.write_text(ENV.replace('"alpha,beta"', "gamma"))
        answer = service.post("/order", {"version": version, "reason": "mine", "order": ["beta"]})

    assert answer.status_code == 409
    assert [change["actor"] for change in answer.json()["error"]["between"]] == ["env_file"]


def test_an_editor_that_replaces_the_file_through_a_link_is_noticed(tmp_path: Path):
    real = tmp_path / "real"
    real.mkdir()
    (real / "settings").write_text(ENV)
    (tmp_path / ".env").symlink_to(real / "settings")
    with controlled(tmp_path) as service:
        (real / "new").write_text(ENV.replace('"alpha,beta"', "beta"))
        (real / "new").replace(real / "settings")
        service.until(lambda: service.document()["order"] == ["beta"])
        service.change("/order", order=["gamma"])

    assert (tmp_path / ".env").is_symlink()
    assert "gamma" in (real / "settings").read_text()


def test_a_key_a_model_and_a_new_provider_are_applied_live_and_no_key_is_told(tmp_path: Path):
    seen: list[str] = []

    def recording(text: str) -> Behaviour:
        inner = answers(text)

        async def behave(request):
            seen.append(request.headers.get("authorization", ""))
            return await inner(request)

        return behave

    with controlled(tmp_path, ENV) as service:
        service.network.behaviours |= {name: recording(name) for name in ("alpha", "delta")}
        service.chat()
        changed = ENV.replace("sk-alpha-secret", "sk-alpha-newer").replace("alpha-model", "alpha-2")
        service.env.write_text(changed)
        service.until(lambda: service.document()["version"] == 2)
        service.chat()
        delta = "METIS_LLM_DELTA_BASE_URL=http://delta.test/v1\nMETIS_LLM_DELTA_MODEL=d\n"
        service.env.write_text(changed.replace('"alpha,beta"', '"delta,alpha"') + delta)
        service.until(lambda: service.document()["order"] == ["delta", "alpha"])
        chat = service.chat()
        service.env.write_text(changed)
        service.until(lambda: service.document()["version"] == 4)
        told = [event.changes for event in service.events("CONFIG_CHANGED")]

    assert seen == ["Bearer sk-alpha-secret", "Bearer sk-alpha-newer", ""]
    assert chat == "delta"
    assert told[0] == (("ALPHA_API_KEY", "set", "changed"), ("METIS_LLM_ALPHA_MODEL", "alpha-model", "alpha-2"))
    everything = "".join(service.answers) + repr(service.log.events) + service.state.read_text()
    assert "sk-alpha" not in everything


def test_tokens_change_live_and_what_needs_a_restart_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("resilience.service.control_door.FAILURES_PER_MINUTE", 10_000)
    with controlled(tmp_path, ENV, tokens=True) as service:
        text = service.env.read_text()
        service.env.write_text(text.replace(OPERATOR, "op-new-0123456789ab") + "METIS_PORT=9999\n")

        def new_token_works() -> bool:
            service.token = "op-new-0123456789ab"
            return service.get().status_code == 200

        service.until(new_token_works)
        state = service.document()
        service.token = OPERATOR
        old = service.get().status_code

    assert state["needs_restart"] == ["METIS_PORT"]
    assert old == 401
    [event] = service.events("CONFIG_CHANGED")
    assert event.changes == (("METIS_CONTROL_TOKENS", "set", "changed"), ("METIS_PORT", "default", "9999"))


def test_wrong_tokens_in_the_file_leave_the_good_ones_in_force_and_are_not_shown(tmp_path: Path):
    with controlled(tmp_path, ENV, tokens=True) as service:
        service.env.write_text(
            service.env.read_text().replace(f"vera:viewer:{VIEWER}", "vera:boss:secret-0123456789abcdef")
        )
        problem = service.until(lambda: service.document()["env_file"]["problem"])

    assert "METIS_CONTROL_TOKENS must hold" in problem
    assert "entry 2" in problem
    assert "secret-0123456789abcdef" not in problem


def test_an_edit_while_the_service_was_down_is_told_at_its_next_start(tmp_path: Path):
    with controlled(tmp_path, ENV):
        pass
    with controlled(tmp_path, ENV.replace('"alpha,beta"', "beta")) as service:
        events = [(e.kind, getattr(e, "version", None)) for e in service.log.events[:2]]
        [changed] = service.events("CONFIG_CHANGED")
        [started] = service.events("SERVICE_STARTED")
    with controlled(tmp_path) as service:
        again = service.events("CONFIG_CHANGED")
        state = service.document()

    assert [kind for kind, _ in events] == ["CONFIG_CHANGED", "SERVICE_STARTED"]
    assert (changed.version, changed.actor, changed.reason) == (2, "env_file", "changed while the service was down")
    assert started.config_version == 2
    assert again == []
    assert (state["version"], state["changes"][0]["origin"]) == (2, "env_file")


def test_a_file_that_goes_away_and_comes_back_changes_nothing(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.env.unlink()
        service.until(lambda: service.document()["env_file"]["problem"])
        chat = service.chat()
        service.env.write_text(ENV)
        service.until(lambda: service.document()["env_file"]["problem"] is None)

    assert chat == "alpha"
    assert service.events("CONFIG_CHANGED") == []


def test_the_metrics_and_the_health_tell_the_version(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/order", order=["beta", "alpha"])
        health = http.get(service.url + "/api/v53/health").json()
        metrics = http.get(service.url + "/metrics").text

    assert (health["config_version"], health["primary"]) == (2, "beta")
    assert "metis_llm_config_version 2.0" in metrics
