"""Streams that end wrongly, or never. A plain call gets what comes nearest."""

from collections.abc import Iterator
from itertools import repeat

from resilience.simulator.catalogue.bodies import BROKEN_JSON, empty
from resilience.simulator.catalogue.parts import COMPLAINT_S, document, document_of, factor, pieces, stream_head
from resilience.simulator.catalogue.registry import named
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Head, Send, Step, Wait

MOST_BYTES = 64 * 1024 * 1024
"""Where what never ends does end: no fault of a simulation may fill a machine."""


@named
def only_keep_alives(scene: Scene, *, gap_s: float = 0.5) -> Iterator[Step]:
    """Keep-alives for ever, and no content; a plain call gets blanks."""
    if scene.call.streamed:
        yield stream_head(scene)
    else:
        yield Head(200, (("content-type", "application/json"),))
    for _ in repeat(None):
        yield Send(scene.wire.keep_alive() if scene.call.streamed else b"\n")
        yield Wait(gap_s)


@named
def drip(scene: Scene, *, gap_s: float = 0.5) -> Iterator[Step]:
    """A stream of ever more tokens, gap_s apart; of a plain answer, ever more blanks before its end."""
    if scene.call.streamed:
        yield from pieces(scene, 0.0, 0)
        for _ in repeat(None):
            yield Send(scene.wire.piece(scene.generation, "and "))
            yield Wait(gap_s)
    body = scene.wire.plain(scene.generation)
    yield Head(200, (("content-type", "application/json"),))
    yield Send(body[:-1])
    for _ in repeat(None):
        yield Send(b" ")
        yield Wait(gap_s)


@named
def endless(scene: Scene, *, piece_bytes: int = 100_000) -> Iterator[Step]:
    """A stream of ever more tokens, or a document of ever more bytes, as fast as they are taken."""
    if scene.call.streamed:
        yield from pieces(scene, 0.0, 0)
        piece = scene.wire.piece(scene.generation, "x" * piece_bytes)
    else:
        body = scene.wire.plain(scene.generation)
        yield Head(200, (("content-type", "application/json"),))
        yield Send(body[:-1])
        piece = b" " * piece_bytes
    for _ in range(MOST_BYTES // piece_bytes):
        yield Send(piece)


@named
def oversized_event(scene: Scene, *, size_bytes: int = 4_000_000, after: int = 0) -> Iterator[Step]:
    """One event of size_bytes bytes, after some pieces; a plain call gets a document of four times the size."""
    if not scene.call.streamed:
        yield Head(200, (("content-type", "application/json"),))
        yield Send(b"[" + b" " * (4 * size_bytes))
        return
    yield from pieces(scene, 0.0, after)
    yield Send(scene.wire.piece(scene.generation, "x" * size_bytes))
    yield Send(scene.wire.ending(scene.generation, include_usage=True))


@named
def empty_stream(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A stream that ends before it has said anything; a plain call gets an empty body."""
    if not scene.call.streamed:
        yield from empty(scene, latency_s=latency_s)
        return
    yield Wait(latency_s)
    yield stream_head(scene)
    yield Send(scene.wire.keep_alive())


@named
def done_without_content(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A stream that says [DONE] and nothing else; a plain call gets an answer without choices."""
    yield Wait(latency_s)
    if scene.call.streamed:
        yield stream_head(scene)
        ending = scene.wire.ending(scene.generation, include_usage=False)
        yield Send(ending[ending.rstrip(b"\n").rindex(b"\n\n") + 2 :])
    else:
        yield from document(scene, b'{"id": "1", "object": "chat.completion", "choices": [], "content": null}')


@named
def no_finish(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole text and [DONE], but no word of why it ended."""
    times = factor(scene, latency_s)
    if not scene.call.streamed:
        body = scene.wire.plain(scene.generation)
        for reason in (b'"stop"', b'"end_turn"', b'"length"', b'"max_tokens"'):
            body = body.replace(b'reason": ' + reason, b'reason": null')
        yield Wait(scene.latency_s * times)
        yield from document(scene, body)
        return
    yield from pieces(scene, times, len(scene.generation.pieces))
    ending = scene.wire.ending(scene.generation, include_usage=False)
    yield Send(ending[ending.rstrip(b"\n").rindex(b"\n\n") + 2 :])


@named
def bad_event(scene: Scene, *, after: int = 3, latency_s: float | None = None) -> Iterator[Step]:
    """A stream with an event that is no JSON after some pieces, and then its healthy end; plain: no JSON."""
    times = factor(scene, latency_s)
    if not scene.call.streamed:
        yield Wait(scene.latency_s * times)
        yield from document_of(scene, BROKEN_JSON)
        return
    yield from pieces(scene, times, after)
    yield Send(b"data: " + BROKEN_JSON + b"\n\n")
    yield Send(scene.wire.ending(scene.generation, include_usage=scene.call.include_usage))
