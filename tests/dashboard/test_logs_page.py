"""The Logs page as Streamlit runs it, over a real store and a recorded log; the browser has its own tests."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.logs.saved import SAVED
from tests.dashboard import page_kit
from tests.dashboard.page_kit import panel
from tests.dashboard.test_litellm import line, payload

SAMPLES = Path(__file__).parents[2] / "sample_logs"
HOSTILE = "![x](http://evil) <a href=x>:red[y]\x1b[31m\u202e"


@pytest.fixture
def log(log: Path) -> Path:
    """The pages' log is a recording."""
    shutil.copy(SAMPLES / "primary_down.log", log)
    return log


def opened(**query: str) -> AppTest:
    """The Logs page after its first run, by a link."""
    state.service().ingest.run_once()
    app = page_kit.app().run().switch_page("views/logs.py")
    for name, value in {"live.range": "all", **{f"logs.{name}": value for name, value in query.items()}}.items():
        app.query_params[name] = value
        app.session_state[name] = value
    app.run()  # AppTest hands a bound range over one run late
    return app.run()


def shown(app: AppTest) -> Any:
    """The table of lines."""
    return app.dataframe[0].value


def story(app: AppTest) -> Any:
    return panel(app, "story")["story"]


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.text, *app.caption, *app.code))


def test_all_lines_are_counted_and_the_newest_stand_first(log: Path) -> None:
    app = opened()

    lines = log.read_text().splitlines()
    assert not app.exception
    assert f"{len(lines):,} lines, the newest 500 shown, newest first" in texts(app)
    assert len(shown(app)) == 500
    assert lines[-1].endswith(shown(app)["message"].iloc[0][-40:]) or shown(app)["message"].iloc[0][:60] in lines[-1]


def test_without_an_event_the_page_says_what_it_waits_for(log: Path) -> None:
    log.write_text("")

    app = opened()

    assert not app.exception
    assert "make run" in app.markdown[-1].value


@pytest.mark.parametrize("title", ["Openings of circuits", "Errors with their surroundings", "Longest response times"])
def test_a_search_of_the_runbook_shows_its_command(log: Path, title: str) -> None:
    app = opened(saved=title)

    assert not app.exception
    assert SAVED[title].command in texts(app)
    assert len(shown(app)) > 0


def test_a_link_restores_filters(log: Path) -> None:
    app = opened(event="FALLBACK", provider="anthropic", level="≥ warning")

    expected = sum(
        '"event":"FALLBACK"' in each and 'provider":"anthropic"' in each for each in log.read_text().splitlines()
    )
    assert not app.exception
    assert set(shown(app)["event"]) == {"FALLBACK"}
    assert f"{expected:,} lines" in texts(app)


def test_a_request_has_its_story(log: Path) -> None:
    [request] = [
        json.loads(each[each.index("{") :])["request_id"]
        for each in log.read_text().splitlines()
        if '"event":"FALLBACK"' in each
    ][:1]

    told = story(opened(request=request))

    assert told["request"] == request
    assert {step["kind"] for step in told["steps"]} >= {"attempt", "fallback", "end"}


def test_an_unknown_request_is_said_to_be_none(log: Path) -> None:
    app = opened(request="nobody")

    assert not app.exception
    assert "No event names this request." in texts(app)


def test_a_question_is_answered_and_another_refused(log: Path) -> None:
    app = opened(sql="SELECT count(*) AS n FROM attempts")
    assert len(app.dataframe) == 2  # lines and instances: a link asks nothing by itself

    app.button(key="logs.ask").click().run()
    answered = [table.value for table in app.dataframe if list(table.value.columns) == ["n"]]
    app.text_area(key="logs.sql").set_value("DROP TABLE lines").run()
    app.button(key="logs.ask").click().run()

    assert not app.exception
    assert answered[0]["n"].iloc[0] == log.read_text().count('"event":"LLM_ATTEMPT"')
    assert "only a SELECT can be asked here" in texts(app)
    assert state.service().store.counts()[0] == len(log.read_text().splitlines())


def test_log_text_stays_text(log: Path) -> None:
    hostile = line(payload(trace_id=HOSTILE, model=HOSTILE))
    log.write_text(f"{HOSTILE}\n{hostile}\n")

    app = opened(request=HOSTILE, sql=f'SELECT nothing AS "{HOSTILE}"')
    app.button(key="logs.ask").click().run()

    assert not app.exception
    rendered = [*app.markdown, *app.caption, *app.error, *app.warning, *app.subheader]
    assert not any("evil" in str(element.value) for element in rendered)
    assert "\x1b" not in texts(app)
    assert "\x1b" not in json.dumps(story(app), ensure_ascii=False)
    assert "\u202e" not in json.dumps(story(app), ensure_ascii=False)


def test_instances_are_listed_with_what_is_known_of_their_clocks(log: Path) -> None:
    app = opened()

    [table] = [each.value for each in app.dataframe if "clock skew" in each.value.columns]
    assert list(table["clock skew"]) == ["unknown"]
    assert list(table["instance"]) == ["simulated"]
