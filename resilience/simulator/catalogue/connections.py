"""What can happen to a connection, whatever goes over it."""

from collections.abc import Iterator

from resilience.simulator.catalogue.parts import (
    COMPLAINT_S,
    answer,
    document_head,
    factor,
    partial,
    pieces,
    stream_head,
)
from resilience.simulator.catalogue.registry import named
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Close, Garble, Hang, Head, Refuse, Reset, Send, Step, Wait


@named
def refuse(_: Scene) -> Iterator[Step]:
    """Connection refused."""
    yield Refuse()


@named
def reset(_: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """Connection reset before any answer."""
    yield Wait(latency_s)
    yield Reset()


@named
def close(_: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """The connection closes without an answer."""
    yield Wait(latency_s)
    yield Close()


@named
def hang(_: Scene) -> Iterator[Step]:
    """Accepted, and never answered."""
    yield Hang()


@named
def slow_head(scene: Scene, *, gap_s: float = 1.0) -> Iterator[Step]:
    """Status and headers byte by byte, gap_s apart."""
    head = _head(scene)
    yield Head(head.status, head.headers, gap_s)
    yield from (step for step in answer(scene, 1.0) if not isinstance(step, Head))


@named
def huge_head(scene: Scene, *, size_bytes: int = 1_000_000) -> Iterator[Step]:
    """Headers of size_bytes bytes altogether."""
    head = _head(scene)
    filler = tuple((f"x-filler-{number}", "x" * 1000) for number in range(size_bytes // 1000))
    yield Head(head.status, (*head.headers, *filler))
    yield from (step for step in answer(scene, 0.0) if not isinstance(step, Head))


@named
def hang_after_head(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """Status and headers, then nothing."""
    yield Wait(latency_s)
    yield _head(scene)
    yield Hang()


@named
def reset_after_head(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """Status and headers, then a reset."""
    yield _head(scene)
    yield Wait(latency_s)
    yield Reset()


@named
def cut(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """The connection closes after some pieces of a stream, or halfway through a plain answer."""
    yield from partial(scene, factor(scene, latency_s), after)
    yield Close()


@named
def reset_midway(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """The connection is reset after some pieces of a stream, or halfway through a plain answer."""
    yield from partial(scene, factor(scene, latency_s), after)
    yield Wait(0.02)  # else the reset would overtake the pieces
    yield Reset()


@named
def stall(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """Nothing more comes after some pieces of a stream, or halfway through a plain answer."""
    yield from partial(scene, factor(scene, latency_s), after)
    yield Hang()


@named
def bad_chunk(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """A chunked body whose framing breaks after some pieces of a stream, or halfway through a plain answer."""
    times = factor(scene, latency_s)
    if scene.call.streamed:
        yield from pieces(scene, times, after)
    else:
        body = scene.wire.plain(scene.generation)
        yield Wait(scene.latency_s * times)
        yield Head(200, (("content-type", "application/json"),))
        yield Send(body[: len(body) // 2])
    yield Garble()


@named
def short_body(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer in a body that ends before its content-length."""
    for step in answer(scene, factor(scene, latency_s)):
        if isinstance(step, Head):
            told = [(name, value) for name, value in step.headers if name != "content-length"]
            yield Head(step.status, (*told, ("content-length", "1000000")))
        else:
            yield step
    yield Close()


@named
def close_at_end(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer, then the connection closes without a word; a stream lacks its last, empty chunk."""
    yield from answer(scene, factor(scene, latency_s))
    yield Close()


@named
def hang_at_end(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer, after which a stream neither says [DONE] nor ends; a plain call is answered as usual."""
    *before, last = answer(scene, factor(scene, latency_s))
    yield from before
    if isinstance(last, Send) and scene.call.streamed:
        yield Send(without_last_event(last.data))
        yield Hang()
    else:
        yield last


def without_last_event(data: bytes) -> bytes:
    """Server-sent events but the last one: `[DONE]`, or message_stop."""
    return data[: data.rstrip(b"\n").rindex(b"\n\n") + 2]


def _head(scene: Scene) -> Head:
    return stream_head(scene) if scene.call.streamed else document_head(scene, scene.wire.plain(scene.generation))
