"""`python -m dashboard stats`: the numbers of the sample logs, and what happens to bad input."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from resilience.events import (
    AttemptFinished,
    CircuitChanged,
    FellBack,
    GuardTriggered,
    Origin,
    RequestFinished,
    RequestStatus,
    from_line,
    to_line,
)

SAMPLES = Path(__file__).parents[2] / "sample_logs"


def stats(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard", "stats", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"METIS_DASHBOARD_STORE": str(cwd)} if cwd else None,
    )


def numbers(store: Path, *arguments: str) -> dict[str, Any]:
    done = stats(*arguments, "--json", cwd=store)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def quantile(values: list[float], share: float) -> float:
    """Linear interpolation, written out."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@pytest.mark.parametrize("name", ["primary_down", "rate_limited", "all_down", "flapping", "mixed_day"])
def test_the_numbers_of_a_sample_equal_a_count_by_hand(name: str, tmp_path: Path) -> None:
    path = SAMPLES / f"{name}.log"
    records = [record for line in path.read_text().splitlines() if (record := from_line(line))]
    events = [record.event for record in records]
    attempts = [e for e in events if isinstance(e, AttemptFinished)]
    requests = [e for e in events if isinstance(e, RequestFinished)]
    counted = [r for r in requests if r.status not in ("cancelled", "blocked", "rejected")]
    fallbacks = [e for e in events if isinstance(e, FellBack)]

    found = numbers(tmp_path, str(path))

    assert (found["events"], found["rejects"]) == (len(records), 0)
    for provider, row in found["providers"].items():
        own = [a for a in attempts if a.provider == provider]
        ended = [a for a in own if a.status != "cancelled"]
        times = [a.generation_time_ms for a in ended]
        by_status = Counter(str(a.status) for a in own)
        assert row == {
            "attempts": len(own),
            "success": by_status["success"],
            "failed": by_status["failed"],
            "cancelled": by_status["cancelled"],
            "success_rate": pytest.approx(by_status["success"] / len(ended), abs=1e-6),
            "p50_ms": pytest.approx(quantile(times, 0.5), abs=1e-3),
            "p95_ms": pytest.approx(quantile(times, 0.95), abs=1e-3),
        }
    failed = [r for r in counted if r.status != "success"]
    fell_back = [r for r in counted if r.fallbacks]
    waits = [r.total_ms for r in counted]
    assert {key: found["requests"][key] for key in ("total", "success", "failed", "with_fallback", "derived")} == {
        "total": len(counted),
        "success": len(counted) - len(failed),
        "failed": len(failed),
        "with_fallback": len(fell_back),
        "derived": False,
    }
    assert found["requests"]["error_rate"] == pytest.approx(len(failed) / len(counted), abs=1e-6)
    assert found["requests"]["fallback_rate"] == pytest.approx(len(fell_back) / len(counted), abs=1e-6)
    assert found["requests"]["p95_ms"] == pytest.approx(quantile(waits, 0.95), abs=1e-3)
    assert found["requests"]["wasted_ms"] == pytest.approx(sum(r.wasted_ms for r in counted), abs=0.01)
    assert found["fallbacks"] == {
        "total": len(fallbacks),
        "by_reason": dict(Counter(str(f.reason) for f in fallbacks)),
        "by_pair": dict(Counter(f"{f.from_provider}->{f.to_provider}" for f in fallbacks)),
    }
    for provider, circuit in found["circuits"].items():
        moves = [r for r in records if isinstance(r.event, CircuitChanged) and r.event.provider == provider]
        assert circuit["transitions"] == [
            {
                "at": r.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "from": str(r.event.from_),
                "to": str(r.event.to),
                "cause": str(r.event.cause),
            }
            for r in moves
            if isinstance(r.event, CircuitChanged)
        ]


def test_a_plain_log_of_the_same_incident_tells_the_same_attempts_and_openings(tmp_path: Path) -> None:
    plain = numbers(tmp_path / "a", str(SAMPLES / "plain_backend.log"))
    structured = numbers(tmp_path / "b", str(SAMPLES / "all_down.log"))

    assert plain["requests"]["derived"] is True
    assert plain["fallbacks"]["total"] == structured["fallbacks"]["total"]
    for provider, row in structured["providers"].items():
        own = plain["providers"][provider]
        assert (own["success"], own["failed"]) == (row["success"], row["failed"])
    for provider, circuit in structured["circuits"].items():
        states = [change["to"] for change in plain["circuits"][provider]["transitions"]]
        assert states.count("OPEN") == [change["to"] for change in circuit["transitions"]].count("OPEN")


def test_what_the_guards_did_and_took_is_told_where_the_log_tells_it(tmp_path: Path) -> None:
    log = tmp_path / "backend_live.log"
    lines = []
    for second in range(4):
        acted = GuardTriggered(request_id=f"r{second // 2}", guard="pii", action="redacted", counts={}, where="input")
        ended = RequestFinished(
            request_id=f"r{second}",
            status=RequestStatus.BLOCKED if second == 3 else RequestStatus.SUCCESS,
            provider=None,
            attempts=0,
            fallbacks=0,
            total_ms=100.0,
            wasted_ms=0.0,
            guard_ms=2.0 + second,
        )
        lines += [to_line(event, 1_772_442_000.0 + second, Origin("m", "t", 1)) for event in (acted, ended)]
    log.write_text("".join(lines))

    found = numbers(tmp_path / "store", str(log))["guards"]
    table = stats(str(log), cwd=tmp_path / "store").stdout

    acted_row = {"guard": "pii", "action": "redacted", "where": "input", "times": 4, "requests": 2}
    assert found["actions"] == [acted_row]
    assert (found["guarded"], found["blocked"], found["p50_ms"], found["share_of_time"]) == (4, 1, 3.5, 0.035)
    assert "Guards took p50 3.5 ms, p95 4.8 ms, 3.5 % of what callers waited (n 4); requests blocked: 1" in table
    assert "Guards" not in stats(str(SAMPLES / "primary_down.log"), cwd=tmp_path / "store").stdout


def test_since_and_until_take_times_and_ages(tmp_path: Path) -> None:
    path = str(SAMPLES / "primary_down.log")

    by_age = numbers(tmp_path, path, "--since", "10m", "--until", "5m")
    window = by_age["window"]
    by_time = numbers(tmp_path, path, "--since", window["since"], "--until", window["until"])

    assert by_age == by_time
    assert 0 < by_age["events"] < numbers(tmp_path, path)["events"]


def test_a_known_log_that_has_grown_is_read_on(tmp_path: Path) -> None:
    lines = (SAMPLES / "primary_down.log").read_text().splitlines(keepends=True)
    log = tmp_path / "backend_live.log"
    log.write_text("".join(lines[:1000]))
    first = numbers(tmp_path / "store", str(log))
    with log.open("a") as file:
        file.write("".join(lines[1000:]))

    second = numbers(tmp_path / "store", str(log))

    assert (first["events"], second["events"]) == (1000, len(lines))


def test_a_log_written_anew_under_the_same_name_counts_alone(tmp_path: Path) -> None:
    log = tmp_path / "backend_live.log"
    log.write_bytes((SAMPLES / "primary_down.log").read_bytes())
    numbers(tmp_path / "store", str(log))
    log.write_bytes((SAMPLES / "all_down.log").read_bytes())

    fresh = tmp_path / "fresh" / log.name  # a source bears its file's name
    fresh.parent.mkdir()
    fresh.write_bytes(log.read_bytes())
    assert numbers(tmp_path / "store", str(log)) == numbers(tmp_path / "other", str(fresh))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.log"], "missing.log must be a log file"),
        (["."], "it is a folder"),
        ([str(SAMPLES / "all_down.log"), "--since", "yesterday"], "--since must be a UTC time"),
        ([str(SAMPLES / "all_down.log"), "--since", "5m", "--until", "10m"], "--since must be before --until"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = stats(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_table_is_for_people_and_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    whole = stats(str(SAMPLES / "primary_down.log"), cwd=tmp_path)
    command = f"{sys.executable} -m dashboard stats {SAMPLES / 'primary_down.log'} | head -1"
    piped = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"METIS_DASHBOARD_STORE": str(tmp_path / "store")},  # another test may use the usual one now
    )

    assert "openrouter" in whole.stdout
    assert "98.5 %" in whole.stdout
    assert piped.stderr == ""


def test_an_empty_log_has_unknown_rates_not_zeros(tmp_path: Path) -> None:
    log = tmp_path / "backend_live.log"
    log.write_text("hello\n")

    found = numbers(tmp_path / "store", str(log))

    assert found["events"] == 0
    assert found["requests"]["error_rate"] is None
    assert found["providers"] == {}
