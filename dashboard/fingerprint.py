"""How a content is known again under another name.

A Fingerprint describes the first `end` bytes of a content by hashes of short windows, so that comparing costs a few
small reads whatever the size:

- one window before each power of two (64 bytes, 128, 256, ...), which never changes once the content is that long:
  a file that grows keeps its identity, a file that is still short can be told from a longer one;
- one window before `end`, which tells apart contents that begin alike;
- the CRC-32 of all of it, because a gzip archive carries the CRC-32 and the length of what it holds in its last eight
  bytes: an archive of a known content is recognised without unpacking it (RFC 1952, 2.3.1).

Two contents that agree in every window are taken for one. That needs the same bytes before every mark: for logs, the
same lines at the same places.
"""

import hashlib
import zlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

WINDOW_BYTES = 4096
FIRST_MARK = 64


class Content(Protocol):
    """Bytes that can be read at a place; fewer than asked for only where they end."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        ...


class Likeness(Enum):
    """How a content compares with a fingerprint."""

    DIFFERENT = auto()
    CONTINUES = auto()  # it has the same bytes, and perhaps more
    PREFIX = auto()  # it has the same bytes as far as it goes, and is shorter


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The first `end` bytes of a content.

    marks: (position, hash of the window before it) in ascending order; crc: CRC-32 of the whole; last: hash of the
    window before `end`; tail: that window itself, empty when the fingerprint was read back from text.
    """

    end: int = 0
    crc: int = 0
    marks: tuple[tuple[int, str], ...] = ()
    last: str = ""
    tail: bytes = b""

    def extended(self, data: bytes, at: int) -> "Fingerprint":
        """The fingerprint after `data`, which lies at `at`; what it already covers is skipped.

        Raises: ValueError without a tail, or if bytes between `end` and `at` are missing.
        """
        data = data[max(self.end - at, 0) :]
        if not data:
            return self
        if at > self.end or (self.end and not self.tail):
            raise ValueError(f"bytes at {at} do not go on from {self.end} bytes with a tail of {len(self.tail)}")
        end = self.end + len(data)
        marks = list(self.marks)
        mark = _next_mark(self.end)
        while mark <= end:
            marks.append((mark, _hash(self._window(mark, data))))
            mark *= 2
        tail = self._window(end, data)
        return Fingerprint(end, zlib.crc32(data, self.crc), tuple(marks), _hash(tail), tail)

    def revived(self, content: Content) -> "Fingerprint":
        """The same fingerprint, able to be extended: with its tail, read from the content that it describes."""
        if self.tail or not self.end:
            return self
        start, size = _window_before(self.end)
        return Fingerprint(self.end, self.crc, self.marks, self.last, content.read_at(start, size))

    def may_begin(self, head: bytes) -> bool:
        """Whether a content with the first bytes `head` can be this one: False saves a comparison."""
        return not self.marks or len(head) < FIRST_MARK or _hash(head[:FIRST_MARK]) == self.marks[0][1]

    def compare(self, content: Content) -> Likeness:
        """How `content` compares with what this fingerprint describes."""
        verified = False
        for position, expected in (*self.marks, (self.end, self.last)):
            start, size = _window_before(position)
            window = content.read_at(start, size)
            if len(window) < size:
                return Likeness.PREFIX if verified else Likeness.DIFFERENT
            if _hash(window) != expected:
                return Likeness.DIFFERENT
            verified = True
        return Likeness.CONTINUES

    def ends_alike(self, content: Content) -> bool:
        """Whether the window before `end` is the same in `content`: a cheap check before reading on."""
        start, size = _window_before(self.end)
        return self.end == 0 or _hash(content.read_at(start, size)) == self.last

    def to_text(self) -> str:
        """One line of text that `from_text` reads back."""
        marks = ",".join(f"{position}:{digest}" for position, digest in self.marks)
        return f"{self.end} {self.crc:08x} {self.last} {marks}"

    @classmethod
    def from_text(cls, text: str) -> "Fingerprint":
        """Raises: ValueError if `text` was not written by `to_text`."""
        end, crc, last, marks = text.split(" ")
        pairs = (mark.split(":") for mark in marks.split(",") if mark)
        return cls(int(end), int(crc, 16), tuple((int(position), digest) for position, digest in pairs), last)

    def _window(self, position: int, data: bytes) -> bytes:
        """The window before `position`, which lies in `data`; `data` begins at `end`."""
        start, _ = _window_before(position)
        if start >= self.end:
            return data[start - self.end : position - self.end]
        return self.tail[start - self.end :] + data[: position - self.end]


def agree(one: Content, other: Content, position: int) -> bool:
    """Whether two contents have the same window before `position`."""
    start, size = _window_before(position)
    return one.read_at(start, size) == other.read_at(start, size)


def _window_before(position: int) -> tuple[int, int]:
    start = max(position - WINDOW_BYTES, 0)
    return start, position - start


def _next_mark(after: int) -> int:
    return max(FIRST_MARK, 1 << after.bit_length())


def _hash(window: bytes) -> str:
    return hashlib.blake2b(window, digest_size=8).hexdigest()
