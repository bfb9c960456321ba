"""One event, one line: the format of the log, written and read back.

    <UTC time, ISO 8601, milliseconds, Z> <LEVEL>:<logger>:<message> <JSON object>

The message is for people and for grep, the JSON object for programs; docs/events.md describes both.
Every command of the runbook is an acceptance test of this file (tests/test_runbook_commands.py), which is
why the order of keys and the spelling of messages matter:

- generation_time_ms comes first in an attempt's object and is a string; no double quote stands before it.
- an attempt that failed says nowhere "success", one that succeeded nowhere "failed", a cancelled one neither.
- "circuit" comes last wherever the line is not an opening, so that `circuit.*OPEN` finds openings only.
- text from outside (models, request ids, actors, reasons typed by people) has the second letter of each of
  those words written as a JSON escape: programs read the same text, grep does not take it for an event.

The JSON is ASCII, so no terminal escape, line break or bidi mark of a value reaches the file.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from resilience.events.kinds import KINDS, AttemptFinished, Event, Origin, Tried, UnknownEvent
from resilience.events.words import AttemptStatus, Cause, Reason, RequestStatus, Severity, State

SCHEMA = 1
LOGGER = "src.integrations.llm.unified_client"
"""The logger's name in the runbook's expected output; it is kept word for word."""

TRUSTED_LOGGER = r"(?:resilience|src\.integrations\.llm)(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
LINE = (
    r"^(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>[A-Z]+):(?P<logger>"
    + TRUSTED_LOGGER
    + r"):(?P<message>[^\"{]*) (?P<json>\{\".*\})$"
)
"""What an event line looks like, in syntax that both `re` and RE2 take. The first `{` begins the object."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the log, read back."""

    at: datetime
    level: str
    logger: str
    message: str
    origin: Origin
    event: Event


def to_line(event: Event, at_s: float, origin: Origin) -> str:
    """The event's line, newline included. `at_s`: seconds since the epoch, UTC."""
    severity = event.severity
    head = f"{_iso_ms(at_s)} {severity}:{LOGGER}:{event.message()}"
    payload = _payload(event, severity, origin)
    return f"{head} {_encode(payload)}\n"


def from_line(line: str) -> Record | None:
    """The record in a line of the core's, None for any other line. Unknown keys are ignored.

    Raises nothing: a line that looks like an event but misses a field, or has one of the wrong type, is None.
    """
    match = _LINE.match(line.rstrip("\r\n"))
    if match is None:
        return None
    try:
        payload = json.loads(match["json"])
        event = _event(payload)
        origin = Origin(payload.get("service", ""), payload.get("instance", ""), payload.get("pid", 0))
        at = datetime.strptime(match["at"], "%Y-%m-%dT%H:%M:%S.%f%z")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Record(at, match["level"], match["logger"], match["message"], origin, event)


_LINE = re.compile(LINE)

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
    "trigger_request_ids",
)


def _needs_care(payload: Mapping[str, Any]) -> bool:
    return any(
        _CONTRACT_WORDS.search(value if isinstance(value, str) else json.dumps(value)) is not None
        for key in _FREE_TEXT
        if (value := payload.get(key)) is not None and not isinstance(value, Reason)
    )


def _careful(payload: Mapping[str, Any]) -> str:
    parts = []
    for key, value in payload.items():
        text = json.dumps(value, separators=(",", ":"))
        if key in _FREE_TEXT and not isinstance(value, Reason):
            text = _CONTRACT_WORDS.sub(_escaped_second_letter, text)
        parts.append(f'"{key}":{text}')
    return "{" + ",".join(parts) + "}"


def _escaped_second_letter(match: re.Match[str]) -> str:
    # The second letter, because the first may be the end of an escape that json.dumps wrote (\f + "ailed").
    word = match[0]
    return f"{word[0]}\\u{ord(word[1]):04x}{word[2:]}"


def _iso_ms(at_s: float) -> str:
    # Rounded down to whole milliseconds before formatting, so that .9999 never becomes the next second's .000.
    ms = int(at_s * 1000 + 1e-6)
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def _event(payload: dict[str, Any]) -> Event:
    name = payload["event"]
    if not isinstance(name, str) or not isinstance(payload["v"], int):
        raise TypeError("event must be text and v a whole number")
    cls = KINDS.get(name)
    if cls is None:
        return UnknownEvent(name=name, values={k: v for k, v in payload.items() if k != "event"})
    values: dict[str, Any] = {}
    for item in fields(cls):
        key = item.name.rstrip("_")
        if key in payload:
            values[item.name] = _typed(item.name, name, payload[key])
        elif item.default is MISSING and item.default_factory is MISSING:
            if "None" not in str(item.type):
                raise KeyError(key)
            values[item.name] = None
    return cls(**values)


def _typed(name: str, kind: str, value: Any) -> Any:
    if value is None:
        return None
    if name in ("from_", "to"):
        return State(value)
    if name == "cause":
        return Cause(value)
    if name == "circuit":
        return State(value.upper())
    if name == "reason" and kind != "CONFIG_CHANGED":
        return Reason(value)
    if name == "status":
        return AttemptStatus(value) if kind == "LLM_ATTEMPT" else RequestStatus(value)
    if name == "generation_time_ms":
        return float(value)
    if name == "open_until":
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z")
    if name == "tried":
        return tuple(Tried(t["provider"], Reason(t["reason"])) for t in value)
    if name == "changes":
        return tuple((c["name"], c["old"], c["new"]) for c in value)
    return tuple(value) if isinstance(value, list) else value
