"""One file of the tail: its open content, what is known of it, and how it stands, in plain words."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from dashboard.content import GzipContent, UnreadableError, open_content, reason
from dashboard.found import FileId, Found
from dashboard.sources import Holder, packs

NEVER = (-1, 0)
"""Size and time of a file that has not been read yet."""


class FileState(StrEnum):
    """How it stands with one file."""

    WAITING = "waiting"  # not there yet, or empty
    READING = "reading"  # not yet read to its end
    FOLLOWING = "following"  # read to its end, new bytes are awaited
    COMPLETE = "complete"  # read to its end, nothing more is awaited
    COPY = "copy"  # the same bytes as another file's so far: read there
    DAMAGED = "damaged"  # an archive that can be read only in part
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One file, or one given path without a file.

    source: the name of its content, "" if none is known yet; size and read: bytes on disk, and how many of them have
    been read; note: what is wrong or unusual, "" if nothing is.
    """

    path: str
    source: str
    size: int
    read: int
    state: FileState
    note: str


@dataclass(slots=True, eq=False)
class TailedFile(Holder):
    """A file that is or was named by the given paths.

    named: a given path leads to it now; backlog: bytes before this offset were there before anybody followed; size,
    mtime_ns: of the last look; seen: both, when it was last read to its end; grown_at: when it last brought bytes
    (seconds since the epoch).
    """

    id: FileId = (0, 0)
    path: Path = Path()
    named: bool = True
    backlog: int = 0
    size: int = 0
    mtime_ns: int = 0
    seen: tuple[int, int] = NEVER
    grown_at: float = 0.0
    state: FileState = FileState.READING
    note: str = ""
    read: int = 0

    def look(self, found: Found | None = None) -> None:
        """Notes size and time: of the open file, else as found. Raises: OSError."""
        state = self.content.stat() if self.content else found.stat if found else None
        if state is not None:
            self.size, self.mtime_ns = state.st_size, state.st_mtime_ns

    def open(self) -> bool:
        """Opens the file at its path unless it is open; False, with state and note, if it cannot be read."""
        if self.content is not None:
            return True
        try:
            content = open_content(self.path)
        except FileNotFoundError:
            self.state, self.note = FileState.WAITING, "gone"
            return False
        except UnreadableError as exc:
            self.state, self.note = FileState.UNREADABLE, str(exc)
            return False
        state = content.stat()
        if (state.st_dev, state.st_ino) != self.id:
            content.close()  # replaced since the look that found it; the next look finds the other one
            return False
        self.content = content
        return True

    def close(self) -> None:
        """Closes the file; it is opened again when there is something to read."""
        if self.content is not None:
            self.content.close()
            self.content = None

    @property
    def has_news(self) -> bool:
        """Whether it changed since it was last read to its end, or is to be read again."""
        behind = self.source is not None and self.source.position < self.held
        return behind or (self.size, self.mtime_ns) != self.seen

    @property
    def is_ahead(self) -> bool:
        """Whether its source has been read just as far as it goes: no other file holds more."""
        return self.source is not None and self.held >= self.source.position

    @property
    def is_linked(self) -> bool:
        """Whether the open file still has a name somewhere."""
        return self.content is not None and self.content.stat().st_nlink > 0

    @property
    def goes_on_alone(self) -> bool:
        """Whether it holds more of its source than has been read, and no other file holds it."""
        source = self.source
        if source is None or not self.held or len(source.holders) > 1:
            return False
        return bool(self.opened.read_at(source.position, 1))

    @property
    def is_archive(self) -> bool:
        """Whether the open file is a gzip archive."""
        return isinstance(self.content, GzipContent)

    @property
    def is_finished(self) -> bool:
        """Whether nothing can follow what the open file holds."""
        return self.opened.ended or bool(self.opened.damage)

    @property
    def is_known_archive(self) -> bool:
        """Whether it is an archive of exactly what has been read already."""
        source = self.source
        read = source is not None and source.position >= source.fingerprint.end
        return source is not None and read and packs(self.opened, source.fingerprint)

    def failed(self, exc: OSError) -> None:
        """Notes what went wrong."""
        self.state, self.note = FileState.UNREADABLE, reason(exc)

    def describe(self, *, follow: bool, reading: bool = False) -> None:
        """Brings state, note and the bytes read up to date."""
        content = self.opened
        whole = self.is_known_archive or content.ended
        self.note = ""
        if isinstance(content, GzipContent):
            self.read = self.size if whole else content.consumed_bytes
        elif self.source is not None:
            self.read = min(self.source.position, self.size)
        if content.damage:
            self.state, self.note = FileState.DAMAGED, content.damage
        elif self.source is None:
            self.state, self.note = FileState.WAITING, "empty"
        elif reading:
            self.state = FileState.READING
        elif self.held < self.source.fingerprint.end:
            self.state, self.note = FileState.COPY, "the same lines as in another file so far"
        elif isinstance(content, GzipContent) and not whole:
            self.state, self.note = FileState.DAMAGED, "the archive ends early, or is still being written"
        elif whole or not follow:
            self.state = FileState.COMPLETE
        else:
            self.state = FileState.FOLLOWING
            self.note = "" if self.named else "renamed or removed; read on for a while"

    def status(self) -> FileStatus:
        """What there is to say about it now."""
        return FileStatus(
            str(self.path), self.source.name if self.source else "", self.size, self.read, self.state, self.note
        )
