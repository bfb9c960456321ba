"""The pages as Streamlit runs them, over a real store and a real log; the browser has its own tests."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import alert_state, state
from dashboard.access import Person
from dashboard.alerts.episodes import episodes
from dashboard.alerts.rulefile import load_rules
from dashboard.control.values import Role
from dashboard.views import who
from tests.browser import traffic
from tests.dashboard import page_kit
from tests.dashboard.control_api import ControlApi, serving
from tests.dashboard.page_kit import panel, panels


def read_and_evaluated() -> None:
    """What is in the log is in the store, and the rules have been evaluated over it."""
    service = state.service()
    service.ingest.run_once()
    version = service.store.version
    alert_state.course(version, state.extent(version), settled=True, wait_s=30)


def opened(**session: str) -> AppTest:
    """The page after its first run, over what has been read so far."""
    read_and_evaluated()
    app = page_kit.app()
    for key, value in session.items():
        app.session_state[f"live.{key}"] = value
    return app.run()


def charts(app: AppTest) -> list[dict[str, Any]]:
    return panels(app, "chart")


def story(*more: str) -> str:
    return "".join((*traffic.story(traffic.now()), *more))


def test_without_a_log_the_page_says_what_it_waits_for(log: Path) -> None:
    app = opened()

    assert not app.exception
    assert str(log) in app.code[0].value
    assert "make run" in app.markdown[-1].value
    assert panel(app, "status")["mode"] == "WAITING"


def test_a_log_fills_the_page(log: Path) -> None:
    log.write_text(story(), "utf-8")

    app = opened()

    assert not app.exception
    assert not app.error
    assert [card["provider"] for card in panel(app, "cards")["cards"]] == list(traffic.ORDER)
    assert [chart["title"] for chart in charts(app)] == [
        "Circuits and alerts",
        "Success rate per provider",
        "Error rate and fallback rate",
        "Response time",
    ]
    assert all(chart["alt"].endswith("UTC") for chart in charts(app))
    alerts = panel(app, "alerts")["rows"]
    assert [row["name"] for row in alerts] == [rule.name for rule in load_rules().rules][:6]
    assert {row["name"]: row["word"] for row in alerts}["fallback_rate"] == "firing"
    assert panel(app, "strip")["verdict"]["level"] == "warning"


def test_the_guards_stand_below_the_reasons_and_an_unknown_switch_is_said(log: Path) -> None:
    log.write_text(story(), "utf-8")

    state.control().state.fresh(10)  # nobody answers
    app = opened()

    shown = panel(app, "guards")["panel"]
    assert shown["rows"][0]["guard"] == "pii"
    assert shown["rows"][0]["kinds"]
    assert shown["facts"][0][0] == "Cost"
    assert shown["empty"] == ""
    assert "not known" in panel(app, "notes")["notes"][0]["text"]


def test_a_guard_that_is_switched_off_now_is_said_with_until_when_and_by_whom(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write_text("".join(line for line in traffic.story(traffic.now()) if "GUARD_TRIGGERED" not in line), "utf-8")
    api = ControlApi()
    off = {"enabled": False, "until": "2026-03-02T10:00:00.000Z", "actor": "olga", "reason": "false alarms"}
    api.guards["pii"].update(off)

    with serving(api) as url:
        monkeypatch.setenv("METIS_CONTROL_URL", url)
        control = state.control()
        control.state.fresh(10)
        app = opened()
        control.pool.shutdown()
        control.client.close()

    assert panel(app, "guards")["panel"]["empty"] == "No guard acted in this window."
    text = "pii: OFF until 10:00:00 UTC, then on by itself, by olga (false alarms)"
    assert panel(app, "notes")["notes"] == [{"level": "warning", "text": text}]


def test_a_rule_file_that_is_wrong_is_said_and_nothing_else_is_used(
    log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log.write_text(story(), "utf-8")
    rules = tmp_path / "rules.toml"
    rules.write_text("[rule.error_rate]\nthreshold = 12\n", "utf-8")
    monkeypatch.setenv("METIS_DASHBOARD_RULES", str(rules))

    app = opened()

    assert "METIS_DASHBOARD_RULES" in app.error[0].value
    assert "threshold must be from 0 to 1 for error_rate, got 12.0" in app.code[0].value
    assert panel(app, "alerts")["rows"] == []
    assert panel(app, "strip")["verdict"]["level"] == "no data"


def test_one_broken_part_leaves_the_others(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_text(story(), "utf-8")

    def broken(*_: object) -> None:
        raise RuntimeError("<secret text of a log>")

    monkeypatch.setattr(state, "charts", broken)

    app = opened()

    assert not app.exception
    assert "charts" in app.error[0].value
    assert "secret" not in app.error[0].value
    assert len(panel(app, "cards")["cards"]) == 4
    assert "LLM_REQUEST" in app.code[-1].value


def test_a_fixed_range_pauses_the_page(log: Path) -> None:
    log.write_text(story(), "utf-8")
    start, end = (f"{traffic.now():%Y-%m-%d}T00:00:00Z", "2100-01-01T00:00:00Z")

    app = opened(**{"from": start, "to": end})

    assert panel(app, "status")["mode"] == "PAUSED"
    assert app.button(key="live.resume")
    app.button(key="live.resume").click().run()
    assert panel(app, "status")["mode"] == "LIVE"


def test_a_range_that_is_none_is_said_and_not_obeyed(log: Path) -> None:
    log.write_text(story(), "utf-8")

    app = opened(**{"from": "yesterday", "to": "today"})

    assert "from before to" in app.warning[0].value
    assert panel(app, "status")["mode"] == "LIVE"


def test_raw_lines_are_filtered_and_without_unseen_characters(log: Path) -> None:
    log.write_text(story("\x1b[31m2026 ERROR needle \u202e\x1b[0m\n"), "utf-8")

    app = opened(find="needle")

    assert "2026 ERROR needle" in app.code[-1].value
    assert not set("\x1b\u202e") & set(app.code[-1].value)
    assert "LLM_REQUEST" not in app.code[-1].value


def test_rejected_lines_are_counted_and_shown_with_place_and_reason(log: Path) -> None:
    broken = next(traffic.story(traffic.now())).replace('"v":1', '"v":"one"')
    log.write_text(story(broken), "utf-8")

    app = opened()

    assert panel(app, "strip")["verdict"]["unparsed"] == 1
    assert app.expander[-1].label == "1 unparsed line"


def at_operations() -> AppTest:
    """The Operations page after its first run."""
    state.service().ingest.run_once()
    app = page_kit.app().run()
    return app.switch_page("views/operations.py").run()


def test_the_operations_page_goes_on_without_a_service(log: Path) -> None:
    log.write_text(story(), "utf-8")

    app = at_operations()

    assert not app.exception
    assert not app.error
    assert panel(app, "chain")["order"] == list(traffic.ORDER)
    assert panel(app, "chain")["editable"] is False
    assert [button.label for button in app.button if not button.disabled] == []


@pytest.mark.parametrize(
    ("claims", "sees", "acts"),
    [
        ({"is_logged_in": False}, False, False),
        ({"is_logged_in": True, "email": "dev@other.example"}, False, False),
        ({"is_logged_in": True, "email": "dev@example.org"}, True, False),
        ({"is_logged_in": True, "email": "sre@example.org"}, True, True),
    ],
)
def test_who_signs_in_gets_what_the_settings_give(
    log: Path, monkeypatch: pytest.MonkeyPatch, claims: dict[str, Any], sees: bool, acts: bool
) -> None:
    monkeypatch.setenv("METIS_DASHBOARD_OPERATORS", "sre@example.org")
    monkeypatch.setenv("METIS_DASHBOARD_VIEWERS", "@example.org")
    monkeypatch.setattr(who, "sign_in_is_set_up", lambda: True)
    monkeypatch.setattr(st, "user", User(claims))
    log.write_text(story(), "utf-8")

    app = opened()

    assert not app.exception
    assert bool(app.get("bidi_component")) is sees
    if sees:
        assert bool(panel(app, "cards")["links"]) is acts


class User(dict[str, Any]):
    """Streamlit's st.user: claims by key and by name."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks is an operator: AppTest has no address that would say so."""
    monkeypatch.setattr(who, "person", lambda: Person("local", Role.OPERATOR))


def at_alerts() -> AppTest:
    """The Alerts page after its first run."""
    read_and_evaluated()
    app = page_kit.app().run()
    return app.switch_page("views/alerts.py").run()


def tables_of(app: AppTest) -> dict[str, list[list[str]]]:
    """The rows of the page's tables, by their first column's title and number of columns."""
    found = [
        orjson.loads(c.proto.bytes)["table"]
        for c in app.get("bidi_component")
        if c.proto.component_name == "metis.table"
    ]
    names = ("silences", "kept_back", "audit", "history", "rules")
    return {name: [row["cells"] for row in table["rows"]] for name, table in zip(names, found, strict=True)}


def test_the_alerts_page_has_the_rules_and_the_episodes_of_the_log(log: Path) -> None:
    log.write_text(story(), "utf-8")

    app = at_alerts()

    assert not app.exception
    assert not app.error
    assert panel(app, "alerts")["rows"][0]["active"]
    found = tables_of(app)
    told = episodes(alert_state.alerts().evaluating.course(0, None, settled=False, wait_s=0).changes)  # type: ignore[union-attr]
    assert len(found["history"]) == len(told) >= 2
    assert [row[0] for row in found["rules"]] == [rule.title for rule in load_rules().rules]


@pytest.mark.usefixtures("operator")
def test_an_alert_is_acknowledged_and_silenced_with_a_reason_and_stays_in_sight(log: Path) -> None:
    log.write_text(story(), "utf-8")
    app = at_alerts()

    app.button(key="alerts.do").click().run()
    refused = panel_text(app)
    app.text_input(key="alerts.reason").set_value("mine").run()
    app.button(key="alerts.do").click().run()
    app.segmented_control(key="alerts.what").set_value("Silence").run()
    app.selectbox(key="alerts.matcher").set_value("fallback_rate").run()
    app.text_input(key="alerts.reason").set_value("deploying").run()
    app.button(key="alerts.do").click().run()

    assert "reason must be" in refused
    assert [(e.kind, e.actor, e.reason) for e in alert_state.ledger().entries] == [
        ("acknowledge", "local", "mine"),
        ("silence", "local", "deploying"),
    ]
    row = {row["name"]: row for row in panel(app, "alerts")["rows"]}["fallback_rate"]
    assert row["active"]
    assert "silenced until" in row["remark"]
    assert tables_of(app)["audit"][0][2].startswith("silenced Fallback rate until")
    app.segmented_control(key="alerts.what").set_value("End a silence").run()
    app.text_input(key="alerts.reason").set_value("done").run()
    app.button(key="alerts.do").click().run()
    assert [each.ended_by for each in alert_state.ledger().silences] == ["local"]


def panel_text(app: AppTest) -> str:
    """What the notes of the page say."""
    found = panels(app, "notes")
    return " ".join(note["text"] for notes in found for note in notes["notes"])


@pytest.mark.usefixtures("operator")
def test_a_viewer_of_the_alerts_page_can_do_nothing(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_text(story(), "utf-8")
    app = at_alerts()
    app.text_input(key="alerts.reason").set_value("mine").run()
    monkeypatch.setattr(who, "person", lambda: Person("eve", Role.VIEWER, "this account may look"))

    app.button(key="alerts.do").click().run()  # what had been drawn before

    assert alert_state.ledger().entries == ()
    assert not [button for button in app.button if button.key == "alerts.do"]
    assert [text.value for text in app.text if text.value.startswith("Read-only")] == [
        "Read-only: this account may look."
    ]
    assert panel(app, "alerts")["links"] == {}


@pytest.mark.usefixtures("operator")
def test_a_rules_button_is_prepared_on_the_live_page(log: Path) -> None:
    log.write_text(story(), "utf-8")

    links = panel(opened(), "alerts")["links"]

    assert links["fallback_rate"]["href"].startswith("operations?ops.what=Order&ops.order=anthropic")
    assert links["all_providers_exhausted"]["href"] == "operations?ops.checks=1"
