"""Errors of the chat completions dialects, in each provider's own words and shape.

OpenAI and DeepSeek answer a gateway's error with a page of HTML, not JSON: their edge, not their API, speaks.
OpenRouter reports moderation as 403 with the reasons in `metadata`, and an upstream's error as its own.
"""

import json
from collections.abc import Mapping
from typing import Any

from resilience.simulator.wire.values import Call, Complaint, ErrorKind, Headers, seconds

_Words = tuple[int, str, str | None, str]  # status, type, code, message; {model} and {tokens} are filled in

_OPENAI: Mapping[ErrorKind, _Words] = {
    ErrorKind.BAD_REQUEST: (400, "invalid_request_error", None, "Invalid value in the request."),
    ErrorKind.CONTEXT_LENGTH: (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages.",
    ),
    ErrorKind.CONTENT_FILTER: (
        400,
        "invalid_request_error",
        "content_filter",
        "The response was filtered due to the prompt triggering the content management policy.",
    ),
    ErrorKind.UNAUTHORIZED: (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    ErrorKind.PAYMENT_REQUIRED: (402, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    ErrorKind.FORBIDDEN: (
        403,
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    ErrorKind.NOT_FOUND: (
        404,
        "invalid_request_error",
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    ErrorKind.REQUEST_TIMEOUT: (408, "server_error", None, "Request timed out."),
    ErrorKind.CONFLICT: (409, "invalid_request_error", None, "The resource is being changed by another request."),
    ErrorKind.TOO_LARGE: (413, "invalid_request_error", None, "The request is too large."),
    ErrorKind.UNPROCESSABLE: (422, "invalid_request_error", None, "The request could not be processed."),
    ErrorKind.RATE_LIMITED: (
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for {model} on requests per min (RPM): Limit 500, Used 500, Requested 1.",
    ),
    ErrorKind.SERVER_ERROR: (500, "server_error", None, "The server had an error while processing your request."),
    ErrorKind.BAD_GATEWAY: (502, "server_error", None, "Bad gateway."),
    ErrorKind.UNAVAILABLE: (503, "server_error", None, "The engine is currently overloaded, please try again later"),
    ErrorKind.GATEWAY_TIMEOUT: (504, "server_error", None, "Gateway time-out."),
    ErrorKind.OVERLOADED: (529, "server_error", None, "The service is overloaded."),
}

_DEEPSEEK: Mapping[ErrorKind, _Words] = {
    **_OPENAI,
    ErrorKind.CONTEXT_LENGTH: (
        400,
        "invalid_request_error",
        "invalid_request_error",
        "This model's maximum context length is 131072 tokens. However, you requested {tokens} tokens. "
        "Please reduce the length of the messages or completion.",
    ),
    ErrorKind.CONTENT_FILTER: (400, "invalid_request_error", "invalid_request_error", "Content Exists Risk"),
    ErrorKind.UNAUTHORIZED: (
        401,
        "authentication_error",
        "invalid_request_error",
        "Authentication Fails, Your api key is invalid",
    ),
    ErrorKind.PAYMENT_REQUIRED: (402, "unknown_error", "invalid_request_error", "Insufficient Balance"),
    ErrorKind.UNPROCESSABLE: (
        422,
        "invalid_request_error",
        "invalid_request_error",
        "Failed to deserialize the JSON body into the target type",
    ),
    ErrorKind.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_reached", "Rate limit reached"),
    ErrorKind.UNAVAILABLE: (
        503,
        "service_unavailable_error",
        "service_unavailable_error",
        "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
    ),
}

_OPENROUTER: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.BAD_REQUEST: (400, "Invalid value in the request"),
    ErrorKind.CONTEXT_LENGTH: (
        400,
        "This endpoint's maximum context length is 131072 tokens. However, you requested about {tokens} tokens.",
    ),
    ErrorKind.CONTENT_FILTER: (403, "Your input was flagged by moderation"),
    ErrorKind.UNAUTHORIZED: (401, "No auth credentials found"),
    ErrorKind.PAYMENT_REQUIRED: (402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"),
    ErrorKind.FORBIDDEN: (403, "Key limit exceeded (daily limit)"),
    ErrorKind.NOT_FOUND: (404, "No endpoints found for {model}."),
    ErrorKind.REQUEST_TIMEOUT: (408, "Request timed out"),
    ErrorKind.CONFLICT: (409, "The request conflicts with another one"),
    ErrorKind.TOO_LARGE: (413, "Request entity too large"),
    ErrorKind.UNPROCESSABLE: (422, "The request could not be processed"),
    ErrorKind.SERVER_ERROR: (500, "Internal Server Error"),
    ErrorKind.UNAVAILABLE: (503, "No instances available"),
}
_UPSTREAM_STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.BAD_GATEWAY: 502,
    ErrorKind.GATEWAY_TIMEOUT: 504,
    ErrorKind.OVERLOADED: 529,
}

_HTML = (ErrorKind.BAD_GATEWAY, ErrorKind.GATEWAY_TIMEOUT)


def complaint(
    dialect: str, kind: ErrorKind, call: Call, upstream: str | None, retry_after_s: float | None
) -> Complaint:
    """The error as a response of its own, with `retry-after` if the provider wishes one."""
    status, headers = _status(dialect, kind), _retry_after(dialect, retry_after_s)
    if kind in _HTML and dialect != "openrouter":
        return Complaint(status, (("content-type", "text/html"), *headers), page(status, kind))
    body = json.dumps(document(dialect, kind, call, upstream)).encode()
    return Complaint(status, (("content-type", "application/json"), *headers), body)


def document(dialect: str, kind: ErrorKind, call: Call, upstream: str | None) -> dict[str, Any]:
    """The error as JSON, also for use inside a 200."""
    if dialect == "openrouter":
        return _openrouter(kind, call, upstream)
    _, type_, code, message = (_DEEPSEEK if dialect == "deepseek" else _OPENAI)[kind]
    text = message.format(model=call.model, tokens=call.prompt_tokens)
    return {"error": {"message": text, "type": type_, "param": None, "code": code}}


def page(status: int, kind: ErrorKind) -> bytes:
    """What a load balancer in front of a provider answers."""
    title = f"{status} {kind.replace('_', ' ').title()}"
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()


def _openrouter(kind: ErrorKind, call: Call, upstream: str | None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": _status("openrouter", kind)}
    if kind in _UPSTREAM_STATUS:
        raw = f"{call.model} is temporarily {kind.replace('_', '-')} upstream. Please retry shortly."
        error |= {"message": "Provider returned error", "metadata": {"raw": raw, "provider_name": upstream}}
    else:
        error["message"] = _OPENROUTER[kind][1].format(model=call.model, tokens=call.prompt_tokens)
    if kind is ErrorKind.CONTENT_FILTER:
        error["metadata"] = {
            "reasons": ["violence"],
            "flagged_input": "...",
            "provider_name": upstream,
            "model_slug": call.model,
        }
    return {"error": error, "user_id": "user_simulated"}


def _status(dialect: str, kind: ErrorKind) -> int:
    if dialect == "openrouter":
        return _UPSTREAM_STATUS[kind] if kind in _UPSTREAM_STATUS else _OPENROUTER[kind][0]
    return _OPENAI[kind][0]


def _retry_after(dialect: str, retry_after_s: float | None) -> Headers:
    if retry_after_s is None:
        return ()
    headers: Headers = (("retry-after", seconds(retry_after_s)),)
    if dialect == "openai":
        headers += (("retry-after-ms", str(round(retry_after_s * 1000))),)
    return headers
