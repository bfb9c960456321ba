"""Silences and acknowledgements: what holds when, and what the file says after anything that can happen to it."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.alerts.ledger import acknowledge, end_silence, read_ledger, silence
from dashboard.alerts.silences import Silence, SilenceError, acknowledged, duration, silenced, suppressed
from tests.dashboard.alert_kit import RULES, SAMPLES, SLOW, at, fired, resolved


def quiet(matcher: str, start_s: float = 0, end_s: float = 100, **more: object) -> Silence:
    return Silence("1", matcher, at(end_s), "olga", "maintenance", at(start_s), **more)  # type: ignore[arg-type]


def test_a_silence_holds_from_its_beginning_up_to_but_not_including_its_end() -> None:
    one = quiet("*", 10, 20)

    assert [one.in_force(at(s)) for s in (9.9, 10, 19.9, 20)] == [False, True, True, False]
    assert [quiet("*", 10, 20, ended_at=at(15)).in_force(at(s)) for s in (14.9, 15)] == [True, False]


@pytest.mark.parametrize(
    ("matcher", "names"),
    [("*", ["exhausted", "errors", "slow"]), ("critical", ["exhausted", "errors"]), ("slow", ["slow"])],
)
def test_a_matcher_is_a_rule_a_severity_or_everything(matcher: str, names: list[str]) -> None:
    assert [rule.name for rule in RULES.rules if silenced(rule, [quiet(matcher)], at(1))] == names


def test_of_several_silences_the_longest_is_named() -> None:
    short, long = quiet("slow", end_s=50), quiet("*", end_s=70)

    assert silenced(SLOW, [short, long], at(1)) == long
    assert silenced(SLOW, [short, long], at(80)) is None


def test_what_a_silence_suppressed_are_the_alerts_that_began_to_fire_under_it() -> None:
    changes = [fired("errors", 10), resolved("errors", 30, 10), fired("slow", 40), fired("errors", 120)]

    found = suppressed(changes, RULES, [quiet("critical")])

    assert [(each.change, each.silence) for each in found] == [(changes[0], quiet("critical"))]


def test_what_is_written_is_read_again_and_all_of_it_stays_as_the_audit(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.jsonl"

    one = silence(path, RULES, "slow", at(100), "olga", "maintenance", at(0))
    ack = acknowledge(path, "errors", at(5), "vera", "on it", at(6))
    end_silence(path, one.id, "vera", "done", at(50))
    found = read_ledger(path)

    assert [(s.id, s.matcher, s.end_at, s.actor, s.ended_by) for s in found.silences] == [
        (one.id, "slow", at(50), "olga", "vera")
    ]
    assert found.acknowledgements == (ack,)
    assert acknowledged("errors", at(5), found.acknowledgements) == ack
    assert acknowledged("errors", at(7), found.acknowledgements) is None  # a later alert is another one
    assert [(e.kind, e.actor, e.reason) for e in found.entries] == [
        ("silence", "olga", "maintenance"),
        ("acknowledge", "vera", "on it"),
        ("end_silence", "vera", "done"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none").entries == ()


def test_broken_lines_are_told_and_the_others_hold(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    silence(path, RULES, "slow", at(100), "olga", "one", at(0))
    with path.open("ab") as file:
        file.write(b'{"v": 2, "kind": "silence"}\n\xff\xfe\n[]\n{"v":1,"kind":"acknowledge","at":"2026-03-02T00:00:00"')

    acknowledge(path, "errors", at(5), "vera", "two", at(6))  # after a torn line without an end
    found = read_ledger(path)

    assert [entry.reason for entry in found.entries] == ["one", "two"]
    assert [note.split(" is ")[0] for note in found.notes] == [f"{path}, line {number}" for number in (2, 3, 4, 5)]


def test_many_processes_write_whole_lines_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    code = f"""
from pathlib import Path
from dashboard.alerts.ledger import acknowledge
from tests.dashboard.alert_kit import at
import sys
for number in range(50):
    acknowledge(Path({str(path)!r}), "errors", at(number), sys.argv[1], "r" * 200)
"""
    children = [subprocess.Popen([sys.executable, "-c", code, f"actor-{n}"], cwd=SAMPLES.parent) for n in range(3)]

    assert [child.wait(60) for child in children] == [0, 0, 0]
    found = read_ledger(path)

    assert found.notes == ()
    assert len(found.acknowledgements) == 150


@pytest.mark.parametrize(
    ("matcher", "until_s", "actor", "reason", "message"),
    [
        (
            "sloow",
            100,
            "olga",
            "why",
            "matcher must be one of \\*, critical, warning, exhausted, errors, slow, got 'sloo",
        ),
        ("slow", 0, "olga", "why", "until must be after 2026-03-02T00:00:00"),
        ("slow", 86_400 * 31, "olga", "why", "not after 2026-04-01"),
        ("slow", 100, " ", "why", "actor must be 1 to 100 printable characters, got ' '"),
        ("slow", 100, "olga", "two\nlines", "reason must be 1 to 200 printable characters, got 'two"),
        ("slow", 100, "olga", "x" * 201, "reason must be 1 to 200"),
    ],
)
def test_a_silence_that_nobody_could_have_meant_is_refused(
    matcher: str, until_s: float, actor: str, reason: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SilenceError, match=message):
        silence(tmp_path / "ledger", RULES, matcher, at(until_s), actor, reason, at(0))

    assert list(tmp_path.iterdir()) == []


def test_only_a_silence_in_force_can_be_ended(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    one = silence(path, RULES, "*", at(100), "olga", "why", at(0))

    with pytest.raises(KeyError):
        end_silence(path, "other", "olga", "why", at(1))
    with pytest.raises(KeyError):
        end_silence(path, one.id, "olga", "why", at(100))


def test_durations_are_a_number_and_a_unit() -> None:
    assert [duration(text) for text in ("90s", "30m", "2h", "1d")] == [
        timedelta(seconds=90), timedelta(minutes=30), timedelta(hours=2), timedelta(days=1),
    ]  # fmt: skip
    for text in ("", "0m", "-1h", "1w", "1.5h"):
        with pytest.raises(SilenceError, match="a duration must be such as"):
            duration(text)
