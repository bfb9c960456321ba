"""The runbook's plain lines to event rows: messages without a JSON object, as today's METIS backend writes them.

The words must begin the message: they follow the line's beginning, or an optional time, level and logger in one of the
usual shapes, and perhaps an emoji. The same words inside another line (an access log's URL, a user's text) are not an
event. What a plain line says is less than what a structured one does, and it is marked as plain.

    LLM_ATTEMPT: provider=openrouter, status=success, latency=1.2s        LLM_ATTEMPT
    ⚠️ Provider timeout after 45s, attempting retry                       PROVIDER_FAILED
    ❌ Provider failed: 503 Service Unavailable                           PROVIDER_FAILED
    ⚠️ Falling back to provider: anthropic (reason: timeout)              FALLBACK
    ❌ Circuit breaker OPEN for provider: openrouter                      BREAKER_TRANSITION
    Opening circuit breaker for provider: openrouter                      BREAKER_TRANSITION
    ❌ All providers exhausted - no fallback available                    PROVIDERS_EXHAUSTED
    ✅ DeepSeek provider initialized                                      PROVIDER_INITIALIZED
    ✅ LLM providers initialized: ['openrouter', 'anthropic']             PROVIDERS_INITIALIZED
"""

from collections.abc import Mapping

from dashboard.columns import KINDS
from dashboard.structured import provider_name

FAILED = "PROVIDER_FAILED"
"""Name of the one event that only plain logs have: a failure with its cause, apart from the attempt's line."""

LEVEL_NAMES = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LEVEL_CODES: Mapping[str, int] = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "WARN": 2, "ERROR": 3, "CRITICAL": 4, "FATAL": 4}
"""The words for levels, each with the place of its level in LEVEL_NAMES."""

LEVELS = "|".join(LEVEL_CODES)
LOGGER = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
TIME = (r"20\d\d-\d\d-\d\d", r"\d\d:\d\d:\d\d", r"\d{1,9}", r"Z|[+-]\d\d:?\d\d")
"""Date, time, fraction, zone. The century is fixed: a number in somebody's text must not become the year 8304."""

_DATE, _CLOCK, _FRACTION, _ZONE = TIME
_PREFIX = (
    rf"(?:\[?{_DATE}[T ]{_CLOCK}(?:[.,]{_FRACTION})?(?: ?(?:{_ZONE}))?\]?[\t ]*)?"
    "(?:"
    rf"(?:{LEVELS}):{LOGGER}: ?"  # INFO:logger:
    rf"|- {LOGGER} - (?:{LEVELS}) - "  # logging's usual "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
    rf"|\[?(?:{LEVELS})\]?:?[\t ]+(?:\[?{LOGGER}\]?(?::| -) +)?"  # ERROR: | ERROR logger: | [ERROR] logger -
    ")?"
    r"(?:[^\x00-\x7f]{1,4} *)?"  # an emoji with its variation selector
)
_NAME = r"([A-Za-z][A-Za-z0-9_-]{0,31})\b"
_MESSAGES: tuple[tuple[str, str, str], ...] = (
    ("LLM_ATTEMPT: ", r".*\bprovider=[A-Za-z]", "LLM_ATTEMPT"),
    ("Falling back to provider: ", "[A-Za-z]", "FALLBACK"),
    ("Provider ", r"(?:[A-Za-z][\w-]* )?(?:timeout after |failed: )", FAILED),
    ("Circuit breaker ", "(?:OPEN|HALF_OPEN|CLOSED) for provider: [A-Za-z]", "BREAKER_TRANSITION"),
    ("Opening circuit breaker for provider", ":? [A-Za-z]", "BREAKER_TRANSITION"),
    ("All providers exhausted", "", "PROVIDERS_EXHAUSTED"),
    ("LLM providers initialized: ", r"\[", "PROVIDERS_INITIALIZED"),
)
"""Messages that begin with fixed words: the words, what must follow (RE2), the event."""

MAY_BE_PLAIN = """contains(text, 'rovider') AND NOT contains(text, '{"')"""
"""SQL over `text` that passes over most other lines quickly: in all of the messages, and without a JSON object."""

_PROVIDER_FIELD = rf"\bprovider={_NAME}"
_STATUS = r"\bstatus=(success|failed|cancelled)\b"
_ATTEMPT = rf"^LLM_ATTEMPT: provider={_NAME}, status=(success|failed|cancelled)(?:, latency=([0-9.]+)s)?"
_INITIALIZED = r"([A-Za-z][\w./ -]{0,60} provider initialized.*)"
_FAILURE = r"failed: (.*?)(?: \(provider: [^)]*\))?$"
_FAILED_NAME = f"^Provider {_NAME} (?:timeout|failed)"
_NAME_AT_END = rf"\(provider: {_NAME}\)"

_REASONS: Mapping[str, str] = {
    "401": "auth_error",
    "402": "auth_error",
    "403": "auth_error",
    "408": "server_error",
    "409": "server_error",
    "413": "context_length",
    "425": "server_error",
    "429": "rate_limited",
    "529": "overloaded",
}
"""Reasons by HTTP status, as the core gives them; other statuses are bad_request (4xx) or server_error (5xx)."""


def plain_events(lines: str) -> str:
    """A query over the relation `lines` (offset, at, at_inferred, text) of lines that MAY_BE_PLAIN.

    Columns: kind, the place of the event's name in columns.KINDS, and those columns of columns.KINDS that a plain line
    can have. Only events come out.
    """
    kinds = " ".join(f"WHEN '{name}' THEN {place}" for place, name in enumerate(KINDS) if name)
    return rf"""
        SELECT (CASE event {kinds} ELSE {list(KINDS).index("")} END)::BIGINT AS kind,
            "offset", "at", at_inferred, event, TRUE AS plain,
            {provider_name("lower(provider)")} AS provider,
            status,
            CASE
                WHEN cause_text IS NULL OR (event = 'LLM_ATTEMPT' AND status <> 'failed') THEN NULL
                {" ".join(f"WHEN code = '{code}' THEN '{reason}'" for code, reason in _REASONS.items())}
                WHEN code LIKE '5%' THEN 'server_error'
                WHEN code LIKE '4%' THEN 'bad_request'
                WHEN regexp_matches(cause_text, '(?i)time[d ]*_?out') THEN 'timeout'
                ELSE nullif(left(trim(regexp_replace(lower(cause_text), '[^a-z0-9]+', '_', 'g'), '_'), 40), '')
            END AS reason,
            try_cast(code AS INTEGER) AS http_status,
            generation_time_ms, {provider_name("lower(to_provider)")} AS to_provider, to_state, cause, is_primary,
            chain_order
        FROM (
            SELECT *,
                nullif(regexp_extract(cause_text, '^([1-5][0-9][0-9])\b', 1), '') AS code
            FROM ({_fields(lines)})
        )
    """


def _fields(lines: str) -> str:
    values = "".join(f",\n{sql} AS {column}" for column, sql in _values().items())
    return f"SELECT *{values} FROM ({_recognised(lines)})"


def _recognised(lines: str) -> str:
    """Lines whose message is one of the runbook's, with the event's name, the message, and an attempt's usual fields."""
    cases = [
        f"WHEN regexp_matches(text, '^{_PREFIX}{words}{rest}') THEN {number}"
        for number, (words, rest, _) in enumerate(_MESSAGES)
    ]
    message = [
        f"WHEN {number} THEN substr(text, strpos(text, '{words}'))" for number, (words, _, _) in enumerate(_MESSAGES)
    ]
    event = " ".join(f"WHEN {number} THEN '{event}'" for number, (_, _, event) in enumerate(_MESSAGES))
    return f"""
        SELECT *, CASE WHEN event = 'LLM_ATTEMPT'
            THEN regexp_extract(message, '{_ATTEMPT}', ['provider', 'status', 'latency']) END AS usual
        FROM (
            SELECT *, CASE number {event} ELSE 'PROVIDER_INITIALIZED' END AS event,
                left(CASE number {" ".join(message)} ELSE regexp_extract(text, '^{_PREFIX}{_INITIALIZED}', 1) END, 2000)
                    AS message
            FROM (
                SELECT *, CASE {" ".join(cases)}
                    WHEN regexp_matches(text, '^{_PREFIX}{_INITIALIZED}') THEN {len(_MESSAGES)} END AS number
                FROM {lines}
            )
            WHERE number IS NOT NULL
        )
        WHERE event <> 'LLM_ATTEMPT' OR regexp_matches(message, '{_STATUS}')
    """


def _values() -> Mapping[str, str]:
    """SQL per column, from event and message."""
    failure = f"CASE WHEN contains(message, 'failed: ') THEN {_found(_FAILURE)} END"
    in_ms, in_s = _found(r"latency=([0-9.]+)ms\b"), _found(r"latency=([0-9.]+)s\b")
    seconds = f"coalesce(nullif(usual.latency, ''), {in_s})"
    return {
        "provider": _by_event(
            {
                "LLM_ATTEMPT": f"coalesce(nullif(usual.provider, ''), {_found(_PROVIDER_FIELD)})",
                "BREAKER_TRANSITION": _found("for provider:? " + _NAME),
                "PROVIDER_INITIALIZED": f"CASE WHEN message LIKE 'Claude%' THEN 'anthropic' ELSE {_found('^' + _NAME)} END",
                FAILED: f"coalesce({_found(_FAILED_NAME)}, {_found(_NAME_AT_END)})",
            }
        ),
        "status": _by_event({"LLM_ATTEMPT": f"coalesce(nullif(usual.status, ''), {_found(_STATUS)})"}),
        "generation_time_ms": _by_event(
            {"LLM_ATTEMPT": f"coalesce(1000 * try_cast({seconds} AS DOUBLE), try_cast({in_ms} AS DOUBLE))"}
        ),
        "to_provider": _by_event({"FALLBACK": _found("^Falling back to provider: " + _NAME)}),
        "to_state": _by_event(
            {
                "BREAKER_TRANSITION": f"CASE WHEN message LIKE 'Opening%' THEN 'OPEN'"
                f" ELSE {_found('^Circuit breaker ([A-Z_]+)')} END"
            }
        ),
        "cause": _by_event({"BREAKER_TRANSITION": _found(r"\(cause: ([a-z_]{1,40})\)")}),
        "is_primary": _by_event({"PROVIDER_INITIALIZED": "contains(message, '(PRIMARY)')"}),
        "chain_order": _by_event(
            {"PROVIDERS_INITIALIZED": """regexp_extract_all(message, '[''"]([a-z][a-z0-9_-]{0,31})[''"]', 1)"""}
        ),
        "cause_text": _by_event(
            {
                FAILED: f"CASE WHEN regexp_matches(message, '^Provider [^:]*timeout after') THEN 'timeout' ELSE {failure} END",
                "FALLBACK": _found(r"\(reason: ([^)]*)\)"),
                "LLM_ATTEMPT": f"CASE WHEN contains(message, 'Provider timeout after') THEN 'timeout' ELSE {failure} END",
            }
        ),
    }


def _by_event(values: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN '{event}' THEN {value}" for event, value in values.items())
    return f"CASE event {cases} END"


def _found(pattern: str) -> str:
    """SQL for the first group of `pattern` in the message, NULL if it is not there."""
    return f"nullif(regexp_extract(message, '{pattern}', 1), '')"
