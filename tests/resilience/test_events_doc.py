"""docs/events.md says what the code does: kinds, fields, types, words, the runbook's commands."""

import re
from dataclasses import fields
from enum import StrEnum

import pytest

from resilience.events import (
    KINDS,
    AttemptStatus,
    Cause,
    Event,
    Reason,
    RequestStatus,
    Severity,
    State,
    from_line,
    to_line,
)
from tests.resilience.events_doc import DOC, documented_fields, rows, section
from tests.runbook import LOG_COMMANDS

TYPES = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "Reason": "reason",
    "State": "state",
    "Cause": "cause",
    "AttemptStatus": "attempt status",
    "RequestStatus": "request status",
    "datetime": "UTC time",
    "tuple[str, ...]": "list of text",
    "tuple[Tried, ...]": "list of objects",
    "tuple[tuple[str, str, str], ...]": "list of objects",
    "Mapping[str, int]": "object",
    "Mapping[str, str]": "object",
}


def type_words(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    plain = re.sub(r"[a-z_]+\.(?:[a-z_]+\.)*(?=[A-Z]|datetime)", "", text).replace(" | None", "")
    return TYPES[plain.removeprefix("datetime.")]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.kind)
def test_the_docs_list_each_field_of_a_kind_with_its_type(kind: type[Event]):
    documented = documented_fields(kind.kind)

    in_code = {f.name.rstrip("_"): f for f in fields(kind)}
    assert sorted(documented) == sorted(in_code)
    for name, row in documented.items():
        expected = "text" if name == "generation_time_ms" else type_words(in_code[name].type)
        assert (name, row.type) == (name, expected)
        assert (name, row.always) == (name, "None" not in str(in_code[name].type))
        for unit, words in (("_ms", "ms"), ("_s", "seconds")):
            if name.endswith(unit):
                assert words in row.meaning, f"{name} is documented without its unit"


def test_the_docs_list_each_kind_once():
    in_table = [cells[0] for cells in rows("Kinds")]
    with_heading = re.findall(r"^### ([A-Z_]+)$", DOC, re.MULTILINE)

    assert sorted(in_table) == sorted(KINDS)
    assert sorted(with_heading) == sorted(KINDS)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Reasons", Reason),
        ("Causes", Cause),
        ("States", State),
        ("Levels", Severity),
        ("Attempt statuses", AttemptStatus),
        ("Request statuses", RequestStatus),
    ],
)
def test_the_docs_list_each_word_of_the_vocabulary(title: str, words: type[StrEnum]):
    assert sorted(cells[0] for cells in rows(title)) == sorted(words)


def test_the_docs_say_what_each_of_the_runbooks_commands_finds():
    documented = [cells[0].replace("\\|", "|") for cells in rows("What the runbook's commands find")]

    assert documented == list(dict.fromkeys(command.text for command in LOG_COMMANDS))


def test_the_docs_show_a_line_that_the_code_writes():
    [example] = re.findall(r"^    (\d{4}-.*)$", section("A line"), re.MULTILINE)

    record = from_line(example)

    assert to_line(record.event, record.at.timestamp(), record.origin) == example + "\n"
