"""Errors as responses, and docs/service.md in step with them."""

from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from resilience.errors import (
    BlockedError,
    DeadlineExceededError,
    ProvidersExhaustedError,
    RequestError,
    StreamBrokenError,
    UngroundedError,
)
from resilience.events import Reason, Tried
from resilience.service.problems import Problem, UnsupportedMediaTypeError, problem_of
from resilience.service.questions import NO_QUESTIONS

TRIED = [Tried("alpha", Reason.TIMEOUT)]
DOCUMENT = Path(__file__).parents[2] / "docs" / "service.md"

PROBLEMS = {
    "bad request": problem_of(RequestError("x", param="stop")),
    "content filter": problem_of(RequestError("x", reason=Reason.CONTENT_FILTER)),
    "path": problem_of(HTTPException(404)),
    "method": problem_of(HTTPException(405)),
    "size": problem_of(HTTPException(413)),
    "type": problem_of(UnsupportedMediaTypeError("x")),
    "bug": problem_of(RuntimeError("x")),
    "no questions": NO_QUESTIONS,
    "exhausted": problem_of(ProvidersExhaustedError(request_id="r", tried=TRIED, retry_after_s=None)),
    "late": problem_of(DeadlineExceededError("x", request_id="r", tried=TRIED)),
    "blocked": problem_of(BlockedError("x")),
    "ungrounded": problem_of(UngroundedError(request_id="r", tried=TRIED, issues=["number_changed"])),
    "broken": problem_of(StreamBrokenError("x", request_id="r", tried=TRIED)),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_the_document_lists_every_error(case: str):
    problem = PROBLEMS[case]
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("|")]

    found = [row for row in rows if str(problem.status) in row or problem.code == "stream_broken"]

    assert any(f"`{problem.code}`" in row if problem.code else "| |" in row for row in found), problem


@pytest.mark.parametrize(("retry_after_s", "header"), [(0.0, "1"), (0.2, "1"), (59.01, "60"), (60.0, "60")])
def test_a_wait_is_told_in_whole_seconds_and_never_too_short(retry_after_s: float, header: str):
    error = ProvidersExhaustedError(request_id="r", tried=TRIED, retry_after_s=retry_after_s)

    assert problem_of(error).headers["retry-after"] == header


def test_the_error_object_has_all_of_openais_keys():
    body = Problem(400, "message", "invalid_request_error", param="stop").body()

    assert body == {
        "error": {"message": "message", "type": "invalid_request_error", "param": "stop", "code": None},
    }
