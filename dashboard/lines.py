"""Bytes to whole lines, keeping the unfinished end.

A LineSplitter takes the bytes of one source in order, cut anywhere, and hands out Arrow arrays of whole lines with the
place of each in the file. No Python code runs per line: numpy finds the line ends, bytes.replace takes them out, and
the Arrow array is laid over the result.

What a line may be: ended by LF or CRLF, any bytes (invalid UTF-8 becomes U+FFFD), any length. Of a line longer than
MAX_LINE_BYTES the beginning is kept and the line is counted as cut, so one endless line cannot fill the memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MAX_LINE_BYTES = 1024 * 1024
"""The longest line that is kept whole, without its line end."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Whole lines of one source, in order.

    source: the identity of the content (see Checkpoint); offsets: byte offset of each line's first byte in the
    (decompressed) content; lines: a pyarrow LargeStringArray of the same length, without line ends; read_at: when the
    last of these bytes were read (UTC); live: the lines were written at about that moment, while the file was being
    followed; cut: how many of the lines were longer than MAX_LINE_BYTES.
    """

    source: str
    offsets: Positions
    lines: Any  # pa.LargeStringArray: pyarrow ships no types
    read_at: datetime
    live: bool
    cut: int = 0

    def __len__(self) -> int:
        return len(self.offsets)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a source has been read; saved in the same transaction as the lines before it.

    source: names a content, not a path: it survives renaming, rotation and compression, and a new file under an old
    name has another one. fingerprint: how the content is known again (fingerprint.py). offset: where reading goes on,
    the first byte of the first line that is not stored for good. size: bytes on disk when it was made.
    """

    source: str
    fingerprint: str
    offset: int
    size: int


class LineSplitter:
    """Splits one source's bytes into lines; feed it in order.

    `position` is the offset of the first byte that has not been handed out as part of a whole line.
    """

    def __init__(self, source: str, position: int = 0) -> None:
        self.source = source
        self.position = position
        self._kept: list[bytes] = []  # the unfinished line, at most MAX_LINE_BYTES + 1 of it: one more shows it is long
        self._kept_bytes = 0
        self._dropped_bytes = 0

    def feed(self, data: bytes, at: int, *, read_at: datetime, live: bool) -> LineBatch | None:
        """The lines that `data` completes, None if there is none. `at`: offset of the first byte of `data`.

        Raises: ValueError if `at` is not where the bytes fed before ended.
        """
        expected = self.position + self._kept_bytes + self._dropped_bytes
        if at != expected:
            raise ValueError(f"bytes of {self.source} must go on at {expected}, got {at}")
        end = data.rfind(b"\n") + 1
        if end == 0:
            self._keep(data)
            return None
        whole = b"".join((*self._kept, memoryview(data)[:end])) if self._kept else data[:end]
        batch = self._batch(whole, read_at=read_at, live=live)
        self.position = at + end
        self._kept, self._kept_bytes, self._dropped_bytes = [], 0, 0
        self._keep(data[end:])
        return batch

    def unfinished(self, *, read_at: datetime) -> LineBatch | None:
        """The unfinished end as a line, None if there is none.

        It stays the unfinished end: if its rest is fed later, the whole line comes at the same offset again.
        """
        if not self._kept:
            return None
        return self._batch(b"".join(self._kept) + b"\n", read_at=read_at, live=False)

    def _keep(self, data: bytes) -> None:
        room = MAX_LINE_BYTES + 1 - self._kept_bytes
        if data[:room]:
            self._kept.append(data[:room])
            self._kept_bytes += len(self._kept[-1])
        self._dropped_bytes += max(len(data) - room, 0)

    def _batch(self, whole: bytes, *, read_at: datetime, live: bool) -> LineBatch:
        feeds = _line_feeds(whole)
        starts = np.empty_like(feeds)
        starts[0] = 0
        np.add(feeds[:-1], 1, out=starts[1:])
        offsets = starts + self.position
        offsets[1:] += self._dropped_bytes

        returns = _returns_before(whole, feeds)
        ends = feeds - returns
        if self._dropped_bytes:
            # The bytes after the kept ones belong to the dropped part: whatever they are, the line is too long.
            ends[0] = max(ends[0], MAX_LINE_BYTES + 1)
        long = ends - starts > MAX_LINE_BYTES
        cut = int(long.sum())
        if cut:
            whole = b"\n".join(_pieces(whole, starts, long)) + b"\n"
        if returns.any():
            whole = _without_returns(whole, int(returns.sum()))
        if cut or returns.any():
            feeds = _line_feeds(whole)
        return LineBatch(self.source, offsets, _to_array(whole, feeds), read_at, live, cut)


def _line_feeds(whole: bytes) -> Positions:
    return np.flatnonzero(np.frombuffer(whole, np.uint8) == ord("\n"))


def _returns_before(whole: bytes, feeds: Positions) -> npt.NDArray[np.bool_]:
    """For each line, whether its end is CRLF."""
    if b"\r" not in whole:
        return np.zeros(len(feeds), np.bool_)
    data = np.frombuffer(whole, np.uint8)
    returns: npt.NDArray[np.bool_] = (feeds > 0) & (data[feeds - 1] == ord("\r"))
    return returns


def _without_returns(whole: bytes, at_line_ends: int) -> bytes:
    # One byte is replaced ten times as fast as two, and nearly always every CR stands at a line end.
    if whole.count(b"\r") == at_line_ends:
        return whole.replace(b"\r", b"")
    return whole.replace(b"\r\n", b"\n")


def _pieces(whole: bytes, starts: Positions, long: npt.NDArray[np.bool_]) -> Iterator[bytes]:
    """The lines without the last line end, the long ones cut; runs of ordinary lines stay together."""
    begin = 0
    for start in starts[long].tolist():
        if start > begin:
            yield whole[begin : start - 1]
        # A CR at the cut is part of the line, not of a line end.
        yield whole[start : start + MAX_LINE_BYTES].rstrip(b"\r")
        begin = whole.index(b"\n", start + MAX_LINE_BYTES) + 1
    if begin < len(whole):
        yield whole[begin:-1]


def _to_array(whole: bytes, feeds: Positions) -> Any:
    """A LargeStringArray of the lines in `whole`, whose line ends are at `feeds`."""
    lines = _overlay(whole, feeds)
    if not whole.isascii():
        try:
            lines.validate(full=True)
        except pa.ArrowInvalid:
            # A line end is never part of a broken sequence: repairing all at once keeps the number of lines.
            repaired = whole.decode("utf-8", "replace").encode()
            return _overlay(repaired, _line_feeds(repaired))
    return lines


def _overlay(whole: bytes, feeds: Positions) -> Any:
    bounds = np.zeros(len(feeds) + 1, np.int64)
    # Each line end that is taken out moves what follows by one byte.
    np.subtract(feeds, np.arange(len(feeds)), out=bounds[1:])
    text = whole.replace(b"\n", b"")
    return pa.LargeStringArray.from_buffers(len(feeds), pa.py_buffer(bounds), pa.py_buffer(text))
