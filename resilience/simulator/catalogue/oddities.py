"""Whole answers in an unusual form: a client has to take them all."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from resilience.simulator.catalogue.connections import without_last_event
from resilience.simulator.catalogue.parts import answer, document, factor
from resilience.simulator.catalogue.registry import named
from resilience.simulator.scene import Scene
from resilience.simulator.steps import Head, Send, Step, Wait

Edit = Callable[[dict[str, Any]], dict[str, Any]]
Rewrite = Callable[[bytes], bytes]


def edited(scene: Scene, times: float, edit: Edit) -> Iterator[Step]:
    """The healthy answer with each of its JSON objects changed."""

    def line(match: re.Match[bytes]) -> bytes:
        return b"data: " + json.dumps(edit(json.loads(match[1]))).encode()

    if scene.call.streamed:
        yield from rewritten(scene, times, lambda data: _JSON_LINE.sub(line, data))
    elif scene.refusal is None:
        yield Wait(scene.latency_s * times)
        yield from document(scene, json.dumps(edit(json.loads(scene.wire.plain(scene.generation)))).encode())
    else:
        yield from answer(scene, times)


_JSON_LINE = re.compile(rb"^data: (\{.*\})$", re.MULTILINE)


def rewritten(scene: Scene, times: float, rewrite: Rewrite) -> Iterator[Step]:
    """The healthy answer with each piece of its body changed; chunked, so that its size may change."""
    yield from cut_up(scene, times, lambda data: [rewrite(data)])


def cut_up(scene: Scene, times: float, cut: Callable[[bytes], list[bytes]]) -> Iterator[Step]:
    """The healthy answer with each piece of its body sent as several."""
    for step in answer(scene, times):
        match step:
            case Send(data):
                yield from map(Send, cut(data))
            case Head():
                yield Head(step.status, tuple((n, v) for n, v in step.headers if n != "content-length"))
            case _:
                yield step


@named
def no_done(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A stream that ends after its finish reason, without [DONE]."""
    *before, last = answer(scene, factor(scene, latency_s))
    yield from before
    if isinstance(last, Send):
        yield Send(without_last_event(last.data)) if scene.call.streamed else last


@named
def no_last_newline(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A stream whose [DONE] is not followed by an empty line."""
    done = (b"[DONE]\n\n", b'"type": "message_stop"}\n\n')
    yield from rewritten(
        scene,
        factor(scene, latency_s),
        lambda data: data.rstrip(b"\n") if data.endswith(done) else data,
    )


@named
def no_usage(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """An answer that does not tell its tokens."""

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        for holder in (value, value.get("message")):
            if isinstance(holder, dict):
                holder.pop("usage", None)
        return value

    yield from edited(scene, factor(scene, latency_s), edit)


@named
def absurd_usage(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """An answer whose tokens are no sensible numbers."""
    absurd = {"prompt_tokens": 10**40, "completion_tokens": "many", "input_tokens": 10**40, "output_tokens": -1}

    def edit(value: dict[str, Any]) -> dict[str, Any]:
        for holder in (value, value.get("message")):
            if isinstance(holder, dict) and "usage" in holder:
                holder["usage"] = absurd
        return value

    yield from edited(scene, factor(scene, latency_s), edit)


@named
def unknown_fields(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """Fields and events that no reference knows, between those that count."""
    times = factor(scene, latency_s)
    extra = b'event: telemetry\nid: 7\nretry: 9000\nunknown: 1\ndata: {"telemetry": [1, {"deep": null}]}\n\n'
    for step in edited(scene, times, lambda value: {"x_new": {"list": [1, None]}, **value, "x_more": 0.5}):
        if isinstance(step, Send) and scene.call.streamed:
            yield Send(extra)
        yield step


@named
def keep_alives(scene: Scene, *, count: int = 20, latency_s: float | None = None) -> Iterator[Step]:
    """Keep-alives before each piece of the answer; blanks before a plain one."""
    filler = scene.wire.keep_alive() + b":\n\n\n" if scene.call.streamed else b" \n"
    yield from rewritten(scene, factor(scene, latency_s), lambda data: filler * count + data)


@named
def crlf(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """Lines that end in CR LF."""
    yield from rewritten(scene, factor(scene, latency_s), lambda data: data.replace(b"\n", b"\r\n"))


@named
def many_lines(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """JSON over many lines; in a stream, each of them a `data:` of the same event."""

    def event(match: re.Match[bytes]) -> bytes:
        lines = json.dumps(json.loads(match[1]), indent=1).encode().splitlines()
        return b"\n".join(b"data: " + line for line in lines)

    def rewrite(data: bytes) -> bytes:
        if scene.call.streamed:
            return _JSON_LINE.sub(event, data)
        return json.dumps(json.loads(data), indent=1).encode()

    yield from rewritten(scene, factor(scene, latency_s), rewrite)


@named
def byte_by_byte(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """Each byte of the body in a chunk of its own."""
    yield from cut_up(scene, factor(scene, latency_s), lambda data: [bytes((byte,)) for byte in data])


ACCENTS = {"e": "é", "a": "ä", "o": "東", "i": "🙂"}
"""What split_utf8 makes of some letters: characters of two, three and four bytes."""


@named
def split_utf8(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A text with characters of several bytes (ACCENTS), each cut in two by the edge of a chunk."""
    table = str.maketrans(ACCENTS)
    texts = tuple(piece.translate(table) for piece in scene.generation.pieces)
    accented = replace(scene, generation=replace(scene.generation, pieces=texts))

    def cut(data: bytes) -> list[bytes]:
        raw = _ESCAPED.sub(lambda match: json.loads(b'"' + match[0] + b'"').encode(), data)
        return re.split(rb"(?<=[\x80-\xff])(?=[\x80-\xff])", raw)

    yield from cut_up(accented, factor(scene, latency_s), cut)


_ESCAPED = re.compile(rb"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\u[0-9a-f]{4}")


@named
def half_surrogate(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A text that ends in half of a surrogate pair, which JSON can write and UTF-8 cannot."""
    generation = replace(scene.generation, pieces=(*scene.generation.pieces, "\ud83d"))
    yield from answer(replace(scene, generation=generation), factor(scene, latency_s))


@named
def whole_for_stream(scene: Scene, *, latency_s: float | None = None) -> Iterator[Step]:
    """A plain document although a stream was asked for."""
    plain = replace(scene, call=replace(scene.call, streamed=False))
    yield from answer(plain, factor(scene, latency_s))
