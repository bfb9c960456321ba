"""The bytes of one open file, plain or gzip, readable at any place.

Both kinds answer read_at(offset, size) with offsets in the decompressed content. A file may still be growing: a read
that came back short may bring more the next time, for an archive that is being written too.
"""

import os
import stat
import struct
import zlib
from pathlib import Path

from dashboard.fingerprint import WINDOW_BYTES

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
_OTHER_ARCHIVES = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2"}

_INPUT_BYTES = 256 * 1024
_SKIP_BYTES = 1024 * 1024


class UnreadableError(Exception):
    """A file that cannot be read as a log; the message says why, in plain words."""


class PlainContent:
    """A file as it is."""

    ended = False
    """Whether nothing can follow: never known for a plain file."""
    damage = ""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        return os.pread(self._descriptor, size, offset)

    def stat(self) -> os.stat_result:
        """The open file's state, whatever its name is by now."""
        return os.fstat(self._descriptor)

    def close(self) -> None:
        """Gives the file descriptor back."""
        os.close(self._descriptor)


class GzipContent(PlainContent):
    """What a gzip file holds: all its members, one after the other.

    Reading goes forward; a step back of more than two windows unpacks from the beginning again. `damage` says what is
    wrong with the archive, in plain words, empty if nothing is; what came out before the damage stands.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._restart()

    def _restart(self) -> None:
        self.damage = ""
        self.ended = False
        self.consumed_bytes = 0
        self._inflater: zlib._Decompress | None = None
        self._kept = b""
        self._kept_at = 0

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes of the decompressed content from `offset`."""
        if offset < self._kept_at:
            self._restart()
        while self._kept_at + len(self._kept) < offset and self._unpack(_SKIP_BYTES):
            self._forget(min(offset, self._kept_at + len(self._kept)))
        pieces, have = [self._kept], self._kept_at + len(self._kept) - offset
        while have < size and (piece := self._unpacked(size - have)):
            pieces.append(piece)
            have += len(piece)
        self._kept = b"".join(pieces)
        begin = offset - self._kept_at
        data = self._kept[begin : begin + size]
        self._forget(min(offset + len(data), self._kept_at + len(self._kept)))
        return data

    def trailer(self) -> tuple[int, int] | None:
        """CRC-32 and length (modulo 2**32) of the last member's content, None if there is no room for them."""
        size = self.stat().st_size
        if size < 18:  # the header's 10 bytes and the trailer's 8
            return None
        crc, length = struct.unpack("<II", os.pread(self._descriptor, 8, size - 8))
        return crc, length

    def _forget(self, before: int) -> None:
        """Keeps what the check before the next read needs: the window before the place where reading goes on."""
        drop = max(before - 2 * WINDOW_BYTES - self._kept_at, 0)
        self._kept = self._kept[drop:]
        self._kept_at += drop

    def _unpack(self, size: int) -> bool:
        piece = self._unpacked(size)
        self._kept += piece
        return bool(piece)

    def _unpacked(self, size: int) -> bytes:
        """The next bytes, `size` at most; none where the archive ends, is damaged or is not written any further."""
        while not self.damage:
            if self._inflater is None and not self._begin_member():
                return b""
            assert self._inflater is not None  # noqa: S101  for mypy: _begin_member has just set it
            packed = self._inflater.unconsumed_tail or os.pread(self._descriptor, _INPUT_BYTES, self.consumed_bytes)
            if not self._inflater.unconsumed_tail:
                self.consumed_bytes += len(packed)
            try:
                piece = self._inflater.decompress(packed, size)
            except zlib.error as exc:
                self.damage = f"the archive is damaged near byte {self.consumed_bytes} ({exc})"
                return b""
            if self._inflater.eof:
                self.consumed_bytes -= len(self._inflater.unused_data)
                self._inflater = None
            if piece:
                return piece
            if not packed:
                return b""
        return b""

    def _begin_member(self) -> bool:
        magic = os.pread(self._descriptor, len(GZIP_MAGIC), self.consumed_bytes)
        if magic == GZIP_MAGIC:
            self._inflater = zlib.decompressobj(wbits=31)  # 16 + 15: gzip format, the largest window
            self.ended = False
            return True
        # Padding after the last member is ignored, as the gzip program does.
        self.ended = self.consumed_bytes > 0
        if not self.ended and len(magic) == len(GZIP_MAGIC):
            self.damage = "the file is named .gz but holds no gzip data"
        return False


def open_content(path: Path) -> PlainContent | GzipContent:
    """The content of the file at `path`.

    Raises: UnreadableError for what is no log file, FileNotFoundError if it is not there (any more).
    """
    try:
        # Not blocking: a named pipe put there meanwhile must not hang the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise UnreadableError(reason(exc)) from exc
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableError("not a regular file")
        head = os.pread(descriptor, 8, 0)
    except OSError as exc:
        os.close(descriptor)
        raise UnreadableError(reason(exc)) from exc
    except UnreadableError:
        os.close(descriptor)
        raise
    for magic, name in _OTHER_ARCHIVES.items():
        if head.startswith(magic):
            os.close(descriptor)
            raise UnreadableError(f"compressed with {name}, which is not read; unpack it or use gzip")
    if head.startswith(GZIP_MAGIC) or path.suffix == ".gz":
        return GzipContent(descriptor)
    return PlainContent(descriptor)


def reason(exc: OSError) -> str:
    """The system's reason in plain words: `permission denied`."""
    return (exc.strerror or type(exc).__name__).lower()
