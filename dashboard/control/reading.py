"""From the control API's JSON to values. Hostile until checked: a field of the wrong kind makes the answer unusable,
text is cut to a length that a page can bear, lists to a number that it can show.

Raises: ReadingError throughout; its message names the field and never quotes the value.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from dashboard.control.values import (
    Change,
    Check,
    Circuit,
    ControlState,
    Done,
    Guard,
    Invalid,
    Preview,
    Problem,
    Provider,
    Refusal,
    Refused,
    Role,
    Setting,
    Stale,
    Unauthorised,
    Unreachable,
)
from resilience.events import PROVIDER_NAME, State

LONGEST = 1000  # characters of one text
MOST = 500  # entries of one list

Value = TypeVar("Value")
Json = Mapping[str, Any]


class ReadingError(ValueError):
    """An answer is not what the contract says."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field} must be {rule}")


def state(body: Any) -> ControlState:
    """GET /state."""
    root = _object(body, "state")
    env_file = _object(root.get("env_file") or {}, "env_file")
    return ControlState(
        version=_whole(root, "version"),
        role=_role(root),
        name=_text(root, "name"),
        order=_names(root, "order"),
        primary=_optional(root, "primary", _name),
        providers=_each(root, "providers", _provider),
        available=_names(root, "available"),
        settings=_each(root, "settings", _setting),
        guards=_each(root, "guards", _guard),
        changes=_each(root, "changes", _change),
        env_problem=_optional(env_file, "problem", _text),
        needs_restart=_texts(root, "needs_restart"),
    )


def preview(body: Any) -> Preview:
    """POST /preview."""
    root = _object(body, "preview")
    refusals = _each(root, "refusals", lambda each: Refusal(_text(each, "code"), _text(each, "message")))
    return Preview(_texts(root, "sentences"), _texts(root, "warnings"), refusals)


def done(body: Any, *, replayed: bool) -> Done:
    """The answer of a change."""
    root = _object(body, "change")
    warnings = _texts(root, "warnings")
    at, request_id = _optional(root, "at", _time), _optional(root, "request_id", _text)
    return Done(_whole(root, "version"), at, _changes(root), warnings, replayed, request_id)


def checks(body: Any) -> tuple[Check, ...]:
    """GET /checks."""
    return _each(_object(body, "checks"), "checks", _check)


def problem(status: int, body: Any, retry_after: str | None = None) -> Problem:
    """An answer that is no success; never raises: what cannot be read is Unreachable with the status."""
    try:
        error = _object(_object(body, "body").get("error"), "error")
        message, code = _text(error, "message"), _optional(error, "code", _text) or ""
        if status == 409 and code == "stale_version":
            return Stale(_whole(error, "version"), _each(error, "between", _change), message)
        if status == 409:
            return Refused(code, message, error.get("forceable") is True)
        if status in (400, 422):
            return Invalid(_optional(error, "param", _text), message)
        if status not in (401, 403, 404, 429):
            return Refused(code, message, forceable=False)
    except ReadingError:
        message = ""
    if status in (401, 403, 429):
        wait_s = float(retry_after) if retry_after and re.fullmatch(r"\d{1,5}", retry_after) else None
        return Unauthorised(message or f"HTTP {status}", wait_s)
    return Unreachable(message or f"the answer was HTTP {status}")


def _provider(row: Json) -> Provider:
    circuit = row.get("circuit")
    return Provider(
        provider=_name(row, "provider"),
        model=_text(row, "model"),
        primary=_flag(row, "primary"),
        key=_one_of(row, "key", ("ok", "missing", "refused")),
        circuit=None if circuit is None else _circuit(_object(circuit, "circuit")),
    )


def _circuit(row: Json) -> Circuit:
    return Circuit(
        state=_one_of(row, "state", tuple(State)),
        cause=_optional(row, "cause", _text),
        since=_optional(row, "since", _time),
        open_until=_optional(row, "open_until", _time),
        failures=_whole(row, "failures"),
        actor=_optional(row, "actor", _text),
        reason=_optional(row, "reason", _text),
        isolated_until=_optional(row, "isolated_until", _time),
    )


def _setting(row: Json) -> Setting:
    name = _text(row, "name")
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,63}", name):
        raise ReadingError("name", "a setting's name")
    value, default, unit, rule, origin = (_text(row, key) for key in ("value", "default", "unit", "rule", "origin"))
    return Setting(name, value, default, unit, rule, origin, _optional(row, "fixed", _text))


def _guard(row: Json) -> Guard:
    return Guard(
        guard=_name(row, "guard"),
        enabled=_flag(row, "enabled"),
        until=_optional(row, "until", _time),
        actor=_optional(row, "actor", _text),
        reason=_optional(row, "reason", _text),
        available=_flag(row, "available"),
    )


def _change(row: Json) -> Change:
    return Change(
        version=_whole(row, "version"),
        at=_optional(row, "at", _time),
        actor=_text(row, "actor"),
        reason=_text(row, "reason"),
        origin=_text(row, "origin"),
        kind=_text(row, "kind"),
        changes=_changes(row),
        undoable=row.get("undoable") is True,
        undoes=_optional(row, "undoes", _whole),
    )


def _check(row: Json) -> Check:
    ok = row.get("ok")
    if ok is not None and not isinstance(ok, bool):
        raise ReadingError("ok", "true, false or null")
    return Check(_text(row, "check"), ok, _text(row, "detail"))


def _changes(row: Json) -> tuple[tuple[str, str, str], ...]:
    found = []
    for each in _list(row, "changes"):
        if not isinstance(each, list) or len(each) != 3:
            raise ReadingError("changes", "lists of name, old and new")
        name, old, new = ("" if part is None else str(part)[:LONGEST] for part in each)
        found.append((name, old, new))
    return tuple(found)


def _role(row: Json) -> Role:
    return Role(_one_of(row, "role", (Role.VIEWER, Role.OPERATOR)))


def _object(value: Any, field: str) -> Json:
    if not isinstance(value, dict):
        raise ReadingError(field, "an object")
    return value


def _list(row: Json, field: str) -> list[Any]:
    value = row.get(field)
    if not isinstance(value, list) or len(value) > MOST:
        raise ReadingError(field, f"a list of at most {MOST}")
    return value


def _each(row: Json, field: str, read: Callable[[Json], Value]) -> tuple[Value, ...]:
    return tuple(read(_object(each, field)) for each in _list(row, field))


def _texts(row: Json, field: str) -> tuple[str, ...]:
    found = _list(row, field)
    if not all(isinstance(each, str) for each in found):
        raise ReadingError(field, "a list of texts")
    return tuple(each[:LONGEST] for each in found)


def _names(row: Json, field: str) -> tuple[str, ...]:
    names = _texts(row, field)
    if not all(re.fullmatch(PROVIDER_NAME, name) for name in names) or len(set(names)) < len(names):
        raise ReadingError(field, "a list of different names")
    return names


def _text(row: Json, field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise ReadingError(field, "text")
    return value[:LONGEST]


def _name(row: Json, field: str) -> str:
    value = _text(row, field)
    if not re.fullmatch(PROVIDER_NAME, value):
        raise ReadingError(field, "a name")
    return value


def _one_of(row: Json, field: str, words: tuple[str, ...]) -> str:
    value = row.get(field)
    if value not in words:
        raise ReadingError(field, f"one of {', '.join(words)}")
    return str(value)


def _flag(row: Json, field: str) -> bool:
    value = row.get(field)
    if not isinstance(value, bool):
        raise ReadingError(field, "true or false")
    return value


def _whole(row: Json, field: str) -> int:
    value = row.get(field)
    if type(value) is not int or not 0 <= value < 2**53:
        raise ReadingError(field, "a whole number")
    return value


def _time(row: Json, field: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(row, field))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise ReadingError(field, "a time") from exc


def _optional(row: Json, field: str, read: Callable[[Json, str], Value]) -> Value | None:
    return None if row.get(field) is None else read(row, field)
