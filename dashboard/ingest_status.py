"""How it stands with reading: one immutable value, replaced as a whole, for other threads to look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dashboard.tailed_file import FileState, FileStatus


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One file, or one given path without a file.

    source: the name of its content in the store, "" if none is known yet; size: bytes on disk; offset: how many of
    them have been read; note: what is wrong or unusual, "" if nothing is; times are UTC, None if there was none yet
    since the start. lag_s: the shortest time from a line's own time to its reading, of lines that were read as they
    were written; negative if the writer's clock is ahead; None if there was none.
    """

    path: str
    source: str
    size: int
    offset: int
    state: FileState
    note: str
    newest_event_at: datetime | None
    newest_line_read_at: datetime | None
    lag_s: float | None = None


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """All files, as of the last batch.

    events, rejects: counted since the start, not what the store holds; newest_event_at: of all sources since the
    start; trouble: why nothing can be stored at present, "" if all is well.
    """

    sources: tuple[SourceStatus, ...] = ()
    events: int = 0
    rejects: int = 0
    newest_event_at: datetime | None = None
    trouble: str = ""


def settled(status: IngestStatus) -> bool:
    """Whether all files have been read to their ends, so that their age and their last moments are known."""
    return bool(status.sources) and all(source.state is not FileState.READING for source in status.sources)


class Tally:
    """What has been stored since the start: counts, and the newest times per source."""

    def __init__(self) -> None:
        self._events = 0
        self._rejects = 0
        self._event_at: dict[str, datetime] = {}
        self._read_at: dict[str, datetime] = {}
        self._lag_s: dict[str, float] = {}

    def add(
        self,
        source: str,
        events: int,
        rejects: int,
        newest_event_at: datetime | None,
        read_at: datetime,
        *,
        live: bool = False,
    ) -> None:
        """Counts one batch of `source`. live: it was read as it was written."""
        self._events += events
        self._rejects += rejects
        self._read_at[source] = read_at
        if newest_event_at is not None:
            self._event_at[source] = max(newest_event_at, self._event_at.get(source, newest_event_at))
            if live:
                lag_s = (read_at - newest_event_at).total_seconds()
                self._lag_s[source] = min(lag_s, self._lag_s.get(source, lag_s))

    def status(self, files: Iterable[FileStatus], trouble: str) -> IngestStatus:
        """The status of these files."""
        sources = tuple(
            SourceStatus(
                path=file.path,
                source=file.source,
                size=file.size,
                offset=file.read,
                state=file.state,
                note=file.note,
                newest_event_at=self._event_at.get(file.source),
                newest_line_read_at=self._read_at.get(file.source),
                lag_s=self._lag_s.get(file.source),
            )
            for file in files
        )
        newest = max(self._event_at.values(), default=None)
        return IngestStatus(sources, self._events, self._rejects, newest, trouble)
