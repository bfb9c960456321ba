"""The faults by name: what can go wrong, or just look odd, with one call.

Each is a behaviour of the catalogue with its parameters; docs/faults.md tells what the chain makes of each.
`python -m resilience simulate --list` lists them, and each is a scenario of its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from resilience.simulator.behaviour import Behaviour
from resilience.simulator.catalogue import Parameter


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. text: what happens, in a line."""

    name: str
    text: str
    behaviour: Behaviour


def _fault(name: str, text: str, behaviour: str | None = None, **parameters: Parameter) -> Fault:
    return Fault(name, text, Behaviour.of(behaviour or name, **parameters))


_ERRORS = (
    _fault("bad_request", "400: the request breaks a rule", "error", status=400),
    _fault("unauthorized", "401: the key is wrong", "error", status=401),
    _fault("payment_required", "402: the account is empty", "error", status=402),
    _fault("forbidden", "403: the key may not do this", "error", status=403),
    _fault("not_found", "404: no such model", "error", status=404),
    _fault("request_timeout", "408: the provider gave up waiting", "error", status=408),
    _fault("conflict", "409", "error", status=409),
    _fault("too_large", "413: the request is too large", "error", status=413),
    _fault("unprocessable", "422: the request breaks a rule", "error", status=422),
    _fault("rate_limit", "429 without Retry-After", "error", status=429),
    _fault("rate_limit_seconds", "429, Retry-After in seconds", "error", status=429, retry_after_s=1),
    _fault(
        "rate_limit_date", "429, Retry-After as a date", "error", status=429, retry_after_s=1, retry_after_as="date"
    ),
    _fault("rate_limit_ms", "429, retry-after-ms", "error", status=429, retry_after_s=0.3, retry_after_as="ms"),
    _fault("rate_limit_long", "429, Retry-After beyond any deadline", "error", status=429, retry_after_s=3600),
    _fault("server_error", "500", "error", status=500),
    _fault("bad_gateway", "502, from some as a page of HTML", "error", status=502),
    _fault("unavailable", "503", "error", status=503),
    _fault("gateway_timeout", "504, from some as a page of HTML", "error", status=504),
    _fault("overloaded", "529: Anthropic's overloaded_error", "error", status=529),
    _fault("context_length", "400: the prompt is too long for the model"),
    _fault("content_filter", "400 or 403: the content is refused"),
    _fault("refusal", "a 200 that ends for its content before it says anything"),
    _fault("refusal_text", "a 200 with a refusal in place of content"),
    _fault("refusal_midway", "a stream that ends for its content after some pieces", "refusal", after=3),
    _fault("redirect", "302 to another address", "redirect", code=302),
    _fault("redirect_kept", "307 to another address", "redirect", code=307),
    _fault("no_content", "204", "success_without_body"),
    _fault("error_in_200", "a 200 whose body, or first event, is an error", status=500),
    _fault("rate_limit_in_200", "a 200 whose body, or first event, is an error 429", "error_in_200", status=429),
    _fault("overloaded_in_200", "a 200 whose body, or first event, is an overload", "error_in_200", status=529),
    _fault("error_in_choice", "a 200 whose choice is an error"),
    _fault(
        "error_before_content", "a stream that begins, then reports an error", "error_in_stream", status=500, after=0
    ),
    _fault("error_in_stream", "a stream that reports an error after some pieces", status=500),
    _fault(
        "overloaded_in_stream", "a stream that reports an overload after some pieces", "error_in_stream", status=529
    ),
)
_CONNECTIONS = (
    _fault("refused", "the connection is refused", "refuse"),
    _fault("reset", "the connection is reset before an answer"),
    _fault("closed", "the connection is closed without an answer", "close"),
    _fault("hang", "accepted, never answered"),
    _fault("slow_head", "status and headers byte by byte, for longer than anybody waits"),
    _fault("huge_head", "a megabyte of headers"),
    _fault("hang_after_head", "status and headers, then nothing"),
    _fault("reset_after_head", "status and headers, then a reset"),
    _fault("cut", "closed in the middle of the answer"),
    _fault("reset_midway", "reset in the middle of the answer"),
    _fault("stall", "nothing more from the middle of the answer on"),
    _fault("bad_chunk", "the chunked framing breaks in the middle of the answer"),
    _fault("short_body", "a body shorter than its content-length"),
)
_BODIES = (
    _fault("empty", "a 200 with an empty body"),
    _fault("html", "a 200 with a page for people"),
    _fault("malformed", "a 200 with JSON that is cut off"),
    _fault("wrong_shape", "a 200 with JSON of another API"),
    _fault("deep_json", "a 200 with a hundred thousand nested lists"),
    _fault("invalid_utf8", "text with bytes that are no UTF-8"),
    _fault("wrong_content_type", "an answer under another content type"),
    _fault("gzip_bomb", "a small gzip body that inflates to 64 MB"),
    _fault("only_keep_alives", "keep-alives for ever, no content"),
    _fault("drip", "ever more of the answer, slowly, without end"),
    _fault("endless", "ever more of the answer, fast, without end"),
    _fault("oversized_event", "one event of 4 MB, or a body of 16 MB"),
    _fault(
        "oversized_event_midway", "one event of 4 MB after some pieces, or a body of 16 MB", "oversized_event", after=3
    ),
    _fault("empty_stream", "a stream that ends before it says anything"),
    _fault("done_without_content", "[DONE] and nothing else"),
    _fault("no_finish", "a whole text and [DONE], but no finish reason"),
    _fault("bad_event", "an event that is no JSON after some pieces"),
)
_HARMLESS = (
    _fault("no_done", "no [DONE] after the finish reason"),
    _fault("no_last_newline", "no empty line after [DONE]"),
    _fault("close_at_end", "the connection closes after the answer, without the last chunk of a stream"),
    _fault("hang_at_end", "after the finish reason a stream neither says [DONE] nor ends"),
    _fault("no_usage", "no tokens are told"),
    _fault("absurd_usage", "tokens that are no sensible numbers"),
    _fault("unknown_fields", "fields and events that no reference knows"),
    _fault("keep_alives", "keep-alives before each piece"),
    _fault("crlf", "lines that end in CR LF"),
    _fault("many_lines", "JSON over many `data:` lines of one event"),
    _fault("byte_by_byte", "one byte per chunk"),
    _fault("split_utf8", "characters cut in two by the edges of chunks"),
    _fault("half_surrogate", "half of a surrogate pair in the text"),
    _fault("compressed", "gzip although identity was asked for"),
    _fault("whole_for_stream", "a plain document although a stream was asked for"),
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in (*_ERRORS, *_CONNECTIONS, *_BODIES, *_HARMLESS)}
