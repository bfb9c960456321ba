"""The vocabulary of the log: levels, states, causes, reasons and statuses."""

from enum import StrEnum

PROVIDER_NAME = r"[a-z][a-z0-9_-]{0,31}"


class Severity(StrEnum):
    """Level of a line."""

    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class State(StrEnum):
    """State of a circuit."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Cause(StrEnum):
    """Why a circuit changed its state."""

    THRESHOLD = "threshold"
    COOLDOWN_ELAPSED = "cooldown_elapsed"
    ALL_OPEN = "all_open"
    PROBE_SUCCEEDED = "probe_succeeded"
    PROBE_FAILED = "probe_failed"
    PROBE_TIMED_OUT = "probe_timed_out"
    MANUAL_RESET = "manual_reset"
    ISOLATED = "isolated"
    RELEASED = "released"
    ADOPTED = "adopted"


class Reason(StrEnum):
    """Why an attempt failed, or why the chain moved on."""

    TIMEOUT = "timeout"
    CONNECT_ERROR = "connect_error"
    CONNECTION_RESET = "connection_reset"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    AUTH_ERROR = "auth_error"
    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    MALFORMED_RESPONSE = "malformed_response"
    STREAM_INTERRUPTED = "stream_interrupted"
    STREAM_STALLED = "stream_stalled"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105 (no password)
    CIRCUIT_OPEN = "circuit_open"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    MISSING_API_KEY = "missing_api_key"


class AttemptStatus(StrEnum):
    """How one call to one provider ended; cancellation is neither success nor failure."""

    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RequestStatus(StrEnum):
    """How a caller's request ended. `deadline` and `error` (a fault of ours) count like `exhausted`."""

    SUCCESS = "success"
    EXHAUSTED = "exhausted"
    DEADLINE = "deadline"
    ERROR = "error"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
