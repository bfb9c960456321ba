"""Changes through the API: what they do, who hears of them, and when they are refused."""

import asyncio
import json
import os
import re
from pathlib import Path

import httpx2
import pytest

from resilience.control.reach import reach
from resilience.events import Cause, ConfigChanged, Origin, ServiceStarted, State, to_line
from tests.resilience.control_kit import ENV, Service, controlled, settings
from tests.resilience.service_kit import fails, http


def test_a_change_of_the_order_moves_the_places_that_prometheus_reads(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:

        def places() -> dict[str, float]:
            text = http.get(service.url + "/metrics").text
            return {name: float(place) for name, place in re.findall(r'chain_position{provider="(\w+)"} (\S+)', text)}

        before = places()
        service.change("/order", order=["gamma", "alpha"])

        assert (before, places()) == ({"alpha": 0, "beta": 1}, {"gamma": 0, "alpha": 1})


def test_the_order_changes_for_the_next_request_the_file_and_the_log(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        before = service.chat()
        answer = service.change("/order", order=["beta", "alpha"], reason="alpha is slow", actor="sre-1")
        after = service.chat()
        state = service.document()

    assert (before, after) == ("alpha", "beta")
    assert answer.status_code == 200
    body = answer.json()
    assert body["version"] == 2
    assert body["changes"] == [["METIS_LLM_PROVIDER_ORDER", "alpha,beta", "beta,alpha"]]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert service.env.read_text() == ENV.replace('"alpha,beta"', '"beta,alpha"')
    [changed] = service.events("CONFIG_CHANGED")
    assert (changed.version, changed.actor, changed.reason, changed.origin) == (
        2,
        "sre-1 via local",
        "alpha is slow",
        "api",
    )
    assert [event.config_version for event in service.events("LLM_ATTEMPT")] == [1, 2]
    assert [event.provider for event in service.events("PROVIDER_INITIALIZED") if event.primary] == ["alpha", "beta"]
    assert (state["version"], state["order"], state["primary"]) == (2, ["beta", "alpha"], "beta")
    assert [p["provider"] for p in state["providers"]] == ["beta", "alpha", "gamma"]
    assert state["available"] == ["openrouter", "anthropic", "deepseek", "openai", "alpha", "beta", "gamma"]
    assert state["changes"][0]["undoable"] is True


def test_settings_change_and_go_back_to_their_defaults(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        raised = service.change("/settings", settings={"METIS_LLM_CIRCUIT_THRESHOLD": "5"}).json()
        shown = {s["name"]: s for s in service.document()["settings"]}["METIS_LLM_CIRCUIT_THRESHOLD"]
        lowered = service.change("/settings", settings={"METIS_LLM_CIRCUIT_THRESHOLD": None}).json()

    assert raised["changes"] == [["METIS_LLM_CIRCUIT_THRESHOLD", "3", "5"]]
    assert shown == {
        "name": "METIS_LLM_CIRCUIT_THRESHOLD",
        "value": "5",
        "default": "3",
        "unit": "",
        "rule": "a whole number from 1 to 1000",
        "origin": "env_file",
        "fixed": None,
    }
    assert lowered["changes"] == [["METIS_LLM_CIRCUIT_THRESHOLD", "5", "3"]]
    assert service.env.read_text() == ENV


def test_a_long_timeout_is_made_with_a_warning(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        answer = service.change("/settings", settings={"METIS_LLM_TIMEOUT_SECONDS": "121"}).json()

    assert any("above 120 s" in warning for warning in answer["warnings"])


def test_what_is_so_already_makes_no_version(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        answer = service.change("/order", order=["alpha", "beta"]).json()

    assert (answer["version"], answer["changes"]) == (1, [])
    assert service.events("CONFIG_CHANGED") == []


@pytest.mark.parametrize(
    ("path", "fields", "param"),
    [
        ("/settings", {"settings": {"METIS_LLM_CIRCUIT_THRESHOLD": "0"}}, "METIS_LLM_CIRCUIT_THRESHOLD"),
        (
            "/settings",
            {"settings": {"METIS_LLM_CIRCUIT_THRESHOLD": "5\nMETIS_HOST=0.0.0.0"}},
            "METIS_LLM_CIRCUIT_THRESHOLD",
        ),
        ("/settings", {"settings": {"ALPHA_API_KEY": "sk-other"}}, "ALPHA_API_KEY"),
        ("/settings", {"settings": {"METIS_LLM_LOG_PATH": "/etc/passwd"}}, "METIS_LLM_LOG_PATH"),
        ("/settings", {"settings": {}}, "settings"),
        ("/order", {"order": ["alpha", "nobody"]}, "METIS_LLM_PROVIDER_ORDER"),
        ("/order", {"order": ["alpha,beta"]}, "METIS_LLM_PROVIDER_ORDER"),
        ("/order", {"order": []}, "order"),
        ("/order", {"order": ["beta"], "reason": ""}, "reason"),
        ("/order", {"order": ["beta"], "reason": "two\nlines"}, "reason"),
        ("/order", {"order": ["beta"], "actor": "\x1b[31m"}, "actor"),
        ("/order", {"order": ["beta"], "surprise": 1}, "surprise"),
        ("/order", {"order": ["beta"], "version": "1"}, "version"),
        ("/circuits/alpha/isolate", {"for_s": 59}, "for_s"),
        ("/guards/pii", {"enabled": False, "for_s": 3601}, "for_s"),
    ],
)
def test_a_value_that_breaks_its_rule_is_named_and_changes_nothing(
    service: Service, path: str, fields: dict, param: str
):
    before = service.document()

    answer = service.change(path, **fields)

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["code"] == "invalid_value"
    assert service.document() == before
    assert service.env.read_text() == ENV


def test_who_acts_under_the_name_of_their_token_is_named_once(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/order", order=["beta", "alpha"], actor="local")
        service.change("/circuits/alpha/isolate", actor="sre-1")

    assert [event.actor for event in service.events("CONFIG_CHANGED")] == ["local"]
    assert [event.actor for event in service.events("BREAKER_TRANSITION")] == ["sre-1 via local"]


def test_a_stale_version_tells_who_changed_what(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/order", order=["beta", "alpha"], actor="sre-1")
        answer = service.post("/order", {"version": 1, "reason": "mine", "order": ["gamma"]})
        circuit = service.post("/circuits/alpha/reset", {"version": 1, "reason": "mine"})

    assert (answer.status_code, circuit.status_code) == (409, 409)
    error = answer.json()["error"]
    assert (error["code"], error["version"]) == ("stale_version", 2)
    assert [(change["actor"], change["changes"]) for change in error["between"]] == [
        ("sre-1 via local", [["METIS_LLM_PROVIDER_ORDER", "alpha,beta", "beta,alpha"]])
    ]
    assert "sre-1" in error["message"]


def test_a_repeated_click_acts_once_also_after_a_restart(tmp_path: Path):
    body = {"version": 1, "reason": "click", "order": ["beta", "alpha"]}
    with controlled(tmp_path, ENV) as service:
        first = service.post("/order", body, **{"idempotency-key": "click-0001"})
        second = service.post("/order", body, **{"idempotency-key": "click-0001"})
        other = service.post("/order", body | {"order": ["gamma"]}, **{"idempotency-key": "click-0001"})
        bad = service.post("/order", body, **{"idempotency-key": "a b"})
    with controlled(tmp_path) as service:
        third = service.post("/order", body, **{"idempotency-key": "click-0001"})
        service.clock.ahead_s = 3601
        late = service.post("/order", body, **{"idempotency-key": "click-0001"})

    assert [r.status_code for r in (first, second, other, bad, third, late)] == [200, 200, 422, 400, 200, 409]
    assert first.json() == second.json() == third.json()
    assert [r.headers.get("idempotent-replayed") for r in (first, second, third)] == [None, "true", "true"]


def test_a_circuit_action_with_a_key_acts_once(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        for _ in range(2):
            answer = service.post(
                "/circuits/alpha/isolate", {"version": 1, "reason": "click"}, **{"idempotency-key": "click-0002"}
            )

    assert answer.headers["idempotent-replayed"] == "true"
    assert len(service.events("BREAKER_TRANSITION")) == 1


def test_undo_puts_back_and_refuses_what_was_changed_since(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/settings", settings={"METIS_LLM_MAX_RETRIES": "2", "METIS_LLM_STREAM_MODE": "safe"})
        undone = service.change("/undo", change=2)
        text = service.env.read_text()
        again = service.change("/undo", change=3)
        service.change("/settings", settings={"METIS_LLM_MAX_RETRIES": "4"})
        refused = service.change("/undo", change=4)
        nothing = service.change("/undo", change=77)
        history = service.document()["changes"]

    assert undone.json()["changes"] == [["METIS_LLM_MAX_RETRIES", "2", "0"], ["METIS_LLM_STREAM_MODE", "safe", "live"]]
    assert text == ENV
    assert again.status_code == 200
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "changed_since"
    assert "METIS_LLM_MAX_RETRIES" in refused.json()["error"]["message"]
    assert nothing.status_code == 404
    assert [(c["version"], c["kind"], c["undoes"], c["undoable"]) for c in history] == [
        (5, "settings", None, True),
        (4, "undo", 3, False),
        (3, "undo", 2, False),
        (2, "settings", None, False),
    ]


def test_a_new_primary_that_is_open_or_unreachable_or_without_key_takes_force(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/circuits/beta/isolate", for_s=60)
        open_ = service.change("/order", order=["beta", "alpha"])
        service.change("/circuits/beta/reset")
        service.network.unreachable.add("beta")
        unreachable = service.change("/order", order=["beta", "alpha"])
        missing = service.change("/order", order=["openai", "alpha"])
        behind = service.change("/order", order=["alpha", "openai", "beta"])
        forced = service.change("/order", order=["beta", "alpha"], force=True)

    codes = [r.json()["error"]["code"] for r in (open_, unreachable, missing)]
    assert codes == ["primary_circuit_open", "primary_unreachable", "primary_key_missing"]
    assert all(r.json()["error"]["forceable"] for r in (open_, unreachable, missing))
    assert (behind.status_code, forced.status_code) == (200, 200)
    assert any("forced" in warning for warning in forced.json()["warnings"])


def test_an_isolation_ends_by_itself_and_the_last_usable_provider_takes_force(service: Service):
    before = service.chat()
    service.change("/circuits/alpha/isolate", for_s=60, reason="maintenance")
    held = service.document()["providers"][0]["circuit"]
    during = service.chat()
    last = service.change("/circuits/beta/isolate")
    forced = service.change("/circuits/beta/isolate", force=True)
    nobody = service.chat()
    released = service.change("/circuits/beta/release")
    twice = service.change("/circuits/beta/release")
    half_open = service.document()["providers"][1]["circuit"]["state"]
    probed = service.chat()
    unknown = service.change("/circuits/nobody/reset")

    assert (before, during, nobody, half_open, probed) == ("alpha", "beta", "None", "HALF_OPEN", "beta")
    assert (held["state"], held["cause"], held["actor"], held["reason"]) == ("OPEN", "isolated", "local", "maintenance")
    assert held["isolated_until"] == held["open_until"] is not None
    assert (last.status_code, last.json()["error"]["code"], forced.status_code) == (409, "last_usable_provider", 200)
    assert released.json()["changes"] == [["circuit beta", "OPEN", "HALF_OPEN"]]
    assert (twice.json()["error"]["code"], twice.json()["error"]["forceable"]) == ("not_isolated", False)
    assert unknown.status_code == 404
    assert [e.actor for e in service.events("BREAKER_TRANSITION") if e.cause is Cause.ISOLATED] == ["local", "local"]


def test_reset_closes_a_circuit_that_failures_opened(tmp_path: Path):
    with controlled(tmp_path, ENV + "METIS_LLM_CIRCUIT_THRESHOLD=1\n") as service:
        service.network.behaviours["alpha"] = fails(503)
        service.chat()
        opened = service.document()["providers"][0]["circuit"]
        service.network.behaviours.clear()
        answer = service.change("/circuits/alpha/reset").json()
        after = service.chat()
        history = service.document()["changes"]

    assert (opened["state"], opened["cause"], len(opened["trigger_request_ids"])) == ("OPEN", "threshold", 1)
    assert answer["changes"] == [["circuit alpha", "OPEN", "CLOSED"]]
    assert (answer["version"], after) == (1, "alpha")
    by_request = [(event.cause, event.request_id) for event in service.events("BREAKER_TRANSITION")]
    assert by_request == [(Cause.THRESHOLD, None), (Cause.MANUAL_RESET, answer["request_id"])]
    assert [(c["version"], c["kind"], c["undoable"]) for c in history] == [(1, "circuit", False)]
    assert service.events("CONFIG_CHANGED") == []


def test_the_reset_of_a_circuit_that_is_closed_says_that_it_changed_nothing(service: Service):
    answer = service.change("/circuits/alpha/reset").json()

    assert (answer["changes"], len(answer["warnings"])) == ([], 1)
    assert "CLOSED already" in answer["warnings"][0]
    assert service.document()["changes"] == []
    assert service.events("BREAKER_TRANSITION") == []


def test_open_circuits_are_taken_over_by_the_next_process(tmp_path: Path):
    with controlled(tmp_path, ENV + "METIS_LLM_CIRCUIT_THRESHOLD=1\n") as service:
        service.network.behaviours["beta"] = fails(503)
        service.change("/circuits/alpha/isolate", for_s=60, actor="sre-1", reason="maintenance")
        service.chat()
        before = [p["circuit"] for p in service.document()["providers"][:2]]
    with controlled(tmp_path) as service:
        after = [p["circuit"] for p in service.document()["providers"][:2]]
        events = service.events("BREAKER_TRANSITION")
        nobody = service.chat()

    assert [c["state"] for c in before] == ["OPEN", "OPEN"]
    assert [(c["state"], c["cause"], c["since"], c["actor"]) for c in after] == [
        ("OPEN", "adopted", before[0]["since"], "sre-1 via local"),
        ("OPEN", "adopted", before[1]["since"], None),
    ]
    assert [bool(c["isolated_until"]) for c in after] == [True, False]
    assert [(e.cause, e.to) for e in events] == [(Cause.ADOPTED, State.OPEN)] * 2
    assert nobody == "None"


def test_the_runbook_s_restart_clears_all_circuits_once(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/circuits/alpha/isolate", for_s=60, reason="maintenance")
    (tmp_path / ".run" / "control.anew").touch()
    with controlled(tmp_path) as service:
        after = [p["circuit"]["state"] for p in service.document()["providers"][:2]]
        events = service.events("BREAKER_TRANSITION")
        service.change("/circuits/beta/isolate", for_s=60, reason="maintenance")
    with controlled(tmp_path) as service:
        later = [p["circuit"]["state"] for p in service.document()["providers"][:2]]

    assert (after, events) == (["CLOSED", "CLOSED"], [])
    assert later == ["CLOSED", "OPEN"]


def test_a_guard_switches_on_again_by_itself(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        answer = service.change("/guards/pii", enabled=False, for_s=600, reason="debugging").json()
        off = service.document()["guards"][0]
        unknown = service.change("/guards/nothing", enabled=False)
        text = service.env.read_text()
        service.clock.ahead_s = 601
        service.until(lambda: service.document()["guards"][0]["enabled"], "the guard")
        changes = service.events("CONFIG_CHANGED")

    assert answer["changes"] == [["guard pii", "on", "off"]]
    assert (off["enabled"], off["actor"], off["reason"], off["available"]) == (False, "local", "debugging", True)
    assert unknown.status_code == 404
    assert text == ENV
    assert [(e.version, e.actor, e.origin, e.changes) for e in changes] == [
        (2, "local", "api", (("guard pii", "on", "off"),)),
        (3, "timer", "timer", (("guard pii", "off", "on"),)),
    ]


def test_a_guard_that_is_off_survives_a_restart_and_undo_puts_it_back(tmp_path: Path):
    with controlled(tmp_path, ENV) as service:
        service.change("/guards/injection", enabled=False)
    with controlled(tmp_path) as service:
        off = service.document()["guards"][1]["enabled"]
        service.change("/undo", change=2)
        on = service.document()["guards"][1]["enabled"]

    assert (off, on) == (False, True)


def test_what_the_environment_sets_is_shown_as_fixed_and_refused(tmp_path: Path):
    environ = {"METIS_LLM_CIRCUIT_THRESHOLD": "7"}
    with controlled(tmp_path, ENV, environ=environ) as service:
        shown = {s["name"]: s for s in service.document()["settings"]}["METIS_LLM_CIRCUIT_THRESHOLD"]
        answer = service.change("/settings", settings={"METIS_LLM_CIRCUIT_THRESHOLD": "5"}, force=True)

    assert (shown["value"], shown["origin"], bool(shown["fixed"])) == ("7", "environment", True)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "fixed_by_environment"
    assert answer.json()["error"]["forceable"] is False


def test_a_preview_says_what_would_be_and_changes_nothing(service: Service):
    before = service.document()

    def preview(**body: object) -> dict:
        return service.post("/preview", {"version": before["version"], "reason": "look", **body}).json()

    order = preview(action="order", order=["beta", "openai", "alpha"])
    missing = preview(action="order", order=["openai", "alpha"])
    isolate = preview(action="isolate", provider="alpha", for_s=600)
    release = preview(action="release", provider="alpha")
    wrong = service.post("/preview", {"action": "settings", "settings": {"METIS_LLM_MAX_RETRIES": "x"}})

    assert order["sentences"] == ["The next request goes to beta.", "openai has no key and is skipped."]
    assert [r["code"] for r in missing["refusals"]] == ["primary_key_missing"]
    assert isolate["sentences"] == ["alpha is not asked for 600 s, whatever happens.", "The next request goes to beta."]
    assert [r["code"] for r in release["refusals"]] == ["not_isolated"]
    assert wrong.status_code == 400
    assert service.document() == before


@pytest.mark.parametrize(("status", "fault"), [(404, False), (503, True)])
def test_an_address_that_answers_with_a_fault_of_its_own_is_reached_and_said_so(status: int, fault: bool):
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status))

    found = asyncio.run(reach("http://alpha.test/v1", certificates=True, transport=transport))

    assert found.ok
    assert found.detail.endswith(": a fault of the provider") is fault


def test_the_checks_answer_the_runbook_s_questions(service: Service):
    service.network.unreachable.add("beta")

    checks = {check["check"]: check for check in service.get("/checks").json()["checks"]}

    assert checks["backend"]["ok"]
    assert checks["reach alpha"]["detail"].startswith("HTTP 404 in ")
    assert (checks["reach beta"]["ok"], checks["reach beta"]["detail"]) == (False, "no connection (ConnectError)")
    assert checks["key alpha"]["ok"]


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.replace

    def no_env(source: os.PathLike[str], target: os.PathLike[str]) -> None:
        if Path(target).name == ".env":
            raise PermissionError(13, "Permission denied")
        real(source, target)

    with controlled(tmp_path, ENV) as service:
        monkeypatch.setattr(os, "replace", no_env)
        answer = service.change("/order", order=["beta", "alpha"])
        monkeypatch.undo()
        state = service.document()

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "cannot_write")
    assert (state["version"], state["order"]) == (1, ["alpha", "beta"])
    assert service.env.read_text() == ENV
    assert json.loads(service.state.read_text())["intent"] is None


def test_a_damaged_state_file_is_put_aside(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    state = tmp_path / ".run" / "control.json"
    state.parent.mkdir()
    state.write_text('{"format": 1, "version": "many"')

    with controlled(tmp_path, ENV) as service:
        assert service.document()["version"] == 1

    assert state.with_name("control.json.bad").read_text().startswith('{"format": 1')
    assert "put aside" in capfd.readouterr().err


def test_a_lost_state_file_leaves_the_version_going_on_from_the_log(tmp_path: Path):
    log = tmp_path / "backend_live.log"
    told = ServiceStarted(version="0.1.0", config_version=7, order=("alpha",))
    changed = ConfigChanged(version=12, actor="sre-1", reason="slow", origin="api", changes=(("A", "1", "2"),))
    log.write_text(
        "".join(to_line(event, 1_772_442_000.0, Origin("metis", "host", 1)) for event in (told, changed, told))
        + "an access log that says CONFIG_CHANGED: version=99, of no meaning\n"
    )

    with controlled(tmp_path, f"{ENV}METIS_LLM_LOG_PATH={log}\n") as service:
        first = service.document()["version"]
        second = service.change("/order", order=["beta", "alpha"]).json()["version"]

    assert (first, second) == (12, 13)


def test_a_caller_who_goes_away_does_not_leave_half_a_change(service: Service):
    body = {"version": service.document()["version"], "reason": "gone", "order": ["beta", "alpha"]}

    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(service.url + "/api/v53/control/order", json=body, timeout=0.001)
    service.until(lambda: service.change("/order", order=["alpha", "beta"]).status_code == 200)

    assert settings(service.env).order == ("alpha", "beta")
    assert service.document()["order"] == ["alpha", "beta"]


@pytest.fixture
def service(tmp_path: Path):
    with controlled(tmp_path, ENV) as running:
        yield running
