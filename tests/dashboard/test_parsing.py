"""Which lines are events, which are rejects, which are neither, and when each was written."""

import json
import random
import re
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.columns import EVENTS
from dashboard.lines import Checkpoint, LineSplitter
from dashboard.parsing import parse
from dashboard.store import Store
from resilience.events import (
    PROVIDER_NAME,
    Event,
    FellBack,
    GuardTriggered,
    Origin,
    Reason,
    RequestFinished,
    RequestStatus,
    from_line,
    to_line,
)
from tests.composed_log import composed_lines

READ_AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT_S = READ_AT.timestamp() - 60
LOGGER = "src.integrations.llm.unified_client"
EVENT = to_line(
    FellBack(request_id="r1", from_provider="openrouter", to_provider="anthropic", reason=Reason.TIMEOUT),
    AT_S,
    Origin("metis-backend", "test", 1),
)


def read(*lines: str, live: bool = False) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Events, rejects and lines of these lines, through the store."""
    data = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines).encode()
    batch = LineSplitter("s").feed(data, 0, read_at=READ_AT, live=live)
    assert batch is not None
    store = Store.open(None)
    store.append(parse(batch), Checkpoint("s", "f", len(data), len(data)))
    tables = (store.events, store.rejects, store.lines)
    found = tuple(store.run(table.order_by("offset")).to_dict("records") for table in tables)
    store.close()
    return found[0], found[1], found[2]


def test_a_line_of_the_core_is_an_event_with_its_time() -> None:
    [event], rejects, [line] = read(EVENT)

    assert (event["event"], event["from_provider"], event["reason"]) == ("FALLBACK", "openrouter", "timeout")
    assert event["at"].to_pydatetime().timestamp() == AT_S
    assert rejects == []
    assert line["text"] == EVENT.rstrip("\n")


@pytest.mark.parametrize(
    "line",
    [
        f"user said: {EVENT}",
        EVENT.replace(LOGGER, "app.chat"),
        EVENT.rstrip("\n") + " trailing words",
        'INFO:     127.0.0.1:1 - "GET /?q=LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s HTTP/1.1" 200',
        "2026-03-02 12:00:00,000 INFO:app:he wrote LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s",
        "the operator noted: Falling back to provider: anthropic (reason: timeout)",
    ],
)
def test_a_look_alike_inside_another_line_is_no_event(line: str) -> None:
    events, _, lines = read(line)

    assert events == []
    assert len(lines) == 1


@pytest.mark.parametrize(
    "broken",
    [
        EVENT.replace('"v":1,', ""),
        EVENT.replace('"v":1,', '"v":"1",'),
        EVENT.replace('"to_provider":"anthropic",', ""),
        EVENT.replace('"reason":"timeout"', '"reason":7'),
        EVENT.rstrip("\n")[:-1],
        EVENT.rstrip("\n")[:-20],
        EVENT.replace('"event":"FALLBACK"', '"event":7'),
    ],
)
def test_a_line_with_the_prefix_that_breaks_a_rule_is_a_counted_reject_with_its_place(broken: str) -> None:
    events, [reject], lines = read("first", broken)

    assert events == []
    assert (reject["offset"], bool(reject["reason"])) == (6, True)
    assert len(lines) == 2


def test_unknown_keys_are_ignored_and_unknown_names_kept() -> None:
    newer = EVENT.replace('"reason":', '"mood":{"a":[1]},"reason":')
    unknown = EVENT.replace('"event":"FALLBACK"', '"event":"SOMETHING_NEW"')

    events, rejects, _ = read(newer, unknown)

    assert [event["event"] for event in events] == ["FALLBACK", "SOMETHING_NEW"]
    assert rejects == []


GUARD = to_line(
    GuardTriggered(request_id="r1", guard="pii", action="redacted", counts={"email": 2}, where="input"),
    AT_S,
    Origin("metis-backend", "test", 1),
)


def test_a_guards_line_says_what_was_found_and_where() -> None:
    [event], rejects, _ = read(GUARD)

    said = {key: event[key] for key in ("event", "guard", "action", "guard_where", "counts")}
    assert said == {
        "event": "GUARD_TRIGGERED",
        "guard": "pii",
        "action": "redacted",
        "guard_where": "input",
        "counts": {"email": 2},
    }
    assert rejects == []


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ('{"a":1,"b":-2,"c":1.5,"d":"3","e":{"x":1},"f":[4],"g":true,"h":null,"i":1e3}', {"a": 1}),
        ('{"most":999999999,"more":1000000000,"huge":99999999999999999999999999}', {"most": 999_999_999}),
        ('{"a":{"b":{"c":{"d":{"e":1}}}}}', {}),
        ('{"":0,"\\u001b[31m":1}', {"": 0, "\x1b[31m": 1}),
        ("{}", {}),
        ('{"a":1,"a":2}', None),
        ('[{"email":2}]', None),
    ],
)
def test_of_a_guards_counts_only_whole_numbers_are_taken(counts: str, kept: dict[str, int] | None) -> None:
    events, rejects, _ = read(GUARD.replace('{"email":2}', counts), GUARD)

    assert [event["counts"] for event in events] == [kept, {"email": 2}]
    assert rejects == []


def test_counts_that_are_no_object_make_the_line_a_reject() -> None:
    events, [reject], _ = read(GUARD.replace('{"email":2}', '"many"'))

    assert events == []
    assert reject["reason"] == "GUARD_TRIGGERED: counts must be a list or an object"


@pytest.mark.parametrize(
    ("guard_ms", "taken"),
    [("4.25", 4.25), ("0", 0.0), ("-1", None), ("1e999", None), ('"soon"', None), ("[1]", None), ("null", None)],
)
def test_a_request_whose_guards_time_cannot_be_is_one_that_does_not_say_it(guard_ms: str, taken: float | None) -> None:
    request = RequestFinished(
        request_id="r1",
        status=RequestStatus.SUCCESS,
        provider="openai",
        attempts=1,
        fallbacks=0,
        total_ms=5.0,
        wasted_ms=0.0,
        guard_ms=1.0,
    )
    line = to_line(request, AT_S, Origin("m", "t", 1)).replace('"guard_ms":1.0', f'"guard_ms":{guard_ms}')

    [event], _, _ = read(line)

    assert (event["total_ms"], _same(event["guard_ms"], taken)) == (5.0, True)


PLAIN = {
    "LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s": {
        "event": "LLM_ATTEMPT",
        "provider": "openrouter",
        "status": "success",
        "generation_time_ms": 1200.0,
    },
    "❌ Circuit breaker OPEN for provider: openrouter": {
        "event": "BREAKER_TRANSITION",
        "provider": "openrouter",
        "to_state": "OPEN",
    },
    "⚠️ Circuit breaker HALF_OPEN for provider: openrouter (testing)": {
        "event": "BREAKER_TRANSITION",
        "to_state": "HALF_OPEN",
    },
    "Opening circuit breaker for provider: claude": {"event": "BREAKER_TRANSITION", "provider": "anthropic"},
    "⚠️ Falling back to provider: anthropic (reason: timeout)": {
        "event": "FALLBACK",
        "to_provider": "anthropic",
        "reason": "timeout",
    },
    "❌ All providers exhausted - no fallback available": {"event": "PROVIDERS_EXHAUSTED"},
    "✅ OpenRouter/Grok-4-Fast provider initialized (PRIMARY)": {
        "event": "PROVIDER_INITIALIZED",
        "provider": "openrouter",
    },
}


@pytest.mark.parametrize("message", PLAIN)
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        f"INFO:{LOGGER}:",
        f"2026-03-02T11:59:00.000Z INFO:{LOGGER}:",
        f"2026-03-02 11:59:00,000 INFO:{LOGGER}:",
        f"2026-03-02 11:59:00,000 - {LOGGER} - WARNING - ",
    ],
)
def test_the_runbooks_plain_lines_are_understood_with_any_usual_prefix(prefix: str, message: str) -> None:
    [event], rejects, _ = read(prefix + message)

    assert {key: event[key] for key in PLAIN[message]} == PLAIN[message]
    assert bool(event["plain"])
    assert rejects == []


def test_a_line_without_a_time_takes_that_of_the_line_before_it_and_says_so() -> None:
    _, _, lines = read("2026-03-02 11:59:00,000 INFO:app:hello", "a line without a time")

    assert lines[0]["at"] == lines[1]["at"]
    assert [bool(line["at_inferred"]) for line in lines] == [False, True]


def test_tailed_live_it_takes_the_moment_of_reading() -> None:
    _, _, lines = read("2026-03-02 11:59:00,000 INFO:app:hello", "a line without a time", live=True)

    assert lines[1]["at"].to_pydatetime() == READ_AT


def test_lines_of_every_kind_are_read_as_the_core_reads_them() -> None:
    lines = composed_lines()
    records = [record for line in lines if (record := from_line(line))]

    events, rejects, kept = read(*lines)

    assert rejects == []
    assert [line["text"] for line in kept] == [line.rstrip("\n") for line in lines]
    assert len(events) == len(records)
    columns = {"from_": "from_state", "to": "to_state", "primary": "is_primary", "order": "chain_order"}
    for row, record in zip(events, records, strict=True):
        assert (row["event"], row["at"].to_pydatetime()) == (record.event.kind, record.at)
        for item in fields(record.event):
            value, column = getattr(record.event, item.name), columns.get(item.name, item.name)
            if column in EVENTS and item.name != "changes":
                assert _same(row[column], value), (record.event, item.name)


def _same(found: Any, expected: Any) -> bool:
    if expected is None:
        return found is None or found != found
    if isinstance(expected, tuple):
        return list(found) == list(expected)
    return bool(found == expected or found == str(expected))  # a version is a number in one event, text in another


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_line_is_an_event_only_if_its_object_is_whole(seed: int) -> None:
    rng = random.Random(seed)
    whole = [line.rstrip("\n") for line in composed_lines()]
    damaged = [_damaged(rng.choice(whole), rng) for _ in range(3000)]

    events, rejects, lines = read(*damaged)

    by_offset = {line["offset"]: line["text"] for line in lines}
    structured = {row["offset"] for row in events if not row["plain"]}
    refused = {row["offset"] for row in rejects}
    assert len(lines) == len(damaged)
    assert structured & refused == set()
    for offset in structured:
        text = by_offset[offset]
        assert isinstance(json.loads(text[text.index("{") :]), dict)
    for offset, text in by_offset.items():
        record = from_line(text)
        # Stricter than the core's reader on purpose: names become labels, and years carry over to other lines.
        if record and text.startswith("2") and all(re.fullmatch(PROVIDER_NAME, name) for name in _names(record.event)):
            assert offset in structured, text


def _names(event: Event) -> list[str]:
    named = (getattr(event, field, None) for field in ("provider", "from_provider", "to_provider"))
    return [name for name in named if name is not None]


def _damaged(line: str, rng: random.Random) -> str:
    start, end = sorted(rng.randrange(len(line) + 1) for _ in range(2))
    pieces = [line[:start], line[start:], line[:start] + line[end:]]
    pieces += [line[:start] + rng.choice('{}[]":,\\ 0e\x1b😀') + line[start + keep :] for keep in (0, 1)]
    return rng.choice(pieces)
