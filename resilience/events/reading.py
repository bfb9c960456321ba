"""A line of the log back to its event: the trust rule and the types of docs/events.md, checked.

The dashboard reads millions of lines by SQL made from the same classes; this is the reader for one line.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from math import isfinite
from types import UnionType
from typing import Any, get_args

from resilience.events.kinds import KINDS, Event, Origin, Tried, UnknownEvent
from resilience.events.words import AttemptStatus, Cause, Reason, RequestStatus, State

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
        origin = _origin(payload)
        at = datetime.strptime(match["at"], "%Y-%m-%dT%H:%M:%S.%f%z")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Record(at, match["level"], match["logger"], match["message"], origin, event)


_LINE = re.compile(LINE)


def _origin(payload: Mapping[str, Any]) -> Origin:
    get = payload.get
    return Origin(_plain(str, get("service", "")), _plain(str, get("instance", "")), _plain(int, get("pid", 0)))


def _event(payload: Mapping[str, Any]) -> Event:
    name = _plain(str, payload["event"])
    _plain(int, payload["v"])
    cls = KINDS.get(name)
    if cls is None:
        return UnknownEvent(name=name, values={k: v for k, v in payload.items() if k != "event"})
    values: dict[str, Any] = {}
    for item in fields(cls):
        value = payload.get(item.name.rstrip("_"))
        if value is not None:
            values[item.name] = _typed(item.name, name, item.type, value)
        elif item.name.rstrip("_") in payload or (item.default is MISSING and item.default_factory is MISSING):
            if type(None) not in get_args(item.type):
                raise KeyError(item.name)
            values[item.name] = None
    return cls(**values)


def _typed(name: str, kind: str, annotation: Any, value: Any) -> Any:
    if name in ("from_", "to"):
        return State(value)
    if name == "cause":
        return Cause(value)
    if name == "circuit":
        return State(value.upper())
    if annotation in (Reason, Reason | None):  # by hand (CONFIG_CHANGED, BREAKER_TRANSITION) it is anybody's text
        return Reason(value)
    if name == "status":
        return AttemptStatus(value) if kind == "LLM_ATTEMPT" else RequestStatus(value)
    if name == "generation_time_ms":
        return _plain(float, float(_plain(str, value)))
    if name == "open_until":
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z")
    if name == "tried":
        return tuple(Tried(_plain(str, t["provider"]), Reason(t["reason"])) for t in _list(value))
    if name == "changes":
        return tuple((_plain(str, c["name"]), _plain(str, c["old"]), _plain(str, c["new"])) for c in _list(value))
    if name == "settings":
        return {key: _plain(str, text) for key, text in value.items()}
    if name == "counts":
        return {key: _plain(int, count) for key, count in value.items()}
    if name in ("order", "trigger_request_ids"):
        return tuple(_plain(str, text) for text in _list(value))
    return _plain(annotation, value)


def _plain(annotation: Any, value: Any) -> Any:
    allowed = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    if type(value) in allowed or (type(value) is int and float in allowed):
        if isinstance(value, float) and not isfinite(value):
            raise ValueError("JSON has no such number")
        return value
    raise TypeError(f"{type(value)} is not {annotation}")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("must be a list")
    return value
