"""The provider says no: as a status, inside a 200, or inside a stream."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from resilience.simulator.catalogue.oddities import edited
from resilience.simulator.catalogue.parts import (
    COMPLAINT_S,
    complaint,
    document,
    document_of,
    factor,
    pieces,
    stream_head,
)
from resilience.simulator.catalogue.registry import named
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Head, Send, Step, Wait
from resilience.simulator.wire import ErrorKind
from resilience.simulator.wire.values import KIND_OF_STATUS


@named
def error(
    scene: Scene,
    *,
    status: int = 503,
    latency_s: float = COMPLAINT_S,
    retry_after_s: float | None = None,
    retry_after_as: str = "usual",
) -> Iterator[Step]:
    """An error response of this status, in the provider's own words; retry_after_as: usual, date or ms."""
    if retry_after_s is None or retry_after_as == "usual":
        yield from complaint(scene, KIND_OF_STATUS[status], latency_s, retry_after_s)
    else:
        wish = _WISHES[retry_after_as](scene, retry_after_s)
        yield from complaint(scene, KIND_OF_STATUS[status], latency_s, more=(wish,))


def _as_date(scene: Scene, wish_s: float) -> tuple[str, str]:
    at = datetime.fromtimestamp(scene.generation.created_s + wish_s, UTC)
    return ("retry-after", format_datetime(at, usegmt=True))


def _as_milliseconds(_: Scene, wish_s: float) -> tuple[str, str]:
    return ("retry-after-ms", str(round(wish_s * 1000)))


_WISHES: Mapping[str, Callable[[Scene, float], tuple[str, str]]] = {"date": _as_date, "ms": _as_milliseconds}


@named
def context_length(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """The prompt is longer than the model takes."""
    yield from complaint(scene, ErrorKind.CONTEXT_LENGTH, latency_s)


@named
def content_filter(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """The provider refuses the content of the prompt."""
    yield from complaint(scene, ErrorKind.CONTENT_FILTER, latency_s)


@named
def refusal(scene: Scene, *, after: int = 0, latency_s: float | None = None) -> Iterator[Step]:
    """A 200 that ends for its content: `finish_reason: content_filter`, `stop_reason: refusal`."""
    times = factor(scene, latency_s)
    refused = replace(scene, generation=replace(scene.generation, finish_reason="content_filter"))
    if scene.call.streamed:
        yield from pieces(refused, times, after)
        yield Send(scene.wire.ending(refused.generation, include_usage=scene.call.include_usage))
        return
    yield Wait(scene.latency_s * times)
    yield from document(scene, scene.wire.plain(refused.generation))


@named
def refusal_text(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A 200 whose message is a `refusal` in place of content; a format without that field says `refusal` as it can."""
    if b'"choices"' in scene.wire.plain(scene.generation):
        yield from edited(scene, factor(scene, latency_s), _refusing)
    else:
        yield from refusal(scene, latency_s=latency_s)


def _refusing(value: dict[str, Any]) -> dict[str, Any]:
    for choice in value["choices"]:
        said = choice.get("message") or choice["delta"]
        if said.get("content"):
            said |= {"content": None, "refusal": "I'm sorry, I cannot help with that."}
    return value


@named
def redirect(
    scene: Scene, *, code: int = 302, to: str = "http://127.0.0.1:9/", latency_s: float = COMPLAINT_S
) -> Iterator[Step]:
    """A redirect to somewhere else."""
    del scene
    yield Wait(latency_s)
    yield Head(code, (("location", to), ("content-length", "0")))


@named
def success_without_body(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """204 No Content where an answer should be."""
    del scene
    yield Wait(latency_s)
    yield Head(204, ())


@named
def error_in_200(scene: Scene, *, status: int = 502, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 whose body, or whose first event, is an error: OpenRouter's way to report its upstream."""
    kind, call = KIND_OF_STATUS[status], scene.call
    yield Wait(latency_s)
    if call.streamed:
        yield stream_head(scene)
        yield Send(scene.wire.error_event(kind, call))
    else:
        yield from document(scene, scene.wire.error_document(kind, call))


@named
def error_in_choice(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 whose choice carries the error of an upstream; a format without choices says it as error_in_200."""
    if b'"choices"' not in scene.wire.plain(scene.generation):
        yield from error_in_200(scene, status=500, latency_s=latency_s)
        return
    error = {"code": 500, "message": "Upstream error"}
    choice = {"index": 0, "delta": {}, "message": {"content": None}, "finish_reason": "error", "error": error}
    body = json.dumps({"id": "gen-1", "model": scene.call.model, "choices": [choice]}).encode()
    yield Wait(latency_s)
    yield from document_of(scene, body)


@named
def error_in_stream(
    scene: Scene, *, status: int = 502, after: int = 3, latency_s: float | None = None
) -> Iterator[Step]:
    """A stream that reports an error after some pieces; a plain call gets error_in_200."""
    times = factor(scene, latency_s)
    if not scene.call.streamed:
        yield from error_in_200(scene, status=status, latency_s=scene.latency_s * times)
        return
    yield from pieces(scene, times, after)
    yield Send(scene.wire.error_event(KIND_OF_STATUS[status], scene.call))
