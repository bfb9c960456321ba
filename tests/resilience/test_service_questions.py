"""POST /api/progressive-questions/generate."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience.service.questions import MAX_QUESTIONS, questions_in
from tests.resilience.service_kit import Service, answers, fails, http, shared_service

PATH = "/api/progressive-questions/generate"


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    with shared_service() as service:
        yield service


@pytest.fixture
def service(shared: Service) -> Service:
    shared.clear()
    return shared


def test_a_statement_becomes_questions_with_the_name_of_who_asked_them(service: Service):
    service.network.behaviours |= {"alpha": fails(503), "beta": answers("What is meant?\nWhy?")}

    response = http.post(service.url + PATH, json={"statement": "We should grow", "context": {"year": 2025}})

    assert response.json() == {
        "questions": ["What is meant?", "Why?"],
        "provider": "beta",
        "model": "beta-model",
        "request_id": response.headers["x-request-id"],
    }
    assert response.headers["x-metis-fallbacks"] == "1"
    prompt = service.network.bodies[-1]["messages"][1]["content"]
    assert "We should grow" in prompt
    assert '"year": 2025' in prompt


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_runbooks_curl_works_as_it_stands(service: Service):
    port = service.url.rpartition(":")[2]
    command = f"""curl -X POST http://localhost:{port}/api/progressive-questions/generate \\
     -H "Content-Type: application/json" \\
     -d '{{"statement":"Test","context":{{}}}}'"""

    found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)

    assert found.stdout.startswith('{"questions":["Hello from alpha"],"provider":"alpha"')


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"context": {}}, "statement"),
        ({"statement": ""}, "statement"),
        ({"statement": 5}, "statement"),
        ({"statement": "x", "context": []}, "context"),
        ({"statement": "x", "contxt": {}}, "contxt"),
    ],
)
def test_a_wrong_body_is_refused_by_field(service: Service, body: dict[str, object], param: str):
    response = http.post(service.url + PATH, json=body)

    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_an_answer_without_any_text_is_a_502(service: Service):
    service.network.behaviours["alpha"] = answers(" \n --- \n")

    response = http.post(service.url + PATH, json={"statement": "x"})

    assert (response.status_code, response.json()["error"]["code"]) == (502, "no_questions")
    assert (response.headers["x-metis-provider"], response.headers["x-metis-attempts"]) == ("alpha", "1")


@pytest.mark.parametrize(
    "line",
    [
        "What is meant?",
        "1. What is meant?",
        "12) What is meant?",
        "(3) What is meant?",
        "a) What is meant?",
        "- What is meant?",
        "* **What is meant?**",
        "**1.** What is meant?",
        "- **1. What is meant?**",
        "Q1: What is meant?",
        "Question 2: What is meant?",
        "• “What is meant?”",
        "### What is meant?",
        "\tWhat is meant?  \r",
    ],
)
def test_numbers_bullets_and_marks_around_a_question_go(line: str):
    assert questions_in(line) == ["What is meant?"]


def test_headings_greetings_and_a_cut_end_are_no_questions():
    text = "Sure! Here they are:\n\n## Basics\n1. What is meant?\n2. 3 of 4 what?\n\n---\n3. And how would it"

    assert questions_in(text) == ["What is meant?", "3 of 4 what?"]


def test_lines_without_question_marks_count_where_there_is_nothing_else():
    assert questions_in("1. Say what is meant\n2. Say why") == ["Say what is meant", "Say why"]


@given(st.text())
def test_any_text_gives_clean_lines_within_the_limit(text: str):
    found = questions_in(text)

    assert len(found) <= MAX_QUESTIONS
    assert all(line and line == line.strip() and questions_in(line) for line in found)
