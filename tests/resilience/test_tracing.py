"""Spans: what they say of a request, when they are sent, and that they never get in its way."""

import re
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from resilience.events import FellBack, Reason, RequestFinished, RequestStatus
from resilience.service import spans
from resilience.service.app import create_app
from resilience.service.spans import Spans
from resilience.service.tracing import tracing
from tests.resilience.process_kit import BackendProcess, environment
from tests.resilience.service_kit import Network, fails, http, serving, two_providers

ASK = {"messages": [{"role": "user", "content": "a secret question"}]}
S = 1_000_000_000  # nanoseconds


class Collected:
    """Spans of a service, in memory. now_ns: what its clock says; it stands still."""

    def __init__(self) -> None:
        self.now_ns = 1000 * S
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.spans = Spans(provider.get_tracer("test"), lambda: self.now_ns)

    @property
    def ended(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def tree(self) -> dict[str, list[ReadableSpan]]:
        """The spans in each request's span, by the request's id, in the order of their ends."""
        found: dict[str, list[ReadableSpan]] = {}
        for request in self.ended:
            if request.parent is None and request.context is not None and request.attributes is not None:
                inside = [s for s in self.ended if s.parent and s.parent.span_id == request.context.span_id]
                found[str(request.attributes["metis.request.id"])] = [request, *inside]
        return found


def ended(request_id: str, status: RequestStatus = RequestStatus.SUCCESS, total_ms: float = 1000) -> RequestFinished:
    return RequestFinished(
        request_id=request_id,
        status=status,
        provider="beta" if status is RequestStatus.SUCCESS else None,
        attempts=0,
        fallbacks=0,
        total_ms=total_ms,
        wasted_ms=0,
    )


def fell_back(request_id: str) -> FellBack:
    return FellBack(request_id=request_id, from_provider="alpha", to_provider="beta", reason=Reason.TIMEOUT)


@pytest.fixture(scope="module")
def rescued() -> tuple[ReadableSpan, ReadableSpan, ReadableSpan]:
    """The spans of one request that alpha failed, opening its circuit, and beta answered."""
    collected = Collected()
    app = create_app(two_providers(threshold=1), collected.spans.observe, transport=Network(alpha=fails(503)))
    with serving(app) as url:
        assert http.post(f"{url}/v1/chat/completions", json=ASK).status_code == 200
    (found,) = collected.tree().values()
    request, first, second = found
    return request, first, second


def test_a_request_has_a_span_and_in_it_one_for_each_call(rescued: tuple[ReadableSpan, ...]):
    assert [(span.name, span.kind, span.status.status_code) for span in rescued] == [
        ("llm request", SpanKind.INTERNAL, StatusCode.UNSET),
        ("chat alpha-model", SpanKind.CLIENT, StatusCode.ERROR),
        ("chat beta-model", SpanKind.CLIENT, StatusCode.UNSET),
    ]


def test_a_call_speaks_the_words_of_the_conventions(rescued: tuple[ReadableSpan, ...]):
    _, failed, answered = (dict(span.attributes or {}) for span in rescued)

    assert failed == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "alpha",
        "gen_ai.request.model": "alpha-model",
        "http.response.status_code": 503,
        "error.type": "server_error",
        "metis.attempt.status": "failed",
        "metis.attempt.number": 1,
        "metis.chain.position": 0,
        "metis.circuit.state": "CLOSED",
    }
    assert answered == {name: value for name, value in failed.items() if name != "error.type"} | {
        "gen_ai.provider.name": "beta",
        "gen_ai.request.model": "beta-model",
        "gen_ai.response.model": "beta-model",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "http.response.status_code": 200,
        "metis.attempt.status": "success",
        "metis.chain.position": 1,
    }


def test_the_document_has_every_attribute():
    named = re.compile(r"\b(?:gen_ai|metis|http|error)\.[a-z_]+(?:\.[a-z_]+)?\b")
    document = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text("utf-8").partition("## What is sent")[2]

    written = set(re.findall(r'"((?:gen_ai|metis|http|error)\.[a-z_.]+)"', Path(spans.__file__).read_text("utf-8")))

    assert {name for text in re.findall(r"`([^`]+)`", document) for name in named.findall(text)} == written


def test_circuits_and_fallbacks_are_events_of_the_request(rescued: tuple[ReadableSpan, ...]):
    told = [(event.name, dict(event.attributes or {})) for event in rescued[0].events]

    assert told == [
        (
            "circuit",
            {
                "metis.circuit.provider": "alpha",
                "metis.circuit.from": "CLOSED",
                "metis.circuit.state": "OPEN",
                "metis.circuit.cause": "threshold",
            },
        ),
        (
            "fallback",
            {"metis.fallback.from": "alpha", "metis.fallback.to": "beta", "metis.fallback.reason": "server_error"},
        ),
    ]


def test_nothing_of_a_prompt_or_an_answer_is_in_a_span(rescued: tuple[ReadableSpan, ...]):
    whole = "".join(span.to_json() for span in rescued)

    assert "secret" not in whole
    assert "Hello" not in whole
    assert "sk-" not in whole


def test_a_span_lasts_from_the_requests_beginning_to_its_end():
    collected = Collected()

    collected.spans.observe(fell_back("r"))
    collected.now_ns += 2 * S
    collected.spans.observe(ended("r", total_ms=2500))

    (span,) = collected.ended
    assert (span.start_time, span.end_time) == (999_500_000_000, 1002 * S)
    assert [event.timestamp for event in span.events] == [1000 * S]


@pytest.mark.parametrize("status", RequestStatus)
def test_a_request_without_an_answer_is_an_error_and_the_callers_own_mistake_is_none(status: RequestStatus):
    collected = Collected()

    collected.spans.observe(ended("r", status))

    (span,) = collected.ended
    bad = status in (RequestStatus.EXHAUSTED, RequestStatus.DEADLINE, RequestStatus.ERROR)
    assert span.status.status_code is (StatusCode.ERROR if bad else StatusCode.UNSET)
    assert (span.attributes or {}).get("error.type") == (str(status) if bad else None)


def test_requests_that_never_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spans, "REQUESTS_KEPT", 3)
    monkeypatch.setattr(spans, "STEPS_KEPT", 2)
    collected = Collected()

    for number in range(5):
        for _ in range(4):
            collected.spans.observe(fell_back(f"{number}"))
    for number in range(5):
        collected.spans.observe(ended(f"{number}"))

    assert {name: len(found[0].events) for name, found in collected.tree().items()} == {
        "0": 0,
        "1": 0,
        "2": 2,
        "3": 2,
        "4": 2,
    }


def test_a_fault_of_the_library_is_no_fault_of_a_call():
    class Broken:
        def start_span(self, *_: object, **__: object) -> None:
            raise RuntimeError("out of spans")

    Spans(Broken()).observe(ended("r"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_a_collector_there_are_no_spans_and_no_words(environ: dict[str, str]):
    said: list[str] = []

    assert tracing("service", environ, said.append) is None
    assert said == []


def test_a_protocol_that_is_not_spoken_is_said():
    said: list[str] = []
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}

    assert tracing("service", environ, said.append) is None
    assert said == ["warning: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, got 'grpc': no spans are sent\n"]


def test_a_package_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    said: list[str] = []

    assert tracing("service", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, said.append) is None
    (line,) = said
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed" in line


class Collector:
    """A collector on a real socket that takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.taken: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.taken.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Collector"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(10)


def test_the_running_service_sends_its_spans_to_a_collector(tmp_path: Path):
    with Collector().running() as collector:
        environ = environment(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, METIS_LLM_MAX_RETRIES="0")
        with BackendProcess(tmp_path, environ, "--port", "0").running() as backend:
            assert http.post(f"{backend.url}/v1/chat/completions", json=ASK).status_code == 503
            backend.process.terminate()
            assert backend.end() == 0

    resources = [resource for taken in collector.taken for resource in taken.resource_spans]
    names = [span.name for resource in resources for scope in resource.scope_spans for span in scope.spans]
    service = {pair.key: pair.value.string_value for pair in resources[0].resource.attributes}
    assert sorted(names) == ["chat alpha-model", "llm request"]
    assert service["service.name"] == "metis-backend"


def test_a_collector_that_is_not_there_keeps_no_answer_and_no_end_waiting(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, says nothing
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        environ = environment(OTEL_EXPORTER_OTLP_ENDPOINT=url, METIS_LLM_MAX_RETRIES="0", OTEL_BSP_SCHEDULE_DELAY="1")
        with BackendProcess(tmp_path, environ, "--port", "0").running() as backend:
            for _ in range(3):
                assert http.post(f"{backend.url}/v1/chat/completions", json=ASK).status_code == 503
            backend.process.terminate()
            assert backend.end() == 0
