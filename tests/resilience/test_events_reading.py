"""Reading a line back: what is an event, what is none, and what a newer writer may add."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.events import (
    LOGGER,
    Event,
    UnknownEvent,
    from_line,
    to_line,
)
from tests.resilience.event_strategies import AT_S, EVENTS, EVERY_KIND, HERE, MODEL, attempt
from tests.resilience.events_doc import Row, documented_fields


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_reading_any_line_raises_nothing(text: str):
    assert from_line(text) is None


def test_an_object_that_nests_without_end_is_no_event():
    head = to_line(attempt(), AT_S, HERE).partition("{")[0]

    assert from_line(head + '{"v":' + "[" * 100_000 + "]" * 100_000 + "}") is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_makes_a_line_no_event(number: str):
    line = to_line(attempt(ttft_ms=1.5), AT_S, HERE)

    assert from_line(line.replace('"ttft_ms":1.5', f'"ttft_ms":{number}')) is None
    assert from_line(line.replace('"1234.5"', f'"{number}"')) is None


WRONG = [True, 7, 7.5, "seven", [7], [None], [["a", "b"]], {"a": None}]
MAY_BE_ABSENT = {"severity", "service", "instance", "pid", "streamed", "component", "trigger_request_ids"}


def fits(name: str, row: Row, wrong: object) -> bool:
    """Whether the JSON value `wrong` has the documented type after all."""
    match row.type:
        case "true or false":
            return wrong is True
        case "whole number":
            return type(wrong) is int
        case "number":
            return type(wrong) in (int, float)
        case "text":
            return wrong == "seven" and name != "generation_time_ms"
    return False


@EVERY_KIND
@given(data=st.data())
@settings(max_examples=5)
def test_a_line_with_a_mistyped_field_is_no_event(kind: type[Event], data: st.DataObject):
    head, _, rest = to_line(data.draw(EVENTS[kind]), AT_S, HERE).partition("{")
    payload = json.loads("{" + rest)
    documented = documented_fields(kind.kind) | documented_fields("every event")

    for name in set(payload) - {"v", "event", "severity"}:
        for wrong in WRONG:
            record = from_line(head + json.dumps(payload | {name: wrong}))
            assert (record is not None) == fits(name, documented[name], wrong), (name, wrong)
        null = from_line(head + json.dumps(payload | {name: None}))
        assert (null is None) == documented[name].always, name


@EVERY_KIND
@given(data=st.data())
@settings(max_examples=5)
def test_a_line_without_one_of_its_fields_is_no_event(kind: type[Event], data: st.DataObject):
    head, _, rest = to_line(data.draw(EVENTS[kind]), AT_S, HERE).partition("{")
    payload = json.loads("{" + rest)
    documented = documented_fields(kind.kind) | documented_fields("every event")

    for name in payload:
        without = from_line(head + json.dumps({key: value for key, value in payload.items() if key != name}))
        assert (without is None) == (documented[name].always and name not in MAY_BE_ABSENT), name


def test_unknown_keys_are_ignored_and_unknown_kinds_kept():
    line = to_line(attempt(), AT_S, HERE)
    newer_key = line.replace('"v":1', '"v":2,"colour":"blue"')
    newer_kind = line.replace('"event":"LLM_ATTEMPT"', '"event":"LLM_DREAM"')

    assert from_line(newer_key).event == attempt()
    kept = from_line(newer_kind).event
    assert isinstance(kept, UnknownEvent)
    assert (kept.name, kept.values["generation_time_ms"], kept.values["model"]) == (
        "LLM_DREAM",
        "1234.5",
        MODEL,
    )


def test_only_the_cores_own_loggers_are_believed():
    line = to_line(attempt(), AT_S, HERE)

    assert from_line(line.replace(LOGGER, "resilience.client")).event == attempt()
    for other in ("uvicorn.access", "root", "notresilience", "src.integrations.llmx", ""):
        assert from_line(line.replace(LOGGER, other)) is None


def test_a_line_is_an_event_only_if_the_object_closes_it():
    line = to_line(attempt(), AT_S, HERE).rstrip("\n")

    assert from_line(f"{line}\r\n").event == attempt()
    for forged in (f"{line} ", f"{line}.", f" {line}", f"x{line}", line[:-1], f"{line}{{}}", f"{line}\n{line}"):
        assert from_line(forged) is None
