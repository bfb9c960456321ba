"""The settings of then, by the lines of the log: what was in force, and what it does not tell."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from click.testing import CliRunner

from dashboard.__main__ import main
from dashboard.report.in_force import HIDDEN, InForce, in_force
from resilience.events import (
    ConfigChanged,
    Event,
    Origin,
    ProvidersInitialized,
    Record,
    ServiceStarted,
    ServiceStopped,
    from_line,
    to_line,
)
from resilience.simulator.samples import DIRECTORY
from tests.dashboard.test_report import unzipped

START = datetime(2026, 3, 2, tzinfo=UTC)
ORDER = ("openrouter", "anthropic")


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def written(second: float, event: Event, instance: str = "host-1", pid: int = 7) -> str:
    return to_line(event, at(second).timestamp(), Origin("metis", instance, pid))


def record(second: float, event: Event, instance: str = "host-1", pid: int = 7) -> Record:
    found = from_line(written(second, event, instance, pid))
    assert found is not None
    return found


def started(settings: dict[str, str] | None) -> ServiceStarted:
    return ServiceStarted(version="1.0", config_version=1, order=ORDER, settings=settings)


def changed(*changes: tuple[str, str, str], version: int = 2) -> ConfigChanged:
    return ConfigChanged(version=version, actor="sre", reason="", origin="api", changes=changes)


RUN = (
    record(0, started({"METIS_LLM_CIRCUIT_THRESHOLD": "5"})),
    record(10, changed(("METIS_LLM_TIMEOUT_SECONDS", "45", "90"), ("METIS_LLM_CIRCUIT_THRESHOLD", "5", "3"))),
    record(20, ProvidersInitialized(order=("anthropic", "openrouter"))),
    record(30, changed(("METIS_LLM_TIMEOUT_SECONDS", "90", "30"), version=3)),
)


def test_the_start_and_the_changes_before_a_moment_are_in_force_then() -> None:
    then = InForce(
        *("metis", "host-1", 7),
        started_at=START,
        program_version="1.0",
        config_version=2,
        order=("anthropic", "openrouter"),
        settings={"METIS_LLM_CIRCUIT_THRESHOLD": "3", "METIS_LLM_TIMEOUT_SECONDS": "90"},
        complete=True,
    )

    assert in_force(RUN, at(29)) == (then,)
    assert in_force(RUN, at(-1)) == ()


def test_a_log_whose_beginning_is_missing_knows_only_what_was_changed() -> None:
    (then,) = in_force(RUN[1:], at(15))

    assert (then.complete, then.started_at, then.order) == (False, None, None)
    assert then.settings == {"METIS_LLM_TIMEOUT_SECONDS": "90", "METIS_LLM_CIRCUIT_THRESHOLD": "3"}


def test_a_start_that_tells_no_settings_is_not_complete() -> None:
    (then,) = in_force([record(0, started(None))], at(1))

    assert (then.settings, then.complete, then.program_version) == ({}, False, "1.0")


def test_a_restart_begins_anew_and_what_has_stopped_is_left_out() -> None:
    stopped = ServiceStopped(version="1.0", config_version=3, order=ORDER)
    again = [
        *RUN,
        record(40, started({}), pid=8),
        record(41, started({}), "host-2", 9),
        record(50, stopped, "host-2", 9),
    ]

    assert [(each.instance, each.pid) for each in in_force(again, at(45))] == [("host-1", 8), ("host-2", 9)]
    assert [(each.pid, each.settings) for each in in_force(again, at(60))] == [(8, {})]


def test_a_value_that_is_no_number_and_no_word_is_not_shown() -> None:
    told = {"METIS_LLM_STREAM_MODE": "live", "METIS_LLM_X": "0f3c9a7e55d14b21", "METIS_LLM_Y": "https://a:b@c"}

    (then,) = in_force([record(0, started(told))], at(1))

    assert then.settings == {"METIS_LLM_STREAM_MODE": "live", "METIS_LLM_X": HIDDEN, "METIS_LLM_Y": HIDDEN}


def settings_of_report(log: Path, folder: Path) -> dict[str, object]:
    arguments = ["report", str(log), "--incident", "1", "--out", str(folder / "out")]
    result = CliRunner().invoke(main, arguments, env={"METIS_DASHBOARD_STORE": str(folder)})
    assert result.exit_code == 0, result.output
    (bundle,) = (folder / "out").glob("*.zip")
    found: dict[str, object] = json.loads(unzipped(bundle.read_bytes())["settings.json"])
    return found


def test_the_archive_has_the_settings_of_then_and_the_changes_until_the_end(tmp_path: Path) -> None:
    lines = (DIRECTORY / "primary_down.log").read_text("utf-8").splitlines(keepends=True)
    before, during, after = (
        written(second, changed(("METIS_LLM_TIMEOUT_SECONDS", "45", new), version=number), "simulated", 1)
        for number, (second, new) in enumerate([(60, "90"), (600, "30"), (3500, "45")], 2)
    )
    log = tmp_path / "changed.log"
    log.write_text("".join(sorted([*lines, before, during, after], key=lambda line: line[:24])), "utf-8")

    found = settings_of_report(log, tmp_path)

    assert found["at"] == "2026-03-02 00:05:01.023 UTC"
    assert found["in_force"] == [
        {
            "service": "metis",
            "instance": "simulated",
            "pid": 1,
            "started_at": "2026-03-02 00:00:00.000 UTC",
            "program_version": "simulated",
            "config_version": 2,
            "order": ["openrouter", "anthropic", "deepseek", "openai"],
            "settings": {"METIS_LLM_TIMEOUT_SECONDS": "90"},
            "complete": True,
        }
    ]
    told = [change["changes"] for change in found["changes"]]  # type: ignore[attr-defined]
    assert told == ["METIS_LLM_TIMEOUT_SECONDS: 45 → 90", "METIS_LLM_TIMEOUT_SECONDS: 45 → 30"]


def test_a_log_that_tells_no_settings_says_so(tmp_path: Path) -> None:
    found = settings_of_report(DIRECTORY / "plain_backend.log", tmp_path)

    assert found["in_force"] == []
    assert str(found["note"]).startswith("The log does not tell what was in force.")
