"""Bodies that are not what they should be. In a stream, an event carries the same."""

import gzip
import re
import zlib
from collections.abc import Iterator
from functools import cache

from resilience.simulator.catalogue.parts import (
    COMPLAINT_S,
    answer,
    document,
    document_head,
    document_of,
    factor,
    stream_head,
)
from resilience.simulator.catalogue.registry import named
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Head, Send, Step, Wait

BROKEN_JSON = b'{"id": "'


@named
def malformed(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 with a body, or an event, that is no JSON."""
    yield Wait(latency_s)
    yield from document_of(scene, BROKEN_JSON if scene.call.streamed else scene.wire.plain(scene.generation)[:-20])


@named
def empty(_: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 with an empty body."""
    yield Wait(latency_s)
    yield Head(200, (("content-type", "application/json"), ("content-length", "0")))


@named
def html(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 with a page for people: a login, a maintenance notice."""
    yield Wait(latency_s)
    yield from document(scene, b"<!doctype html><html><body><h1>Sign in</h1></body></html>", "text/html")


@named
def wrong_shape(scene: Scene, *, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 with JSON of another API."""
    yield Wait(latency_s)
    yield from document_of(scene, b'{"object": "list", "type": "message_start", "choices": "none", "content": 5}')


@named
def deep_json(scene: Scene, *, levels: int = 100_000, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A 200 with lists inside lists inside lists."""
    yield Wait(latency_s)
    yield from document_of(scene, b"[" * levels + b"]" * levels)


@named
def invalid_utf8(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """An answer whose text has bytes that are no UTF-8."""
    for step in answer(scene, factor(scene, latency_s)):
        yield Send(_AN_E.sub(lambda match: match[1] + b"\xff", step.data)) if isinstance(step, Send) else step


_AN_E = re.compile(rb'("(?:content|text)": "[^"]*?)e')


@named
def wrong_content_type(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer under the content type of something else."""
    for step in answer(scene, factor(scene, latency_s)):
        if isinstance(step, Head):
            other = tuple((n, "application/octet-stream" if n == "content-type" else v) for n, v in step.headers)
            yield Head(step.status, other)
        else:
            yield step


@named
def compressed(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A whole answer with gzip, which was not asked for."""
    data = b""
    head = document_head(scene, b"")
    for step in answer(scene, factor(scene, latency_s)):
        match step:
            case Send():
                data += step.data
            case Head():
                head = step
            case _:
                yield step
    told = tuple((name, value) for name, value in head.headers if name != "content-length")
    yield Head(head.status, (*told, ("content-encoding", "gzip")))
    yield Send(gzip.compress(data))


@named
def gzip_bomb(scene: Scene, *, megabytes: int = 64, latency_s: float = COMPLAINT_S) -> Iterator[Step]:
    """A small gzip body that inflates to so many megabytes."""
    yield Wait(latency_s)
    if scene.call.streamed:
        yield stream_head(scene, (("content-encoding", "gzip"),))
    else:
        yield Head(200, (("content-type", "application/json"), ("content-encoding", "gzip")))
    yield Send(_blanks(megabytes))


@cache
def _blanks(megabytes: int) -> bytes:
    packer = zlib.compressobj(wbits=31)  # with gzip's header
    return b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
