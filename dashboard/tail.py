"""Growing files to bytes: each byte of each content once, wherever rotation has put it.

A Tail is asked for what is new (`chunks`) and answers in blocks of bounded size. It holds no thread and waits for
nothing; who asks decides when. What can happen to the files while it reads is found out by looking, never assumed:

- renamed: the open file is read to its end before the new one under its name, and on for a while, since writers find
  out late;
- truncated (copytruncate): the window before the place of reading is checked before each read, so that a file which
  has grown again past that place is noticed too. What was written just before is looked for in the copy beside it;
- gone, or not there yet: looked for again each time;
- unreadable, damaged: said in the file's status. No trouble with a file is raised.

Which files there are is found in files.py, which content a file holds is decided in sources.py.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard.files import Files
from dashboard.fingerprint import Fingerprint
from dashboard.lines import Checkpoint
from dashboard.sources import Source, Sources
from dashboard.tailed_file import NEVER, FileStatus, TailedFile

BLOCK_BYTES = 8 * 1024 * 1024
"""The largest chunk. Larger ones are slower: their memory goes back to the system and is faulted in again each time."""

_SMALL_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive bytes of one source.

    source: its name; offset: where `data` begins in the (decompressed) content; live: written just now, while being
    followed; read_at: UTC; last: nothing follows, for now or for good, so an unfinished line counts as it is (`data`
    is empty then); fingerprint: of the content up to the end of `data`; size: bytes of the file on disk.
    """

    source: str
    offset: int
    data: bytes
    live: bool
    read_at: datetime
    last: bool
    fingerprint: Fingerprint
    size: int


class Tail:
    """What is new in the files named by `paths`: files, patterns, gzip archives.

    follow: the files may grow and be rotated; without it they are read once, as they are. known: where to go on, by
    source; clock: seconds since the epoch. Not thread-safe: one thread asks.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        follow: bool,
        known: Mapping[str, Checkpoint],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._follow = follow
        self._clock = clock
        self._sources = Sources(known, follow=follow)
        self._files = Files(paths, self._sources, follow=follow, clock=clock)

    def chunks(self) -> Iterator[Chunk]:
        """Everything that is new, the oldest file first, a file's rotated rest before its new lines."""
        for file in self._files.look():
            yield from self._news(file)
        for file in self._files.quiet():
            if file.content is not None and file.is_ahead:
                yield self._chunk(file, last=True)
            self._files.forget(file)

    def rewind(self, source: str, offset: int) -> None:
        """Reads the source again from `offset`: what was handed out from there on was not kept."""
        self._sources[source].rewind(offset)

    def status(self) -> list[FileStatus]:
        """All files and all given paths without one, in no particular order."""
        return self._files.status()

    def close(self) -> None:
        """Closes all files."""
        self._files.close()

    def _news(self, file: TailedFile) -> Iterator[Chunk]:
        try:
            file.look()
            if file.has_news and (file.named or file.content) and file.open():
                seen = (file.size, file.mtime_ns)
                if self._starts_over(file):
                    for copy in self._files.rotated_copies(file):
                        yield from self._rotated_news(copy)
                yield from self._read(file)
                file.seen = seen
                self._files.close_surplus(file)
        except OSError as exc:
            file.failed(exc)

    def _starts_over(self, file: TailedFile) -> bool:
        """Whether lines that were written to the file since the last look may be gone from it (copytruncate).

        A file that does not hold its source any more is parted from it.
        """
        if file.source is not None:
            if self._sources.still_holds(file):
                return False
            # Truncated or rewritten: what it holds is new. Or a copy that went its own way: that was written before.
            file.backlog = 0 if file.held else file.size
            file.let_go()
        return self._follow and file.seen != NEVER

    def _rotated_news(self, file: TailedFile) -> Iterator[Chunk]:
        with suppress(OSError):  # its own turn will tell
            file.look()
            if file.has_news and file.open() and self._sources.still_holds(file):
                yield from self._read(file)

    def _read(self, file: TailedFile) -> Iterator[Chunk]:
        if file.source is None and not self._sources.claim(file):
            self._sources.add(file, file.path.name)
        if file.source is not None and not file.is_known_archive:
            yield from self._rest(file, file.source)
        file.describe(follow=self._follow)
        if (file.is_finished or not self._follow) and file.is_ahead:
            yield self._chunk(file, last=True)

    def _rest(self, file: TailedFile, source: Source) -> Iterator[Chunk]:
        """What follows, to the end or to where the file turns out to have changed under the reader's hands."""
        while self._sources.still_holds(file):
            if file.held >= source.fingerprint.end:
                source.fingerprint = source.fingerprint.revived(file.opened)
            offset = source.position
            if offset >= file.size and not file.is_archive:
                return  # what has been written since the look is for the next one: other files are waiting
            data = file.opened.read_at(offset, self._size(file, offset))
            if not data:
                return
            source.advance(data)
            file.held = max(file.held, source.position)
            file.grown_at = self._clock()
            file.describe(follow=self._follow, reading=True)
            if not source.begun:
                # A writer that was not told of the truncation goes on at its old place: a hole of NULs comes first.
                data = data.lstrip(b"\0")
                source.begun = bool(data)
            if data:
                yield self._chunk(file, data)

    @staticmethod
    def _size(file: TailedFile, offset: int) -> int:
        size = BLOCK_BYTES
        if offset < file.backlog:
            size = min(size, file.backlog - offset)  # a chunk is all live or not at all
        if not file.is_archive:
            size = min(size, max(file.size - offset, _SMALL_READ_BYTES))
        return size

    def _chunk(self, file: TailedFile, data: bytes = b"", *, last: bool = False) -> Chunk:
        """The bytes just read, which end where the source now stands."""
        source = file.source
        assert source is not None  # noqa: S101  for mypy: asked of files with a source only
        offset = source.position - len(data)
        live = self._follow and offset >= file.backlog and not file.is_archive
        read_at = datetime.fromtimestamp(self._clock(), UTC)
        return Chunk(source.name, offset, data, live, read_at, last, source.fingerprint, file.size)
