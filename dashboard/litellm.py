"""LiteLLM proxy's JSON lines to event rows: its StandardLoggingPayload, one JSON object per line (docs/litellm.md).

A payload tells of one call to a provider: which, how it ended, when it began and ended. Payloads of one trace are one
request. Circuits are not told. The payload's other text (messages, responses, errors) is looked at by nothing here.

Source: BerriAI/litellm, litellm/types/utils.py, StandardLoggingPayload; litellm/_logging.py, JsonFormatter.
"""

import json
from collections.abc import Mapping

from dashboard.columns import KINDS
from dashboard.structured import provider_name
from resilience.events import PROVIDER_NAME

REFUSED, CACHED = "LITELLM_REFUSED", "LITELLM_CACHE_HIT"
"""Events that only these logs have: a call that failed before it reached a provider, and one that needed none."""

_STRUCTURE = {
    **dict.fromkeys(("id", "trace_id", "call_type", "status", "custom_llm_provider", "model"), "VARCHAR"),
    **dict.fromkeys(("startTime", "endTime", "message", "level", "timestamp"), "VARCHAR"),
    "cache_hit": "BOOLEAN",
    "error_information": dict.fromkeys(("error_code", "error_class", "llm_provider"), "VARCHAR"),
}
_FALLBACK = "Falling back to model_group"

_BY_CLASS: Mapping[str, str] = {
    "ContextWindowExceededError": "context_length",
    "ContentPolicyViolationError": "content_filter",
    "APIConnectionError": "connect_error",
    "Timeout": "timeout",
    "RateLimitError": "rate_limited",
    "AuthenticationError": "auth_error",
    "PermissionDeniedError": "auth_error",
    "InternalServerError": "server_error",
    "ServiceUnavailableError": "server_error",
    "BadGatewayError": "server_error",
    "BadRequestError": "bad_request",
    "NotFoundError": "bad_request",
    "UnprocessableEntityError": "bad_request",
}
"""Reasons by LiteLLM's exception: litellm/exceptions.py. For others the status counts."""
_BY_STATUS: Mapping[str, str] = {
    "401": "auth_error",
    "402": "auth_error",
    "403": "auth_error",
    "408": "timeout",
    "413": "context_length",
    "429": "rate_limited",
    "529": "overloaded",
}

MAY_BE = """(contains(text, '"startTime"') AND contains(text, '"call_type"')) OR contains(text, '"timestamp"')"""
"""SQL over `text` that passes over other programs' JSON lines quickly."""


def litellm_rows() -> str:
    """A query over `payloads` (offset, text): LiteLLM's lines among lines that begin with `{`, by offset.

    Columns: kind (the place of the event's name in columns.KINDS; NULL: no event), reject (NULL, or the rule that is
    broken), level (a word), and those of columns.KINDS that such a line can have; `at` is NULL where none is told.
    """
    kinds = list(KINDS)
    return f"""
        SELECT "offset",
            CASE WHEN reject IS NULL THEN CASE
                WHEN event IN ('{REFUSED}', '{CACHED}') THEN {kinds.index("")}
                WHEN event = 'LLM_ATTEMPT' THEN {kinds.index("LLM_ATTEMPT")}
                WHEN event = 'FALLBACK' THEN {kinds.index("FALLBACK")} END END::BIGINT AS kind,
            reject, "at", FALSE AS at_inferred, FALSE AS plain, event, request_id, provider, model,
            CASE status WHEN 'success' THEN 'success' WHEN 'failure' THEN 'failed' END AS status,
            CASE WHEN status = 'failure' THEN CASE error_class {_cases(_BY_CLASS)} ELSE CASE code {_cases(_BY_STATUS)}
                ELSE CASE left(code, 1) WHEN '4' THEN 'bad_request' WHEN '5' THEN 'server_error' END END END
            END AS reason,
            try_cast(code AS INTEGER) AS http_status,
            round(1000 * (ended_s - began_s), 3) AS generation_time_ms,
            coalesce(level, CASE status WHEN 'success' THEN 'INFO' WHEN 'failure' THEN 'ERROR' END) AS level
        FROM (
            SELECT *,
                CASE WHEN payload THEN {_first_broken()} END AS reject,
                make_timestamp((1000000 * coalesce(ended_s, said_s))::BIGINT) AS "at",
                CASE
                    WHEN payload AND cache_hit THEN '{CACHED}'
                    WHEN payload AND provider IS NULL THEN '{REFUSED}'
                    WHEN payload THEN 'LLM_ATTEMPT'
                    WHEN fallback THEN 'FALLBACK' END AS event
            FROM ({_values()})
        )
        WHERE reject IS NOT NULL OR event IS NOT NULL OR "at" IS NOT NULL
        ORDER BY "offset"
    """


def _values() -> str:
    named = "nullif(j.custom_llm_provider, ''), nullif(j.error_information.llm_provider, '')"
    return f"""
        SELECT "offset", j IS NOT NULL AS valid,
            -- An object that cannot be read is one of LiteLLM's if it has a payload's keys.
            CASE WHEN j IS NULL THEN contains(text, '"startTime"') AND contains(text, '"call_type"')
                ELSE j.call_type IS NOT NULL AND (j.startTime IS NOT NULL OR j.endTime IS NOT NULL) END AS payload,
            left(coalesce(nullif(j.trace_id, ''), nullif(j.id, '')), 200) AS request_id,
            {provider_name(f"lower(coalesce({named}))")} AS provider,
            left(nullif(j.model, ''), 200) AS model,
            j.status AS status, j.cache_hit IS TRUE AS cache_hit, upper(j.level) AS level,
            j.error_information.error_class AS error_class,
            regexp_extract(j.error_information.error_code, '^[1-5][0-9][0-9]$') AS code,
            {_seconds("j.startTime")} AS began_s, {_seconds("j.endTime")} AS ended_s, {_seconds("j.timestamp")} AS said_s,
            starts_with(j.message, '{_FALLBACK}') IS TRUE AS fallback
        FROM (
            SELECT "offset", text,
                CASE WHEN ends_with(text, '}}') THEN TRY(json_transform(text, '{json.dumps(_STRUCTURE)}')) END AS j
            FROM payloads WHERE {MAY_BE}
        )
    """


def _first_broken() -> str:
    rules = {
        "valid": "the JSON object is not valid or does not close the line",
        "request_id IS NOT NULL": "id must be text",
        "status IN ('success', 'failure')": "status must be success or failure",
        "began_s IS NOT NULL AND ended_s IS NOT NULL": "startTime and endTime must be times: seconds since 1970, or ISO 8601",
        "ended_s >= began_s": "endTime must not be before startTime",
        f"provider IS NULL OR regexp_full_match(provider, '{PROVIDER_NAME}')": "custom_llm_provider must be a provider''s name",
        "provider IS NOT NULL OR status = 'failure'": "custom_llm_provider must be there: a provider has answered",
    }
    return (
        "CASE "
        + " ".join(f"WHEN ({rule}) IS NOT TRUE THEN 'LiteLLM: {words}'" for rule, words in rules.items())
        + " END"
    )


def _seconds(value: str) -> str:
    """SQL for a time as seconds since 1970, NULL for what is none of this century. Without a zone it is UTC."""
    text = f"left({value}, 40)"
    iso = f"coalesce(try_cast(concat({text}, 'Z') AS TIMESTAMPTZ), try_cast({text} AS TIMESTAMPTZ))"
    seconds = (
        f"coalesce(try_cast({text} AS DOUBLE), CASE WHEN {text} LIKE '20__-__-__%' THEN epoch_us({iso}) / 1e6 END)"
    )
    # 2000 to 2100: a number in somebody's text must not become the year 8304.
    return f"CASE WHEN {seconds} BETWEEN 946684800 AND 4102444800 THEN {seconds} END"


def _cases(words: Mapping[str, str]) -> str:
    return " ".join(f"WHEN '{word}' THEN '{reason}'" for word, reason in words.items())
