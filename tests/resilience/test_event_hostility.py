"""Text from outside, in every field that can hold it, against the real grep: no line begins, no count changes."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.events import (
    AttemptFinished,
    Origin,
    from_line,
    to_line,
)
from tests.resilience.hostile_text import AT_S, CONTROLS, ESCAPE_MADE, PLANTED, WORDS, events_with, log_of
from tests.runbook import LOG, LOG_COMMANDS

SELECTIONS = sorted({command.selection for command in LOG_COMMANDS if not command.follows})


def found(selection: str, log: Path, locale: str) -> list[str]:
    """The times of the lines that a command of the runbook selects."""
    run = subprocess.run(
        ["bash", "-c", selection], cwd=log.parent, env={"LC_ALL": locale, "PATH": "/usr/bin:/bin"}, capture_output=True
    )
    assert run.stderr == b""
    return [line[:24] for line in run.stdout.decode("utf-8").split("\n") if line not in ("", "--")]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = tmp_path_factory.mktemp("hostile") / LOG
    log.write_bytes("".join(log_of(PLANTED)).encode())
    return log


@pytest.fixture(scope="module")
def tame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    log = tmp_path_factory.mktemp("tame") / LOG
    log.write_bytes("".join(log_of(["x"] * len(PLANTED))).encode())
    return log


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_planted_text_changes_nothing_that_a_command_finds(selection: str, locale: str, hostile: Path, tame: Path):
    expected = found(selection, tame, locale)

    assert expected
    assert found(selection, hostile, locale) == expected


def test_planted_text_begins_no_line(hostile: Path):
    raw = hostile.read_bytes()

    lines = raw.split(b"\n")
    assert len(lines) == len(PLANTED) * len(events_with("")) + 1
    assert raw.decode("utf-8").splitlines() == [line.decode("utf-8") for line in lines[:-1]]
    for line in lines[:-1]:
        assert re.match(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING|ERROR):src\.integrations", line)


def test_no_control_or_bidi_character_reaches_the_file(hostile: Path):
    text = hostile.read_bytes().decode("utf-8")

    assert set(text) - set(map(chr, range(32, 127))) == set("\n✅❌⚠️")


@pytest.mark.parametrize("text", PLANTED, ids=ascii)
def test_a_program_reads_the_planted_text_as_it_was(text: str):
    origin = Origin(service=text, instance=text, pid=7)

    for event in events_with(text):
        record = from_line(to_line(event, AT_S, origin))

        assert record is not None
        assert (record.event, record.origin) == (event, origin)


CONTRACT = re.compile(
    "success|failed|LLM_ATTEMPT|Falling back|generation_time_ms|PRIMARY|Opening|[cC]ircuit|OPEN|CLOSED|ERROR"
)
PIECES = st.lists(
    st.sampled_from([*WORDS, *CONTROLS, *ESCAPE_MADE, "\\", '"', "f", "ailed", "c", "ircuit"]) | st.text(max_size=3)
)


@given(text=PIECES.map("".join))
@settings(max_examples=50)
def test_whatever_stands_in_a_field_a_line_keeps_its_words(text: str):
    origin = Origin(service=text, instance=text, pid=7)

    for hostile, tame in zip(events_with(text), events_with("x"), strict=True):
        line = to_line(hostile, AT_S, origin)

        assert CONTRACT.findall(line) == CONTRACT.findall(to_line(tame, AT_S, Origin("x", "x", 7)))
        assert (from_line(line).event, from_line(line).origin) == (hostile, origin)


def test_a_planted_line_is_not_read_as_an_event():
    forged = to_line(events_with("x")[0], AT_S, Origin("metis", "host", 7))

    lines = "".join(log_of([f"\n{forged}", f"\r\n{forged}", f"\u2028{forged}"])).splitlines()

    assert len(lines) == 3 * len(events_with(""))
    assert sum(isinstance(from_line(line).event, AttemptFinished) for line in lines) == 3 * 4
