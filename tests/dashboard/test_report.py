"""A report holds the incident's numbers, in the usual order, and nothing that would be redacted or become markup."""

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from dashboard.__main__ import main
from dashboard.alerts.ledger import acknowledge, ledger_file
from dashboard.incidents.notes import Note, add_note, notes_file
from dashboard.packing import PLOTLY_FILE
from dashboard.settings import Settings, load, store_file
from resilience.simulator.samples import DIRECTORY
from tests.canaries import CANARIES
from tests.dashboard.report_kit import planted

ORDER = (
    "Summary",
    "Impact",
    "Root causes",
    "Trigger",
    "Resolution",
    "Detection",
    "Action items",
    "Lessons learned",
    "Timeline",
)


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METIS_DASHBOARD_STORE", f"{tmp_path}/stores/")
    (tmp_path / "stores").mkdir()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def written(out: Path) -> dict[str, bytes]:
    return {path.suffix[1:]: path.read_bytes() for path in out.iterdir()}


@cache
def plotly() -> str:
    return PLOTLY_FILE.read_text("utf-8")


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def test_the_list_names_every_incident_with_its_start() -> None:
    result = run(DIRECTORY / "mixed_day.log", "--list")

    assert result.exit_code == 0
    assert [line.split()[:3] for line in result.output.splitlines()][:2] == [
        ["1", "2026-03-02", "02:01:48.331"],
        ["2", "2026-03-02", "07:30:21.120"],
    ]
    assert len(result.output.splitlines()) == 7


def test_a_report_is_markdown_a_page_and_an_archive(tmp_path: Path) -> None:
    result = run(DIRECTORY / "all_down.log", "--out", tmp_path / "out")

    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"incident-20260302T000500Z.{kind}" for kind in ("html", "md", "zip")]
    assert sorted(result.output.split()) == [str(tmp_path / "out" / name) for name in names]


def test_the_post_mortem_has_the_usual_order_and_the_numbers(tmp_path: Path) -> None:
    run(DIRECTORY / "all_down.log", "--out", tmp_path / "out")
    text = written(tmp_path / "out")["md"].decode()

    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE))[: len(ORDER)] == ORDER
    for said in ("- requests: 529", "- failed: 350", "time to detect: 9.0 s", "time to resolve: 17 min 10 s"):
        assert said in text
    assert "METIS\\_LLM\\_TIMEOUT\\_SECONDS" in text  # the runbook's fix, escaped
    assert text.count("**To fill in:**") >= 8


def acknowledged(ledger: Path) -> None:
    fired, at = (datetime(2026, 3, 2, 0, 5, second, tzinfo=UTC) for second in (10, 50))
    acknowledge(ledger, "primary_circuit_open", fired, "jane.doe@example.com", "| looking", at)


def test_who_acknowledged_is_in_the_report_with_the_source(tmp_path: Path) -> None:
    log = DIRECTORY / "primary_down.log"
    acknowledged(ledger_file(store_file(_settings(log))))

    run(log, "--out", tmp_path / "out")

    files = written(tmp_path / "out")
    text, page = files["md"].decode(), files["html"].decode()
    assert "- first human action: 2026-03-02 00:05:50.000 UTC (by the ledger of alerts)" in text
    assert "- time to act: 40.0 s" in text
    said = "acknowledged Primary's circuit open, firing since 2026-03-02 00:05:10 (\\| looking)"
    assert f"UTC: \\[EMAIL\\]: {said} (by the ledger of alerts)" in text  # resolution
    assert f"| ledger of alerts | \\[EMAIL\\]: {said} |" in text  # timeline
    assert '<span class="step">ledger of alerts</span>[EMAIL]: acknowledged' in page


def test_a_ledger_from_elsewhere_is_named_and_must_be_there(tmp_path: Path) -> None:
    log, ledger = DIRECTORY / "primary_down.log", tmp_path / "copied.jsonl"
    without = run(log, "--out", tmp_path / "without")
    missing = run(log, "--ledger", ledger, "--out", tmp_path / "missing")
    acknowledged(ledger)
    with ledger.open("a") as file:
        file.write("torn\n")

    told = run(log, "--ledger", ledger, "--out", tmp_path / "told")

    assert (without.exit_code, missing.exit_code, told.exit_code) == (0, 2, 0)
    assert "there is no ledger of alerts" in written(tmp_path / "without")["md"].decode()
    assert "copied.jsonl" in missing.stderr
    assert "line 2 is no entry of this version" in told.stderr
    assert "00:05:50.000 UTC (by the ledger of alerts)" in written(tmp_path / "told")["md"].decode()


def test_a_range_has_a_report_of_its_own(tmp_path: Path) -> None:
    result = run(
        DIRECTORY / "all_down.log", "--since", "2026-03-02T00:01", "--until", "2026-03-02T00:03", "--out", tmp_path
    )

    assert result.exit_code == 0
    text = (tmp_path / "range-20260302T000100Z-20260302T000300Z.md").read_text("utf-8")
    assert "- failed: 0" in text
    assert "not in this range" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mixed_day.log"], "there are 7 incidents"),
        (["mixed_day.log", "--incident", "8"], "--incident must be from 1 to 7, got 8"),
        (["mixed_day.log", "--since", "soon"], "--since must be a UTC time"),
        (["mixed_day.log", "--since", "1h", "--until", "2h"], "--since must be before --until"),
        (["mixed_day.log", "--incident", "1", "--out", "mixed_day.log/x"], "must be a folder that can be written"),
    ],
)
def test_what_cannot_be_reported_says_why(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DIRECTORY)

    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_rule_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[rule.error_rate]\nthreshold = 'high'\n")

    result = run(DIRECTORY / "all_down.log", "--list", "--rules", tmp_path / "rules.toml")

    assert result.exit_code == 2
    assert "rules.toml" in result.stderr


def test_the_archive_has_evidence_tables_and_rules(tmp_path: Path) -> None:
    run(DIRECTORY / "primary_down.log", "--out", tmp_path / "out")
    files = unzipped(written(tmp_path / "out")["zip"])
    log = (DIRECTORY / "primary_down.log").read_text("utf-8")

    kept = files["incident_logs.txt"].decode().splitlines()
    inside = [line for line in log.splitlines() if "2026-03-02T00:05:01.0" < line < "2026-03-02T00:22:17.2"]
    errors = [line for line in inside if "ERROR" in line]
    assert errors
    assert set(errors) <= set(kept)
    transitions = [line for line in inside if "BREAKER_TRANSITION" in line]
    for name in ("transitions.csv", "transitions.parquet"):
        (tmp_path / name).write_bytes(files[name])
        (count,) = duckdb.sql(f"SELECT count(*) FROM '{tmp_path / name}'").fetchall()[0]
        assert count == len(transitions)
    attempts = [line for line in inside if '"event":"LLM_ATTEMPT"' in line]
    assert files["attempts.csv"].decode().count("\n") == 1 + len(attempts)
    rules = json.loads(files["rules.json"])
    assert {rule["name"] for rule in rules["rules"]} >= {"error_rate", "fallback_rate"}
    assert json.loads(files["settings.json"])["orders"][0]["order"][0] == "openrouter"


def test_the_same_incident_gives_the_same_files(tmp_path: Path) -> None:
    for out in ("one", "two"):
        run(DIRECTORY / "primary_down.log", "--out", tmp_path / out)

    assert written(tmp_path / "one") == written(tmp_path / "two")


def test_nothing_that_is_redacted_is_in_any_file(tmp_path: Path) -> None:
    log = planted(tmp_path / "planted.log")
    add_note(
        notes_file(store_file(_settings(log))),
        Note(datetime(2026, 3, 2, 0, 10, tzinfo=UTC), datetime.now(UTC), "jane.doe@example.com", " ".join(CANARIES)),
    )

    result = run(log, "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    files = written(tmp_path / "out")
    texts = {name: content.decode() for name, content in files.items() if name != "zip"}
    for name, content in unzipped(files["zip"]).items():
        if name.endswith(".parquet"):
            texts[name] = repr(pd.read_parquet(io.BytesIO(content)).to_dict("records"))
        else:
            texts[name] = content.decode()
    texts["html"] = texts["html"].replace(plotly(), "")
    for name, text in texts.items():
        for canary, secret in CANARIES.items():
            assert secret not in text, (name, canary)
    assert "[SECRET]" in texts["incident_logs.txt"]
    assert "\\[SECRET\\]" in texts["md"]  # in the timeline, and in the note
    assert "## Notes" in texts["md"]


def test_text_from_the_log_is_no_markup_link_or_formula(tmp_path: Path) -> None:
    run(planted(tmp_path / "planted.log"), "--out", tmp_path / "out")
    files = written(tmp_path / "out")

    page = files["html"].decode().replace(plotly(), "")
    assert "<script>window.hacked" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    text = files["md"].decode()
    assert "<script>" not in text.replace("\\<", "")
    assert "[click](" not in text
    assert "https://evil" not in text
    assert "| cell |" not in text
    csv = unzipped(files["zip"])["attempts.csv"].decode()
    assert "=cmd" in csv
    assert not re.search(r'(^|,)"?=', csv, re.MULTILINE)


def test_the_page_names_no_host_outside_the_library(tmp_path: Path) -> None:
    run(DIRECTORY / "primary_down.log", "--out", tmp_path / "out")
    page = written(tmp_path / "out")["html"].decode()

    assert page.count(plotly()) == 1
    rest = page.replace(plotly(), "")
    assert not re.search(r"(src|href)=", rest)
    assert "default-src 'none'" in rest


def _settings(log: Path) -> Settings:
    return replace(load(), logs=(str(log),))
