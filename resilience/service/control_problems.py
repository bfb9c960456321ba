"""A change that was not made, as the caller is told."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException

from resilience.control.control import Control
from resilience.control.refusals import (
    InvalidError,
    RefusalError,
    ReusedKeyError,
    StaleError,
    UnknownError,
    UnwritableError,
)
from resilience.errors import RequestError, ResilienceError
from resilience.service.control_view import entry_document
from resilience.service.problems import Problem, ProblemError, UnsupportedMediaTypeError

MAX_BODY_BYTES = 64 * 1024
_WRONG = "invalid_request_error"


@contextmanager
def told(control: Control) -> Iterator[None]:
    """Turn what the block raises into what docs/control.md lists."""
    try:
        yield
    except (ProblemError, UnsupportedMediaTypeError):
        raise
    except HTTPException as exc:
        if exc.status_code != 413:
            raise
        message = f"The request's body is larger than {MAX_BODY_BYTES // 1024} KiB: send less"
        raise ProblemError(Problem(413, message, _WRONG, code="body_too_large")) from exc
    except ResilienceError as exc:
        problem = _problem(control, exc)
        if problem is None:
            raise
        raise ProblemError(problem) from exc


def _problem(control: Control, exc: ResilienceError) -> Problem | None:
    match exc:
        case RequestError() | InvalidError():
            param = None if exc.param is None else exc.param[:100]
            return Problem(400, str(exc)[:1000], _WRONG, param=param, code="invalid_value")
        case StaleError():
            between = [entry_document(control, entry) for entry in exc.between]
            more = {"version": exc.version, "between": between}
            return Problem(409, str(exc), _WRONG, param="version", code="stale_version", more=more)
        case RefusalError():
            return Problem(409, str(exc), _WRONG, code=exc.code, more={"forceable": exc.forceable})
        case UnknownError():
            return Problem(404, str(exc), _WRONG, code="not_found")
        case ReusedKeyError():
            return Problem(422, str(exc), _WRONG, param="idempotency-key", code="idempotency_key_reused")
        case UnwritableError():
            return Problem(503, str(exc), "server_error", code="cannot_write")
    return None
