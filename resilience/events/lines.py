"""One event, one line: the format of the log, as it is written; reading.py reads it back.

    <UTC time, ISO 8601, milliseconds, Z> <LEVEL>:<logger>:<message> <JSON object>

The message is for people and for grep, the JSON object for programs; docs/events.md describes both.
Every command of the runbook is an acceptance test of this file (tests/test_runbook_commands.py), which is
why the order of keys and the spelling of messages matter:

- generation_time_ms comes first in an attempt's object and is a string; no double quote stands before it.
- an attempt that failed says nowhere "success", one that succeeded nowhere "failed", a cancelled one neither.
- "circuit" comes last wherever the line is not an opening, so that `circuit.*OPEN` finds openings only.
- text from outside (models, request ids, actors, reasons typed by people) has the second letter of each of
  those words written as a JSON escape: programs read the same text, grep does not take it for an event.

The JSON is ASCII, so no terminal escape, line break or bidi mark of a value reaches the file, and strict, so
that any parser takes it: a number that is not finite is left out, half a surrogate pair becomes U+FFFD.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from resilience.events.kinds import AttemptFinished, Event, Origin
from resilience.events.words import Reason, Severity

SCHEMA = 1
LOGGER = "src.integrations.llm.unified_client"
"""The logger's name in the runbook's expected output; it is kept word for word."""


def to_line(event: Event, at_s: float, origin: Origin) -> str:
    """The event's line, newline included. `at_s`: seconds since the epoch, UTC."""
    severity = event.severity
    head = f"{_iso_ms(at_s)} {severity}:{LOGGER}:{event.message()}"
    payload = _payload(event, severity, origin)
    return f"{head} {_encode(payload)}\n"


def utc_text(at: datetime) -> str:
    """A time as the backend and `stats` write it, like the log: UTC, milliseconds (the rest is cut off), Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Words that the runbook greps for. Text from outside must not bring them into a line of another meaning.
_CONTRACT_WORDS = re.compile(
    r"success|failed|LLM_ATTEMPT|Falling back|generation_time_ms|PRIMARY|Opening|circuit|OPEN|CLOSED|ERROR"
)


def _payload(event: Event, severity: Severity, origin: Origin) -> dict[str, Any]:
    head = {
        "v": SCHEMA,
        "event": event.kind,
        "severity": severity,
        "service": origin.service,
        "instance": origin.instance,
        "pid": origin.pid,
    }
    body: dict[str, Any] = {}
    if isinstance(event, AttemptFinished):
        # A string, and first: `awk -F'"' '{print $4}'` prints the value.
        body["generation_time_ms"] = f"{event.generation_time_ms:.1f}"
        body |= head
        body |= _values(event)
        del body["circuit"]
        body["circuit"] = event.circuit.lower()  # lower case: an attempt is not a transition
        return body
    return head | _values(event)


def _values(event: Event) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in fields(event):
        value = getattr(event, item.name)
        if value is None or item.name == "generation_time_ms":
            continue
        if isinstance(value, float) and not isfinite(value):
            continue  # a provider may ask for an endless wait; JSON has no such number
        values[item.name.rstrip("_")] = _plain(item.name, value)
    return values


def _plain(name: str, value: Any) -> Any:
    if name == "open_until":
        return _iso_ms(value.timestamp())
    if name == "tried":
        return [{"provider": t.provider, "reason": t.reason} for t in value]
    if name == "changes":
        return [{"name": n, "old": old, "new": new} for n, old, new in value]
    if isinstance(value, float):
        return round(value, 3)
    return value


def _encode(payload: dict[str, Any]) -> str:
    return json.dumps(payload, separators=(",", ":")) if not _needs_care(payload) else _careful(payload)


_FREE_TEXT = (
    "model",
    "request_id",
    "instance",
    "service",
    "actor",
    "reason",
    "changes",
    "settings",
    "counts",
    "trigger_request_ids",
)


def _needs_care(payload: Mapping[str, Any]) -> bool:
    for key in _FREE_TEXT:
        value = payload.get(key)
        if value is None or isinstance(value, Reason):
            continue
        # What json.dumps escapes may spell a word: a form feed before "ailed" is written \failed.
        if isinstance(value, str):
            text, escaped = value, not (value.isascii() and value.isprintable())
        else:
            text = json.dumps(value)
            escaped = "\\" in text
        if escaped or _CONTRACT_WORDS.search(text) is not None:
            return True
    return False


def _careful(payload: Mapping[str, Any]) -> str:
    parts = []
    for key, value in payload.items():
        text = json.dumps(value, separators=(",", ":"))
        if key in _FREE_TEXT and not isinstance(value, Reason):
            text = _ESCAPES.sub(_whole_characters, text)
            text = _CONTRACT_WORDS.sub(_escaped_second_letter, text)
        parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"


# In this order: a backslash of the text itself, a whole pair, half a pair.
_ESCAPES = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<half>\\ud[89a-f][0-9a-f]{2})")


def _whole_characters(match: re.Match[str]) -> str:
    return "\\ufffd" if match["half"] else match[0]


def _escaped_second_letter(match: re.Match[str]) -> str:
    # The second letter, because the first may be the end of an escape that json.dumps wrote (\f + "ailed").
    word = match[0]
    return f"{word[0]}\\u{ord(word[1]):04x}{word[2:]}"


def _iso_ms(at_s: float) -> str:
    # Rounded down to whole milliseconds before formatting, so that .9999 never becomes the next second's .000. The
    # thousandth makes up for what a float of today's size cannot hold (0.0002 ms), so that .172 stays .172.
    ms = int(at_s * 1000 + 0.001)
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
