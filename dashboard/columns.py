"""The store's tables: their columns, with DuckDB types. Parsing fills them, the store keeps them, metrics read them.

Times are UTC, without a zone, in microseconds. A column is NULL where its event has no such field or the line does not
say. Fields that no metric needs stay in the line's text, from which they can be read. Field names are those of
docs/events.md unless SQL has the word for itself: from_state, to_state, is_primary, chain_order, guard_where.

The three kinds that nearly all events are have tables of their own: rows without empty columns are written in half the
time, and a metric reads nothing but its kind. The view `events` is all of them.
"""

from collections.abc import Mapping

LINES: Mapping[str, str] = {
    "source": "VARCHAR",  # the content it stands in (lines.Checkpoint)
    "offset": "BIGINT",  # of its first byte
    "at": "TIMESTAMP",
    "at_inferred": "BOOLEAN",  # the line itself has no time
    "level": "VARCHAR",  # DEBUG, INFO, WARNING, ERROR, CRITICAL
    "event": "VARCHAR",
    "text": "VARCHAR",
}
"""Every line of every source, once."""

REJECTS: Mapping[str, str] = {
    "source": "VARCHAR",
    "offset": "BIGINT",
    "at": "TIMESTAMP",
    "reason": "VARCHAR",
    "start": "VARCHAR",  # of the line's text
}
"""The lines that have an event's prefix and are none, each with the reason; their whole text is in LINES."""

_EVERY: Mapping[str, str] = {
    "source": "VARCHAR",
    "offset": "BIGINT",
    "at": "TIMESTAMP",
    "at_inferred": "BOOLEAN",
    "plain": "BOOLEAN",  # recognised by its words alone, without a JSON object
}

KINDS: Mapping[str, Mapping[str, str]] = {
    "LLM_ATTEMPT": {
        **_EVERY,
        "request_id": "VARCHAR",
        "provider": "VARCHAR",
        "model": "VARCHAR",
        "attempt": "INTEGER",
        "chain_position": "INTEGER",
        "status": "VARCHAR",
        "reason": "VARCHAR",
        "http_status": "INTEGER",
        "generation_time_ms": "DOUBLE",
        "prompt_tokens": "INTEGER",
        "completion_tokens": "INTEGER",
        "circuit": "VARCHAR",  # in upper case
        "config_version": "BIGINT",
    },
    "LLM_REQUEST": {
        **_EVERY,
        "request_id": "VARCHAR",
        "provider": "VARCHAR",
        "status": "VARCHAR",
        "reason": "VARCHAR",
        "attempts": "INTEGER",
        "fallbacks": "INTEGER",
        "total_ms": "DOUBLE",
        "wasted_ms": "DOUBLE",
        "guard_ms": "DOUBLE",
        "config_version": "BIGINT",
    },
    "FALLBACK": {
        **_EVERY,
        "request_id": "VARCHAR",
        "from_provider": "VARCHAR",
        "to_provider": "VARCHAR",
        "reason": "VARCHAR",
    },
    "": {  # all others, and names that are not known
        **_EVERY,
        "event": "VARCHAR",
        "request_id": "VARCHAR",
        "provider": "VARCHAR",
        "model": "VARCHAR",
        "reason": "VARCHAR",
        "http_status": "INTEGER",
        "from_state": "VARCHAR",
        "to_state": "VARCHAR",
        "cause": "VARCHAR",
        "failures": "INTEGER",
        "open_until": "TIMESTAMP",
        "trigger_request_ids": "VARCHAR[]",
        "is_primary": "BOOLEAN",
        "chain_order": "VARCHAR[]",
        "actor": "VARCHAR",
        "origin": "VARCHAR",
        "changes": "VARCHAR",  # "name: old → new", parted by "; "
        "version": "VARCHAR",  # of the settings in CONFIG_CHANGED, of the program in SERVICE_STARTED and _STOPPED
        "config_version": "BIGINT",
        "guard": "VARCHAR",
        "action": "VARCHAR",
        "guard_where": "VARCHAR",
        "counts": "MAP(VARCHAR, INTEGER)",  # findings by kind; what is no whole number of 0 to 999,999,999 is left out
        "instance": "VARCHAR",  # which process or machine wrote it; in the other kinds it stays in the text
    },
}
"""The events' columns, by name of the event."""

TABLES: Mapping[str, str] = {
    "LLM_ATTEMPT": "attempts",
    "LLM_REQUEST": "requests",
    "FALLBACK": "fallbacks",
    "": "others",
}
"""Where each kind is kept."""

EVENTS: Mapping[str, str] = {
    **_EVERY,
    "event": "VARCHAR",
    **{column: kind for columns in KINDS.values() for column, kind in columns.items()},
}
"""All events, one row each."""

PLACES: Mapping[str, str] = {
    "source": "VARCHAR",
    "fingerprint": "VARCHAR",
    "offset": "BIGINT",
    "size": "BIGINT",
    "last_at": "TIMESTAMP",  # of the last line, for one after it that has no time
    "provisional": "BOOLEAN",  # there are rows at `offset` or after it
}
"""How far each source has been read (lines.Checkpoint)."""


def events_view() -> str:
    """A query that gives EVENTS from the tables of the kinds."""
    parts = []
    for event, columns in KINDS.items():
        values = [
            f'"{column}"'
            if column in columns
            else f"'{event}' AS event"
            if column == "event"
            else f'NULL::{kind} AS "{column}"'
            for column, kind in EVENTS.items()
        ]
        parts.append(f"SELECT {', '.join(values)} FROM {TABLES[event]}")
    return " UNION ALL ".join(parts)
