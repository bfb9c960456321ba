"""Structured lines to event rows: SQL made from the log's contract, so that both keep in step.

A structured line has the core's prefix (resilience.events.LINE) and a JSON object that closes it. The object must hold
the event's name, the version of the format and, for an event of the contract, its required fields with their types and
vocabulary; else the line is a reject. Unknown keys are ignored, unknown names kept.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from dashboard.columns import KINDS as COLUMNS
from resilience.events import KINDS, PROVIDER_NAME, TRUSTED_LOGGER, Event, Reason, State

PREFIX = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+:" + TRUSTED_LOGGER + ":"
"""The contract's LINE as far as the message. After it, the first `{` begins the object if a space stands before it, a
double quote (or nothing) after it, and no double quote anywhere before: then the line is an event or a reject.
"""

ALIASES: Mapping[str, str] = {"claude": "anthropic"}
"""Other names of providers (docs/events.md)."""

_KEYS: Mapping[str, str] = {
    "from_state": "from",
    "to_state": "to",
    "is_primary": "primary",
    "chain_order": "order",
    "guard_where": "where",
}
"""Columns that are not called like their key."""

_OF_ORIGIN = ("instance",)
"""Keys of every event that are no fields of its class; never required here."""

_NAMES = ("provider", "from_provider", "to_provider")


def events_of_kind(event: str) -> str:
    """A query over the relation `objects` (offset, at, object) that gives the events of one name.

    event: a name of columns.KINDS, "" for all that have none of their own there. Columns: those of columns.KINDS
    but source. Only events come out: objects that keep all rules.
    """
    kinds = {event: KINDS[event]} if event else {name: kind for name, kind in KINDS.items() if name not in COLUMNS}
    keys = {key for kind in kinds.values() for key, _ in _hints(kind)} - {"event"} | set(_OF_ORIGIN)
    columns = [column for column in COLUMNS[event] if _KEYS.get(column, column) in keys]
    selected = "".join(f', {_value(column)} AS "{column}"' for column in columns)
    others = " AND ".join(f"j.event <> '{name}'" for name in COLUMNS if name)
    return f"""
        SELECT * EXCLUDE kept
        FROM (
            SELECT "offset", "at", FALSE AS at_inferred, FALSE AS plain{selected}{"" if event else ", j.event AS event"},
                ({_all_kept(kinds)} AND {f"j.event = '{event}'" if event else others}) IS TRUE AS kept
            FROM ({_read("objects", kinds, columns)})
        )
        WHERE kept
    """


def broken_rules() -> str:
    """A query over `rejects` (offset, at, text). Columns: offset, reason: the first rule that is broken."""
    objects = """(SELECT "offset", "at", substr(text, strpos(text, '{')) AS object FROM rejects)"""
    return f"""SELECT "offset", {_first_broken()} AS reason FROM ({_read(objects, KINDS, [])}) ORDER BY "offset" """


def provider_name(sql: str) -> str:
    """SQL for a provider's name with aliases resolved."""
    cases = " ".join(f"WHEN '{alias}' THEN '{name}'" for alias, name in ALIASES.items())
    return f"CASE {sql} {cases} ELSE {sql} END"


def _value(column: str) -> str:
    if column in _NAMES:
        return provider_name(f"j.{column}")
    if column == "circuit":
        return "upper(j.circuit)"
    if column == "open_until":
        return "make_timestamp(epoch_us(try_cast(j.open_until AS TIMESTAMPTZ)))"
    if column == "changes":
        each = "list_transform(j.changes, lambda c: concat(c.name, ': ', c.old, ' → ', c.new))"
        return f"list_aggregate({each}, 'string_agg', '; ')"
    if column == "guard_ms":
        return "CASE WHEN j.guard_ms >= 0 AND isfinite(j.guard_ms) THEN j.guard_ms END"
    if column == "counts":
        kept = "list_filter(map_entries(j.counts), lambda e: regexp_full_match(e.value, '[0-9]{1,9}'))"
        return f"map_from_entries({kept})::MAP(VARCHAR, INTEGER)"
    return f'j."{_KEYS.get(column, column)}"'


def _read(relation: str, kinds: Mapping[str, type[Event]], columns: list[str]) -> str:
    """The relation with `j`, what is read of its objects: NULL where one is not valid, or does not close the line."""
    structure = json.dumps(_structure(kinds, columns))
    # One parse instead of two with json_valid. One object that is not valid makes TRY go through 2,048 of them singly,
    # so those that are just cut off are kept from it.
    return f"SELECT *, CASE WHEN ends_with(object, '}}') THEN TRY(json_transform(object, '{structure}')) END AS j FROM {relation}"


def _structure(kinds: Mapping[str, type[Event]], columns: list[str]) -> dict[str, Any]:
    """What json_transform is to read: the keys that a column or a rule needs."""
    wanted = {_KEYS.get(column, column) for column in columns}
    types: dict[str, Any] = {"v": "JSON", "event": "VARCHAR"}
    for kind in kinds.values():
        required = {key for key, _ in _required(kind)}
        for key, hint in _hints(kind):
            read = _read_as(hint)
            if read is not None and (key in wanted or key in required or hint == Reason | None):
                # A key that is a number in one event and text in another (version) is read as text.
                types[key] = read if types.get(key, read) == read else "VARCHAR"
    types |= {key: "VARCHAR" for key in _OF_ORIGIN if key in columns}
    if "counts" in columns:
        types["counts"] = "MAP(VARCHAR, JSON)"
    if "changes" in columns:
        types["changes"] = [{"name": "VARCHAR", "old": "VARCHAR", "new": "VARCHAR"}]
    return types


_HEAD_RULES: Mapping[str, str] = {
    "j IS NOT NULL": "the JSON object is not valid or does not close the line",
    '"at" IS NOT NULL': "the time is not valid",
    "j.v = '1' OR regexp_full_match(j.v, '-?[0-9]+')": "v must be a whole number",
}
_NAME_RULE = "json_type(object, '$.event') IS NOT DISTINCT FROM 'VARCHAR'"


def _all_kept(kinds: Mapping[str, type[Event]]) -> str:
    cases = {name: " AND ".join(f"({rule})" for rule, _ in _rules(kind)) for name, kind in kinds.items()}
    if len(cases) == 1:
        (rules,) = cases.values()
    else:
        rules = "CASE j.event " + " ".join(f"WHEN '{name}' THEN {kept}" for name, kept in cases.items())
        rules += f" ELSE {_NAME_RULE} END"
    head = " AND ".join(f"({rule})" for rule in _HEAD_RULES)
    # CASE, because json_type raises on an object that is not valid, and AND promises no order.
    return f"CASE WHEN j IS NULL THEN FALSE ELSE {head} AND {rules} END"


def _first_broken() -> str:
    kinds = " ".join(
        f"WHEN '{name}' THEN CASE"
        + " ".join(f" WHEN ({rule}) IS NOT TRUE THEN '{name}: {words}'" for rule, words in _rules(kind))
        + " END"
        for name, kind in KINDS.items()
    )
    head = " ".join(f"WHEN ({rule}) IS NOT TRUE THEN '{words}'" for rule, words in _HEAD_RULES.items())
    return f"CASE {head} ELSE CASE j.event {kinds} ELSE 'event must be text' END END"


def _rules(kind: type[Event]) -> Iterator[tuple[str, str]]:
    """For each field with a rule: SQL that is TRUE where it is kept, and the rule in words."""
    for key, hint in _required(kind):
        sql, words = _rule(key, hint)
        yield sql, f"{key} must be {words}"
    for key, hint in _hints(kind):
        if hint == Reason | None:
            sql, words = _rule(key, Reason)
            yield f'j."{key}" IS NULL OR {sql}', f"{key} must be {words}"


def _rule(key: str, hint: Any) -> tuple[str, str]:
    value = f'j."{key}"'
    if key in _NAMES:
        return f"regexp_full_match({value}, '{PROVIDER_NAME}')", "a provider''s name"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        words = [member.value for member in hint]
        # An attempt's circuit is in lower case, so that grep does not take it for a transition.
        found = f"upper({value})" if hint is State else value
        # Not IN: DuckDB makes a join of a long list, which costs more and loses the order of the lines.
        if len(words) <= 3:
            return " OR ".join(f"{found} = '{word}'" for word in words), f"one of {', '.join(words)}"
        return f"regexp_full_match({found}, '{'|'.join(words)}')", f"one of {', '.join(words)}"
    read = _read_as(hint)
    if read == "DOUBLE":
        return f"{value} >= 0 AND isfinite({value})", "a number of 0 or more"
    if read == "INTEGER":
        return f"{value} IS NOT NULL", "a whole number"
    if read == "BOOLEAN":
        return f"{value} IS NOT NULL", "true or false"
    if read == "VARCHAR":
        # json_transform makes text of whatever it finds; where that may have happened, the type is looked up.
        doubtful = rf"regexp_matches({value}, '^(?:[-+.0-9eE]+|true|false|[\[{{].*)$')"
        typed = f"json_type(object, '$.{key}') = 'VARCHAR'"
        return f"CASE WHEN {doubtful} THEN {typed} ELSE {value} IS NOT NULL END", "text"
    if read is not None:
        return f"{value} IS NOT NULL", "a list of texts"
    return f"json_type(object, '$.{key}') IN ('ARRAY', 'OBJECT')", "a list or an object"


def _required(kind: type[Event]) -> Iterator[tuple[str, Any]]:
    optional = {
        item.name for item in fields(kind) if item.default is not MISSING or item.default_factory is not MISSING
    }
    for key, hint in _hints(kind):
        if key not in {name.rstrip("_") for name in optional} and type(None) not in get_args(hint):
            yield key, hint


def _hints(kind: type[Event]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind)
    for item in fields(kind):
        yield item.name.rstrip("_"), hints[item.name]


def _read_as(hint: Any) -> Any:
    """The type as which json_transform reads a field, NULL where that cannot be; None for what is not read."""
    if get_origin(hint) is UnionType:
        hint = next(part for part in get_args(hint) if part is not type(None))
    if hint is bool:
        return "BOOLEAN"
    if hint is float:
        return "DOUBLE"
    if hint is int:
        return "INTEGER"
    if get_args(hint) == (str, ...):
        return ["VARCHAR"]
    return "VARCHAR" if hint is datetime or (isinstance(hint, type) and issubclass(hint, str)) else None
