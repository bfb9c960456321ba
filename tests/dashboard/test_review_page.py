"""The Review page as Streamlit runs it, over a real store and recorded logs."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import alert_state, asgi, reviewing, state
from dashboard.access import LOCAL, Person
from dashboard.alerts.ledger import acknowledge
from dashboard.control.values import Role
from dashboard.incidents.notes import Note, NoteError, add_note, read_notes
from dashboard.views import review_notes, who
from resilience.simulator.samples import DIRECTORY
from tests.browser import traffic
from tests.dashboard import page_kit
from tests.dashboard.page_kit import panels
from tests.dashboard.report_kit import planted

FIRST = "incident-20260302T020148Z"


def opened(**query: str) -> AppTest:
    """The Review page after its first run, over what has been read so far, by a link."""
    state.service().ingest.run_once()
    app = page_kit.app().run()
    app.switch_page("views/review.py")
    for key, value in query.items():
        app.query_params[f"review.{key}"] = value
    return app.run()


def cells(app: AppTest) -> list[list[list[str]]]:
    """The page's tables."""
    return [[row["cells"] for row in content["table"]["rows"]] for content in panels(app, "table")]


def texts(app: AppTest) -> str:
    return "\n".join(text.value for text in app.text)


def test_a_past_log_has_its_incidents_newest_first_and_shows_the_newest(log: Path) -> None:
    log.write_bytes((DIRECTORY / "mixed_day.log").read_bytes())

    app = opened()

    assert not app.exception
    assert not app.error
    (listed,) = panels(app, "incidents")
    assert [row["number"] for row in listed["rows"]] == [7, 6, 5, 4, 3, 2, 1]
    assert listed["chosen"] == listed["rows"][0]["id"]
    assert "Of 267 requests 0 failed" in texts(app)


def test_a_link_restores_the_incident_with_all_that_is_known_of_it(log: Path) -> None:
    log.write_bytes((DIRECTORY / "mixed_day.log").read_bytes())

    app = opened(incident=FIRST)

    assert not app.exception
    assert panels(app, "incidents")[0]["chosen"] == FIRST
    (facts,) = panels(app, "facts")
    named = {fact["name"]: fact["value"] for group in facts["groups"] for fact in group}
    assert named["first bad attempt"] == "2026-03-02 02:01:48.331 UTC"
    assert named["first human action"] == "none in the log, and there is no ledger of alerts"
    assert named["time to detect"] == "41.7 s"
    assert [chart["title"] for chart in panels(app, "chart")][:2] == [
        "Circuits and alerts",
        "Success rate per provider",
    ]
    causes, costs, compared, notes = cells(app)
    assert causes[0][:2] == ["openrouter: rate limited (429)", "11"]
    assert "METIS_LLM_RETRY_BASE_DELAY" in causes[0][3]
    assert costs
    assert compared
    assert not notes
    (timeline,) = panels(app, "timeline")
    bad = next(entry for entry in timeline["entries"] if entry["step"] == "first bad attempt")
    assert len(bad["lines"]) == 11  # the line, and five before and after it
    assert [line["own"] for line in bad["lines"]].index(True) == 5
    assert '"http_status":429' in bad["lines"][5]["text"]


def test_an_acknowledgement_is_seen_at_once_and_comes_from_the_ledger(log: Path) -> None:
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())
    app = opened()
    fired, acted = (datetime(2026, 3, 2, 0, 5, second, tzinfo=UTC) for second in (10, 50))
    acknowledge(alert_state.ledger_path(), "primary_circuit_open", fired, "jane", "looking", acted)

    app.run()

    (facts,) = panels(app, "facts")
    named = {fact["name"]: fact["value"] for group in facts["groups"] for fact in group}
    assert named["first human action"] == "2026-03-02 00:05:50.000 UTC (by the ledger of alerts)"
    assert named["time to act"] == "40.0 s"
    (entry,) = (e for e in panels(app, "timeline")[0]["entries"] if e["step"] == "ledger of alerts")
    assert entry["text"] == "jane: acknowledged Primary's circuit open, firing since 2026-03-02 00:05:10 (looking)"
    assert entry["lines"] == []


def test_a_link_to_what_is_not_there_says_so(log: Path) -> None:
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())

    app = opened(incident="incident-20200101T000000Z")

    assert not app.exception
    assert "not in this log" in app.warning[0].value
    assert panels(app, "incidents")[0]["chosen"] == "incident-20260302T000501Z"


def test_a_range_by_hand_takes_the_incidents_place(log: Path) -> None:
    log.write_bytes((DIRECTORY / "all_down.log").read_bytes())

    app = opened(**{"from": "2026-03-02T00:01:00Z", "to": "2026-03-02T00:03:00Z"})

    assert not app.exception
    assert panels(app, "incidents") == []
    assert "a range chosen by hand, 2 min 0 s" in texts(app)

    app.button(key="review.back").click().run()
    assert len(panels(app, "incidents")[0]["rows"]) == 1


def test_a_log_without_trouble_has_no_incident(log: Path) -> None:
    log.write_text("".join(list(traffic.story(traffic.now()))[:3]), "utf-8")

    app = opened()

    assert not app.exception
    assert "No alert fired and no circuit opened" in texts(app)


def test_without_a_log_the_page_waits(log: Path) -> None:
    app = opened()

    assert not app.exception
    assert str(log) in app.code[0].value


def test_a_wrong_rule_file_finds_no_incident_and_says_why(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())
    rules = log.with_name("rules.toml")
    rules.write_text("[rule.error_rate]\nthreshold = 'high'\n", "utf-8")
    monkeypatch.setenv("METIS_DASHBOARD_RULES", str(rules))

    app = opened()

    assert not app.exception
    assert "rules.toml" in app.code[-1].value
    assert panels(app, "incidents") == []


@pytest.mark.parametrize("rules", ["", "[rule.error_rate]\nthreshold = 'high'\n"])
def test_the_alerts_are_evaluated_before_somebody_asks(log: Path, monkeypatch: pytest.MonkeyPatch, rules: str) -> None:
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())
    log.with_name("rules.toml").write_text(rules, "utf-8")
    monkeypatch.setenv("METIS_DASHBOARD_RULES", str(log.with_name("rules.toml")))
    service = state.service()
    service.ingest.run_once()

    asgi._first_look(service.store)

    found = alert_state.course(service.store.version, None, settled=False, wait_s=0)  # begins nothing
    assert (found.evaluation.at is None, alert_state.alerts().problem == "") == (bool(rules), not rules)


def test_a_note_is_kept_beside_the_store_with_who_and_when(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who, "person", lambda: Person(LOCAL, Role.OPERATOR))
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())
    app = opened()

    app.text_area(key=review_notes.TEXT).set_value("The provider's status page said so\nat 00:10").run()
    app.button(key="review.add_note").click().run()

    assert not app.exception
    assert cells(app)[-1][0][1:] == ["local", "The provider's status page said so at 00:10"]
    assert app.text_area(key=review_notes.TEXT).value == ""
    (note,) = read_notes(reviewing.notes_path())
    assert reviewing.notes_path().parent == log.parent
    assert (note.actor, note.about) == ("local", datetime(2026, 3, 2, 0, 5, 1, 23000, tzinfo=UTC))
    assert oct(reviewing.notes_path().stat().st_mode)[-3:] == "600"


def test_the_files_hold_the_notes_as_they_are_now(log: Path) -> None:
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())
    opened()
    (incident,) = reviewing.found_incidents(state.service().bell.version)

    add_note(reviewing.notes_path(), Note(incident.start_at, datetime.now(UTC), "sre", "seen it before"))

    files = reviewing.exported(incident)
    assert sorted(name.rpartition(".")[2] for name in files) == ["html", "md", "zip"]
    assert "seen it before" in files["incident-20260302T000501Z.md"].decode()


def test_hostile_text_is_shown_as_text(log: Path) -> None:
    planted(log)

    app = opened()

    assert not app.exception
    assert not app.error
    (timeline,) = panels(app, "timeline")
    shown = orjson.dumps(timeline).decode()
    assert "<script>window.hacked = 1</script>" in shown  # as a node's text, never as markup
    assert "\u202e" not in shown
    assert all("<script>" not in element.value for element in (*app.markdown, *app.caption, *app.subheader))


@pytest.mark.parametrize(
    ("person", "may"),
    [
        (Person(LOCAL, Role.OPERATOR), True),
        (Person("sre@example.org", Role.OPERATOR), True),
        (Person("dev@example.org", Role.VIEWER), True),
        (Person(LOCAL, Role.VIEWER), False),
        (Person("", Role.NOBODY), False),
    ],
)
def test_notes_are_written_by_those_who_have_a_name(person: Person, may: bool) -> None:
    assert review_notes.may_write(person) is may


def test_a_viewer_from_elsewhere_reads_notes_and_writes_none(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes((DIRECTORY / "primary_down.log").read_bytes())
    monkeypatch.setattr(who, "person", lambda: Person(LOCAL, Role.VIEWER, "there is no sign-in"))

    app = opened()

    assert not app.text_area
    assert "No notes from here: there is no sign-in." in texts(app)


def at(second: int) -> datetime:
    return datetime(2026, 3, 2, 9, 0, second, tzinfo=UTC)


def test_a_torn_line_takes_no_other_note_with_it(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "notes.jsonl"
    first, second = Note(at(1), at(2), "a", "one"), Note(at(3), at(4), "b", "two\nlines \u202e")
    add_note(file, first)
    with file.open("ab") as torn:
        torn.write(b'{"about": "2026-03')

    add_note(file, second)

    assert read_notes(file) == (first, second)


@pytest.mark.parametrize(
    ("actor", "text"), [("a", ""), ("a", "  \n"), ("a", "x" * 4001), ("", "text"), ("a" * 201, "text")]
)
def test_an_unusable_note_is_refused(tmp_path: Path, actor: str, text: str) -> None:
    with pytest.raises(NoteError):
        add_note(tmp_path / "notes.jsonl", Note(at(1), at(2), actor, text))

    assert not (tmp_path / "notes.jsonl").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(NoteError, match="cannot be written"):
        add_note(tmp_path / "file" / "notes.jsonl", Note(at(1), at(2), "a", "text"))
