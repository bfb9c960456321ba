"""What the behaviours are put together from: heads, documents, streams, complaints."""

from collections.abc import Iterator

from resilience.simulator.scene import Scene
from resilience.simulator.steps import Head, Send, Step, Wait
from resilience.simulator.wire import ErrorKind
from resilience.simulator.wire.values import Headers

COMPLAINT_S = 0.15
"""How long a provider usually takes to say no."""


def factor(scene: Scene, latency_s: float | None) -> float:
    """How much longer than usual an answer takes that takes latency_s; None: as usual."""
    return 1.0 if latency_s is None else latency_s / scene.latency_s


def answer(scene: Scene, times: float) -> Iterator[Step]:
    """The whole healthy answer, in so many times the usual time."""
    if scene.refusal is not None:  # a wrong key or path is refused in health, too
        yield from complaint(scene, scene.refusal, min(scene.latency_s * times, COMPLAINT_S))
        return
    if scene.call.streamed:
        yield from pieces(scene, times, len(scene.generation.pieces))
        yield Send(scene.wire.ending(scene.generation, include_usage=scene.call.include_usage))
        return
    yield Wait(scene.latency_s * times)
    yield from document(scene, scene.wire.plain(scene.generation))


def pieces(scene: Scene, times: float, count: int) -> Iterator[Step]:
    """A stream's head at a third of the time to its first token, then so many pieces, evenly."""
    texts = scene.generation.pieces
    gap_s = (scene.latency_s - scene.first_token_s) * times / len(texts)
    yield Wait(scene.first_token_s * times / 3)
    yield stream_head(scene)
    yield Send(scene.wire.keep_alive())
    yield Wait(scene.first_token_s * times * 2 / 3)
    yield Send(scene.wire.opening(scene.generation))
    for text in texts[:count]:
        yield Send(scene.wire.piece(scene.generation, text))
        yield Wait(gap_s)


def partial(scene: Scene, times: float, after: int) -> Iterator[Step]:
    """The beginning of an answer: some pieces of a stream, or half of a document."""
    if scene.call.streamed:
        yield from pieces(scene, times, after)
        return
    body = scene.wire.plain(scene.generation)
    yield Wait(scene.latency_s * times)
    yield document_head(scene, body)
    yield Send(body[: len(body) // 2])


def complaint(
    scene: Scene, kind: ErrorKind, latency_s: float, retry_after_s: float | None = None, more: Headers = ()
) -> Iterator[Step]:
    """An error response in the provider's own words. more: further headers."""
    said = scene.wire.complaint(kind, scene.call, retry_after_s)
    yield Wait(latency_s)
    yield Head(said.status, (*said.headers, *more, length(said.body)))
    yield Send(said.body)


def document(scene: Scene, body: bytes, content_type: str = "application/json") -> Iterator[Step]:
    """A 200 with this body."""
    yield document_head(scene, body, content_type)
    yield Send(body)


def document_of(scene: Scene, body: bytes) -> Iterator[Step]:
    """A 200 whose body, or whose first event, is this."""
    if scene.call.streamed:
        yield stream_head(scene)
        yield Send(b"data: " + body + b"\n\n")
    else:
        yield from document(scene, body)


def document_head(scene: Scene, body: bytes, content_type: str = "application/json") -> Head:
    """The head of a 200 with this body."""
    headers: Headers = (("content-type", content_type), length(body))
    return Head(200, headers + scene.wire.headers(scene.generation))


def stream_head(scene: Scene, more: Headers = ()) -> Head:
    """The head of a stream. more: further headers."""
    headers: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"), *more)
    return Head(200, headers + scene.wire.headers(scene.generation))


def length(body: bytes) -> tuple[str, str]:
    """The header that tells a body's size."""
    return ("content-length", str(len(body)))
