"""Which content is which: the sources that are known, and the open files that hold them.

A source is a content with one place up to which it has been read. Several files may hold it: the log, the copy that
copytruncate makes, the archive that gzip makes of that. Reading from any of them moves the one place, so nothing is
counted twice, whatever the files are called and in whatever order they come and go.

A file belongs to a source if its bytes say so (fingerprint.py). Bytes alone cannot tell a copy that is still being
written from a new file that begins alike, so these rules decide, each for one real case:

- a new file at the place from which a source was moved away, or a file that was truncated, is never that source
  (`excluded`): logs without times begin with the same lines after each restart;
- a shorter file with the same bytes is a copy in progress: it waits, and becomes a source of its own at the first byte
  that differs. Where files are read once and not followed, there is no waiting: it is a source of its own;
- a short beginning (less than one window) is weak evidence: a longer file does not continue it while the file that it
  came from is still there, unchanged.
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from dashboard.content import GzipContent, PlainContent
from dashboard.fingerprint import FIRST_MARK, WINDOW_BYTES, Fingerprint, Likeness, agree
from dashboard.lines import Checkpoint


@dataclass(slots=True, eq=False)
class Source:
    """A content and how far it has been read."""

    name: str
    fingerprint: Fingerprint = field(default_factory=Fingerprint)
    position: int = 0
    begun: bool = False  # a byte other than NUL has been seen
    holders: "list[Holder]" = field(default_factory=list)

    def advance(self, data: bytes) -> None:
        """Notes that `data` was read at the present position."""
        self.fingerprint = self.fingerprint.extended(data, self.position)
        self.position += len(data)

    def rewind(self, position: int) -> None:
        """Goes back, to read again from there."""
        self.position = min(self.position, position)
        self.begun = position > 0


@dataclass(slots=True, eq=False)
class Holder:
    """A file as far as its content matters.

    content: None while it is closed; held: bytes of the source that the file is known to hold, 0 for a copy that may
    be unfinished; excluded: names of sources that it cannot be.
    """

    content: PlainContent | GzipContent | None = None
    source: Source | None = None
    held: int = 0
    excluded: set[str] = field(default_factory=set)

    @property
    def opened(self) -> PlainContent | GzipContent:
        """The content of an open file."""
        if self.content is None:
            raise ValueError("the file is closed")
        return self.content

    def take(self, source: Source, held: int) -> None:
        """Makes the file one of the source's."""
        self.source, self.held = source, held
        source.holders.append(self)

    def let_go(self) -> None:
        """Parts the file from its source, for good."""
        if self.source is not None:
            self.source.holders.remove(self)
            self.excluded = {self.source.name}
        self.source, self.held = None, 0


class Sources:
    """All sources that are known, from checkpoints and since. `follow`: files may still grow."""

    def __init__(self, known: Mapping[str, Checkpoint], *, follow: bool) -> None:
        self._follow = follow
        self._taken = set(known)
        self._sources: dict[str, Source] = {}
        for checkpoint in known.values():
            try:
                fingerprint = Fingerprint.from_text(checkpoint.fingerprint)
            except ValueError:
                continue  # not one of ours: the name stays taken, the content is read again under another
            self._sources[checkpoint.source] = Source(checkpoint.source, fingerprint, checkpoint.offset, begun=True)

    def __getitem__(self, name: str) -> Source:
        return self._sources[name]

    def unheld(self) -> bool:
        """Whether there is a source without a file."""
        return not all(source.holders for source in self._sources.values())

    def claim(self, holder: Holder) -> bool:
        """Finds the known source that the holder's content is, the longest if several fit; False if there is none."""
        possible = [source for source in self._sources.values() if source.name not in holder.excluded]
        packed = next((source for source in possible if packs(holder.opened, source.fingerprint)), None)
        if packed is not None:
            holder.take(packed, held=packed.fingerprint.end)
            return True
        head = holder.opened.read_at(0, FIRST_MARK)
        best: Source | None = None
        best_rank = (False, 0)
        for source in possible:
            if source.fingerprint.may_begin(head):
                likeness = self._likeness(holder, source)
                rank = (likeness is Likeness.CONTINUES, source.fingerprint.end)
                if likeness is not Likeness.DIFFERENT and rank > best_rank:
                    best, best_rank = source, rank
        if best is None:
            return False
        holder.take(best, held=best.fingerprint.end if best_rank[0] else 0)
        return True

    def add(self, holder: Holder, name: str) -> bool:
        """Makes a new source of the holder's content, named after `name` and its first bytes; False if it is empty."""
        head = holder.opened.read_at(0, WINDOW_BYTES)
        if not head:
            return False
        digest = hashlib.blake2b(head, digest_size=6).hexdigest()
        names = (f"{name}#{digest}" + (f"-{count}" if count > 1 else "") for count in itertools.count(1))
        unique = next(candidate for candidate in names if candidate not in self._taken)
        self._taken.add(unique)
        self._sources[unique] = Source(unique)
        holder.take(self._sources[unique], held=0)
        return True

    def still_holds(self, holder: Holder) -> bool:
        """Whether a file that has changed still holds its source. True without one."""
        source = holder.source
        if source is None:
            return True
        if packs(holder.opened, source.fingerprint):
            holder.held = source.fingerprint.end
            return True
        if holder.held >= source.fingerprint.end:
            return source.fingerprint.ends_alike(holder.opened)
        likeness = self._likeness(holder, source)
        if likeness is Likeness.CONTINUES:
            holder.held = source.fingerprint.end
        return likeness is not Likeness.DIFFERENT

    def _likeness(self, holder: Holder, source: Source) -> Likeness:
        content, fingerprint = holder.opened, source.fingerprint
        archive = isinstance(content, GzipContent)
        likeness = fingerprint.compare(content)
        if likeness is Likeness.DIFFERENT:
            return likeness
        other = _intact_holder(source, besides=holder)
        if likeness is Likeness.PREFIX:
            apart = other is not None and not archive and not agree(content, other, content.stat().st_size)
            return Likeness.DIFFERENT if apart or not self._follow else likeness
        weak = fingerprint.end < WINDOW_BYTES
        longer = weak and other is not None and bool(content.read_at(other.stat().st_size, 1))
        return Likeness.DIFFERENT if longer else likeness


def packs(content: PlainContent | GzipContent, fingerprint: Fingerprint) -> bool:
    """Whether the content is an archive of exactly what the fingerprint describes, by its trailer."""
    if not isinstance(content, GzipContent) or not fingerprint.end:
        return False
    return content.trailer() == (fingerprint.crc, fingerprint.end % 2**32)


def _intact_holder(source: Source, besides: Holder) -> PlainContent | None:
    """Another open plain file that holds the source as far as it has been read."""
    for holder in source.holders:
        content = holder.content
        if holder is besides or content is None or isinstance(content, GzipContent):
            continue
        if source.fingerprint.ends_alike(content):
            return content
    return None
