"""The catalogue: what a provider can do with a call, by name.

Each entry is a function from a Scene to steps; its keyword parameters are the behaviour's. A new fault is one more
function. Nothing here draws at random: what varies from call to call is in the Scene.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping

from resilience.simulator.scene import Scene
from resilience.simulator.steps import Close, Hang, Head, Refuse, Reset, Send, Step, Wait
from resilience.simulator.wire import ErrorKind
from resilience.simulator.wire.values import KIND_OF_STATUS, Headers

Parameter = float | str | None
Maker = Callable[..., Iterator[Step]]
CATALOGUE: dict[str, Maker] = {}


def parameters_of(maker: Maker) -> Mapping[str, Parameter]:
    """A catalogue entry's parameters and their defaults."""
    signature = inspect.signature(maker).parameters.values()
    return {p.name: p.default for p in signature if p.kind is inspect.Parameter.KEYWORD_ONLY}


def _named(maker: Maker) -> Maker:
    CATALOGUE[maker.__name__] = maker
    return maker


@_named
def ok(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer, in the provider's usual time or in latency_s."""
    yield from _answer(scene, _factor(scene, latency_s))


@_named
def slow(scene: Scene, *, factor: float = 10.0) -> Iterator[Step]:
    """A whole answer that takes `factor` times as long as usual."""
    yield from _answer(scene, factor)


@_named
def error(
    scene: Scene, *, status: int = 503, latency_s: float = 0.15, retry_after_s: float | None = None
) -> Iterator[Step]:
    """An error response of this status, in the provider's own words."""
    yield from _complaint(scene, KIND_OF_STATUS[status], latency_s, retry_after_s)


@_named
def context_length(scene: Scene, *, latency_s: float = 0.15) -> Iterator[Step]:
    """The prompt is longer than the model takes."""
    yield from _complaint(scene, ErrorKind.CONTEXT_LENGTH, latency_s)


@_named
def content_filter(scene: Scene, *, latency_s: float = 0.15) -> Iterator[Step]:
    """The provider refuses the content of the prompt."""
    yield from _complaint(scene, ErrorKind.CONTENT_FILTER, latency_s)


@_named
def error_in_200(scene: Scene, *, status: int = 502, latency_s: float = 0.15) -> Iterator[Step]:
    """A 200 whose body, or whose first event, is an error: OpenRouter's way to report its upstream."""
    kind, call = KIND_OF_STATUS[status], scene.call
    yield Wait(latency_s)
    if call.streamed:
        yield _stream_head(scene)
        yield Send(scene.wire.error_event(kind, call))
    else:
        body = scene.wire.error_document(kind, call)
        yield _document_head(scene, body)
        yield Send(body)


@_named
def error_in_stream(
    scene: Scene, *, status: int = 502, after: int = 3, latency_s: float | None = None
) -> Iterator[Step]:
    """A stream that reports an error after some pieces; a plain call gets error_in_200."""
    factor = _factor(scene, latency_s)
    if not scene.call.streamed:
        yield from error_in_200(scene, status=status, latency_s=scene.latency_s * factor)
        return
    yield from _pieces(scene, factor, after)
    yield Send(scene.wire.error_event(KIND_OF_STATUS[status], scene.call))


@_named
def hang(_: Scene) -> Iterator[Step]:
    """Accepted, and never answered."""
    yield Hang()


@_named
def refuse(_: Scene) -> Iterator[Step]:
    """Connection refused."""
    yield Refuse()


@_named
def reset(_: Scene, *, latency_s: float = 0.15) -> Iterator[Step]:
    """Connection reset before any answer."""
    yield Wait(latency_s)
    yield Reset()


@_named
def cut(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """The connection closes after some pieces of a stream, or halfway through a plain answer."""
    yield from _partial(scene, _factor(scene, latency_s), after)
    yield Close()


@_named
def stall(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """Nothing more comes after some pieces of a stream, or halfway through a plain answer."""
    yield from _partial(scene, _factor(scene, latency_s), after)
    yield Hang()


@_named
def malformed(scene: Scene, *, latency_s: float = 0.15) -> Iterator[Step]:
    """A 200 with a body, or an event, that is no JSON."""
    yield Wait(latency_s)
    if scene.call.streamed:
        yield _stream_head(scene)
        yield Send(b'data: {"id": "\n\n')
    else:
        body = scene.wire.plain(scene.generation)[:-20]
        yield _document_head(scene, body)
        yield Send(body)


def _factor(scene: Scene, latency_s: float | None) -> float:
    """How much longer than usual an answer takes that takes latency_s; None: as usual."""
    return 1.0 if latency_s is None else latency_s / scene.latency_s


def _answer(scene: Scene, factor: float) -> Iterator[Step]:
    if scene.refusal is not None:  # a wrong key or path is refused in health, too
        yield from _complaint(scene, scene.refusal, min(scene.latency_s * factor, 0.15))
        return
    if scene.call.streamed:
        yield from _pieces(scene, factor, len(scene.generation.pieces))
        yield Send(scene.wire.ending(scene.generation, include_usage=scene.call.include_usage))
        return
    body = scene.wire.plain(scene.generation)
    yield Wait(scene.latency_s * factor)
    yield _document_head(scene, body)
    yield Send(body)


def _pieces(scene: Scene, factor: float, count: int) -> Iterator[Step]:
    """A stream's head at a third of the time to its first token, then so many pieces, evenly."""
    pieces = scene.generation.pieces
    gap_s = (scene.latency_s - scene.first_token_s) * factor / len(pieces)
    yield Wait(scene.first_token_s * factor / 3)
    yield _stream_head(scene)
    yield Send(scene.wire.keep_alive())
    yield Wait(scene.first_token_s * factor * 2 / 3)
    yield Send(scene.wire.opening(scene.generation))
    for piece in pieces[:count]:
        yield Send(scene.wire.piece(scene.generation, piece))
        yield Wait(gap_s)


def _partial(scene: Scene, factor: float, after: int) -> Iterator[Step]:
    if scene.call.streamed:
        yield from _pieces(scene, factor, after)
        return
    body = scene.wire.plain(scene.generation)
    yield Wait(scene.latency_s * factor)
    yield _document_head(scene, body)
    yield Send(body[: len(body) // 2])


def _complaint(scene: Scene, kind: ErrorKind, latency_s: float, retry_after_s: float | None = None) -> Iterator[Step]:
    complaint = scene.wire.complaint(kind, scene.call, retry_after_s)
    yield Wait(latency_s)
    yield Head(complaint.status, (*complaint.headers, _length(complaint.body)))
    yield Send(complaint.body)


def _document_head(scene: Scene, body: bytes) -> Head:
    headers: Headers = (("content-type", "application/json"), _length(body))
    return Head(200, headers + scene.wire.headers(scene.generation))


def _stream_head(scene: Scene) -> Head:
    headers: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
    return Head(200, headers + scene.wire.headers(scene.generation))


def _length(body: bytes) -> tuple[str, str]:
    return ("content-length", str(len(body)))
