"""The what-if of the Review page as Streamlit runs it, over a real store, with the real process that replays."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from dashboard import replaying, state
from dashboard.__main__ import main
from dashboard.access import Person
from dashboard.control.values import Role
from dashboard.views import who
from dashboard.whatif.playing import Job
from dashboard.whatif.question import Question
from resilience.simulator.samples import DIRECTORY
from tests.dashboard.page_kit import panels
from tests.dashboard.test_review_page import opened, texts

RANGE = {"from": "2026-03-02T00:02:00Z", "to": "2026-03-02T00:05:00Z"}


@pytest.fixture(autouse=True)
def outage(log: Path) -> None:
    """The pages' log is that of a recorded outage."""
    log.write_bytes((DIRECTORY / "all_down.log").read_bytes())


def numbers(app: AppTest, *columns: str) -> list[list[str]]:
    """The rows of the table that begins with these columns."""
    table = next(t for t in panels(app, "table") if t["table"]["columns"][: len(columns)] == list(columns))
    return [row["cells"] for row in table["table"]["rows"]]


def ended(app: AppTest) -> AppTest:
    """The page after the what-if that it has begun, if it has not shown its end already."""
    job: Job | None = app.session_state["whatif.job"]
    assert job is None or job.wait(60).over
    return app.run()


def fault(app: AppTest) -> str:
    (note,) = (panel for panel in panels(app, "notes") if panel["role"] == "alert")
    return note["notes"][0]["text"]


def test_the_page_and_the_command_that_it_shows_give_the_same_numbers(log: Path) -> None:
    app = opened(**RANGE)
    app.text_input(key="whatif.circuit_threshold").set_value("5").run()
    app.text_input(key="whatif.draws").set_value("3").run()

    app.button(key="whatif.replay").click().run()
    ended(app)

    assert not app.exception
    ((question, found),) = app.session_state["whatif.done"].values()
    command = next(code.value for code in app.code if "dashboard whatif" in code.value)
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "dashboard", "whatif"]
    told = CliRunner().invoke(main, [*words[3:], "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output) == found
    assert question.pairs == ("circuit_threshold=5",)
    compared = numbers(app, "number", "was")
    assert [row[0] for row in compared][:3] == ["success rate", "requests with a fallback", "p95 of the wait"]


def test_an_empty_field_says_what_was_in_force(log: Path) -> None:
    app = opened(**RANGE)

    assert app.text_input(key="whatif.circuit_threshold").placeholder == "as it was: 3"
    assert app.text_input(key="whatif.order").placeholder == "as it was: openrouter,anthropic,deepseek,openai"


def test_a_sweep_has_a_table_and_charts_with_the_policy_in_force_marked(log: Path) -> None:
    app = opened(**RANGE)
    app.text_input(key="whatif.thresholds").set_value("2, 3").run()
    app.text_input(key="whatif.cooldowns").set_value("30,60").run()
    app.text_input(key="whatif.draws").set_value("1").run()

    app.button(key="whatif.sweep").click().run()
    ended(app)

    assert not app.exception
    swept = numbers(app, "threshold", "cooldown")
    assert [row[:2] for row in swept] == [["was", ""], ["2", "30"], ["2", "60"], ["3", "30"], ["3", "60 ◆"]]
    charts = [chart for chart in panels(app, "chart") if chart["group"].startswith("whatif.")]
    titles = {chart["title"] for chart in charts}
    assert titles == {"Success rate", "p95 of the wait", "Wasted in all", "Requests with a fallback"}
    names = [trace["name"] for trace in charts[0]["figure"]["data"]]
    assert names == ["cooldown 30", "cooldown 60", "in force"]


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("circuit_threshold", "0", "METIS_LLM_CIRCUIT_THRESHOLD must be a whole number from 1 to 1000, got '0'"),
        ("draws", "many", "draws must be a whole number from 1 to 1000, got 'many'"),
    ],
)
def test_what_cannot_be_replayed_names_setting_rule_and_value(log: Path, field: str, text: str, rule: str) -> None:
    app = opened(**RANGE)
    app.text_input(key=f"whatif.{field}").set_value(text).run()

    app.button(key="whatif.replay").click().run()
    if "whatif.job" in app.session_state:
        ended(app)

    assert not app.exception
    assert rule in fault(app)


def test_too_much_is_refused(log: Path) -> None:
    app = opened()  # the incident, which is most of the log
    app.text_input(key="whatif.draws").set_value("1000").run()

    app.button(key="whatif.replay").click().run()

    ended(app)
    assert "at most 200,000 requests times draws" in fault(app)


def test_plain_lines_have_nothing_to_replay(log: Path) -> None:
    log.write_bytes((DIRECTORY / "plain_backend.log").read_bytes())
    app = opened(**{"from": "2026-03-02T00:05:00Z", "to": "2026-03-02T00:10:00Z"})

    app.button(key="whatif.replay").click().run()
    ended(app)

    assert "plain lines tell of none" in fault(app)


def test_a_link_restores_the_form_and_replays_nothing(log: Path) -> None:
    state.service().ingest.run_once()
    app = AppTest.from_file(str(Path(state.__file__).with_name("app.py")), default_timeout=60).run()
    app.switch_page("views/review.py")
    app.query_params["whatif.circuit_threshold"] = "7"
    app.run()

    assert app.text_input(key="whatif.circuit_threshold").value == "7"
    assert "whatif.job" not in app.session_state


def test_cancel_ends_it(log: Path) -> None:
    app = opened(**RANGE)
    app.text_input(key="whatif.draws").set_value("300").run()

    app.button(key="whatif.replay").click().run()
    app.button(key="whatif.cancel").click().run()
    ended(app)

    assert fault(app) == "stopped by you"
    assert "Beside reality" not in texts(app)


def test_one_too_many_is_refused_until_another_has_ended(log: Path) -> None:
    app = opened(**RANGE)
    players = replaying.players()
    question = Question(draws=100)
    jobs = [players.begin(question) for _ in range(2)]

    app.button(key="whatif.replay").click().run()

    assert "2 what-ifs are being played already" in fault(app)
    for job in jobs:
        job.cancel()
        assert job.wait(30).problem
    free = players.begin(question)
    free.cancel()
    assert free.wait(30).over


def test_nobody_replays_anything(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(**RANGE)
    monkeypatch.setattr(who, "person", lambda: Person("", Role.NOBODY, "the sign-in is over"))

    app.button(key="whatif.replay").click().run()

    assert "whatif.job" not in app.session_state
