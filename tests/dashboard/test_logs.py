"""The Logs page's searches give what grep gives, and one request's story is what its lines say."""

import itertools
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.ingest import Ingest
from dashboard.logs.export import as_csv, as_text
from dashboard.logs.saved import SAVED, Saved
from dashboard.logs.search import OTHER, Search, choices, find, quoted_value
from dashboard.logs.story import Kind, Tone, story
from dashboard.store import Store
from dashboard.window import Window
from tests.runbook import LOG, LOG_COMMANDS

SAMPLES = sorted((Path(__file__).parents[2] / "sample_logs").glob("*.log"))
ALL = Window.of(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def read(*logs: Path) -> Store:
    store = Store.open(None)
    Ingest(store, [str(log) for log in logs], follow=False).run_once()
    return store


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda path: path.stem)
def sample(request: pytest.FixtureRequest) -> Iterator[tuple[Path, Store]]:
    store = read(request.param)
    yield request.param, store
    store.close()


def grep(command: str, log: Path) -> str:
    command = re.sub(r" > \S+$", "", command.replace("tail -f ", "cat ")).replace(LOG, str(log))
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True).stdout


def shown(saved: Saved, store: Store) -> str:
    found = find(store, saved.search, ALL, shown=1_000_000)
    if saved.counts:
        return f"{found.count}\n"
    if saved.search.quoted:
        return "".join(f"{quoted_value(line.text)}\n" for line in found.lines)
    return as_text(found.lines, separated=bool(saved.search.context))


@pytest.mark.parametrize("title", SAVED)
def test_a_saved_search_gives_what_the_runbook_s_command_gives(sample: tuple[Path, Store], title: str) -> None:
    log, store = sample

    assert shown(SAVED[title], store) == grep(SAVED[title].command, log)


def test_each_log_reading_command_of_the_runbook_is_saved() -> None:
    of_the_runbook = {saved.command for saved in SAVED.values() if saved.where}
    assert of_the_runbook == {command.text for command in LOG_COMMANDS}


def test_a_search_counts_all_and_shows_the_newest() -> None:
    store = read(SAMPLES[0])

    found = find(store, Search(find="LLM_ATTEMPT"), ALL, shown=3)

    lines = [line for line in SAMPLES[0].read_text().splitlines() if "LLM_ATTEMPT" in line]
    assert found.count == len(lines)
    assert [line.text for line in found.lines] == lines[-3:]
    store.close()


@pytest.mark.parametrize(
    ("search", "kept"),
    [
        (Search(provider="anthropic", event="LLM_ATTEMPT"), r'LLM_ATTEMPT: provider=anthropic,'),
        (Search(event="FALLBACK", provider="deepseek"), r'"event":"FALLBACK".*_provider":"deepseek"'),
        (Search(reason="server_error", event="LLM_ATTEMPT"), r'"event":"LLM_ATTEMPT".*"reason":"server_error"'),
        (Search(levels=("WARNING", "ERROR")), r"^\S+ (WARNING|ERROR):"),
        (Search(find='"status":"exhausted"'), r'"status":"exhausted"'),
        (Search(find="%"), r"%"),
        (Search(patterns=(r"OPEN \(|CLOSED \(", "anthropic")), r"(OPEN|CLOSED) \(.*anthropic"),
        (Search(event=OTHER), r"^no line of this log"),
    ],
)  # fmt: skip
def test_a_filter_keeps_the_lines_that_a_pattern_keeps(search: Search, kept: str) -> None:
    log = next(path for path in SAMPLES if path.stem == "all_down")
    store = read(log)

    found = find(store, search, ALL, shown=1_000_000)

    assert [line.text for line in found.lines] == [
        line for line in log.read_text().splitlines() if re.search(kept, line)
    ]
    store.close()


def test_what_a_person_types_is_text_and_no_sql() -> None:
    store = read(SAMPLES[0])
    evil = "x'; DROP TABLE lines; --"

    for search in (Search(find=evil), Search(provider=evil), Search(event=evil), Search(request=evil, reason=evil)):
        assert find(store, search, ALL).count == 0
    assert find(store, Search(), ALL).count == len(SAMPLES[0].read_text().splitlines())
    store.close()


def test_the_choices_are_what_the_range_holds() -> None:
    store = read(next(path for path in SAMPLES if path.stem == "primary_down"))

    found = choices(store, ALL)

    assert found["provider"] == ("anthropic", "deepseek", "openai", "openrouter")
    assert "LLM_ATTEMPT" in found["event"]
    assert "server_error" in found["reason"] or "timeout" in found["reason"]
    assert choices(store, Window.of(ALL.start, ALL.start + timedelta(days=1)))["event"] == ()
    store.close()


def test_a_request_s_story_has_its_calls_waits_and_end_in_order() -> None:
    store = read(next(path for path in SAMPLES if path.stem == "primary_down"))
    asked = store.query(
        "SELECT request_id, attempts, fallbacks, total_ms, status FROM requests WHERE fallbacks > 0 AND attempts > 2 LIMIT 1",
        {},
    )[0]

    found = story(store, asked["request_id"])

    assert found is not None
    kinds = [step.kind for step in found.steps]
    assert kinds.count(Kind.ATTEMPT) == asked["attempts"]
    assert kinds.count(Kind.FALLBACK) == asked["fallbacks"]
    assert (found.status, found.derived, found.cut) == (asked["status"], False, False)
    assert (found.end - found.start).total_seconds() * 1000 == pytest.approx(asked["total_ms"], abs=2)
    assert [step.start for step in found.steps] == sorted(step.start for step in found.steps)
    attempts = [step for step in found.steps if step.kind is Kind.ATTEMPT]
    for before, after in itertools.pairwise(attempts):
        gap = after.start - before.end
        waits = [step for step in found.steps if step.kind is Kind.WAIT and step.end == after.start]
        assert bool(waits) == (gap >= timedelta(milliseconds=2)), (before, after)
    assert {step.tone for step in attempts} == {Tone.OK, Tone.BAD}
    assert all("circuit " in step.text for step in attempts)
    store.close()


def test_a_request_that_opened_a_circuit_shows_the_opening() -> None:
    store = read(next(path for path in SAMPLES if path.stem == "primary_down"))
    sql = "SELECT trigger_request_ids[1] AS id FROM others WHERE to_state = 'OPEN' LIMIT 1"

    found = story(store, store.query(sql, {})[0]["id"])

    assert found is not None
    assert any(step.kind is Kind.CIRCUIT and "OPEN" in step.text for step in found.steps)
    store.close()


def test_a_request_that_nobody_names_has_no_story() -> None:
    store = read(SAMPLES[0])

    assert story(store, "nobody") is None
    store.close()


def test_lines_of_several_files_are_merged_by_time(tmp_path: Path) -> None:
    lines = SAMPLES[0].read_text().splitlines(keepends=True)
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    first.write_text("".join(lines[::2]))
    second.write_text("".join(lines[1::2]))
    store = read(first, second)

    found = find(store, Search(), ALL, shown=1_000_000).lines

    assert len(found) == len(lines)
    assert [line.at for line in found] == sorted(line.at for line in found)
    store.close()


def test_a_spreadsheet_finds_no_formula_in_an_export() -> None:
    exported = as_csv(("at", "text"), [(1, '=HYPERLINK("http://evil")'), (None, '@x, "y"'), (-2.5, "plain")])

    assert exported.splitlines() == ["at,text", '1,"\'=HYPERLINK(""http://evil"")"', ',"\'@x, ""y"""', "-2.5,plain"]
