"""The files that the given paths lead to, and those that they have led to: one look at the disk per pass.

A file is followed by its device and inode while it is open, whatever it is called by now. Beside the named files there
are those that were renamed away, which are read on until they have been quiet for QUIET_S, and the copies and rotated
files beside them that go on where a known content ended.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from dashboard.found import FileId, Found, Missing, find, is_rotated, plain_paths, siblings
from dashboard.sources import Sources
from dashboard.tailed_file import FileState, FileStatus, TailedFile

QUIET_S = 600.0
"""A file that has lost its name is let go after this long without a new byte."""
RECENT_S = 60.0
"""A file that appears with older bytes than this was moved here: its lines are not being written now."""
ROTATION_S = 5.0
"""How long files may be on the move after a rotation has been noticed."""
MAX_OPEN_FILES = 100


class Files:
    """All files of a tail. `clock`: seconds since the epoch."""

    def __init__(self, paths: Sequence[str], sources: Sources, *, follow: bool, clock: Callable[[], float]) -> None:
        self._paths = tuple(paths)
        self._sources = sources
        self._follow = follow
        self._clock = clock
        self._files: dict[FileId, TailedFile] = {}
        self._at: dict[Path, TailedFile] = {}  # the file last seen at each path
        self._missing: list[Missing] = []
        self._rotations: dict[Path, tuple[int, float]] = {}  # when the last content seen was written; look until then
        self._first_look = True

    def look(self) -> list[TailedFile]:
        """Looks at the disk. The files, the one written longest ago first, so that rotated lines precede new ones."""
        self._missing = []
        for file in self._files.values():
            file.named = False
        for found in find(self._paths):
            if isinstance(found, Missing):
                self._missing.append(found)
                path = Path(found.path)
                if path in self._at:
                    self._note_rotation(path, self._at[path].mtime_ns)
                continue
            file = self._files.get(found.id) or self._new(found)
            file.path, file.named = found.path, True
            file.look(found)
            before = self._at.get(found.path, file)
            if before is not file:
                self._note_rotation(found.path, before.mtime_ns)
            self._at[found.path] = file
        if self._follow and self._first_look:
            self._find_rotated()
        for path, (last_ns, until) in list(self._rotations.items()):
            self._adopt_rotated(path, last_ns)
            if self._clock() > until:
                del self._rotations[path]
        self._first_look = False
        return sorted(self._files.values(), key=lambda file: (file.mtime_ns, file.path))

    def rotated_copies(self, file: TailedFile) -> list[TailedFile]:
        """The files beside a truncated one, which may hold what was written to it since the last look."""
        _, last_ns = file.seen
        self._note_rotation(file.path, last_ns)
        self._adopt_rotated(file.path, last_ns)
        ids = [found.id for found in siblings(file.path)]
        return [self._files[file_id] for file_id in ids if file_id in self._files and file_id != file.id]

    def quiet(self) -> list[TailedFile]:
        """Those that have lost their names and bring nothing any more."""
        now = self._clock()
        return [file for file in self._files.values() if not file.named and now - file.grown_at >= QUIET_S]

    def forget(self, file: TailedFile) -> None:
        """Closes the file and drops it."""
        file.let_go()
        file.close()
        del self._files[file.id]

    def close_surplus(self, file: TailedFile) -> None:
        """Closes a file that brings nothing more, or not soon while many are open; it is opened again when it does."""
        quiet = self._clock() - file.mtime_ns / 1e9 > QUIET_S and len(self._files) > MAX_OPEN_FILES
        if quiet or file.is_finished or not self._follow:
            file.close()

    def status(self) -> list[FileStatus]:
        """All files, and all given paths without one."""
        missing = (
            FileStatus(m.path, "", 0, 0, FileState.WAITING if m.waiting else FileState.UNREADABLE, m.note)
            for m in self._missing
        )
        return [*(file.status() for file in self._files.values()), *missing]

    def close(self) -> None:
        """Closes all files."""
        for file in self._files.values():
            file.close()

    def _new(self, found: Found) -> TailedFile:
        now = self._clock()
        old = self._first_look or now - found.stat.st_mtime > RECENT_S
        file = TailedFile(id=found.id, path=found.path, backlog=found.stat.st_size if old else 0, grown_at=now)
        before = self._at.get(found.path)
        if before is not None and before.source is not None and before.is_linked:
            file.excluded = {before.source.name}  # renamed away: whatever begins here now is new
        self._files[found.id] = file
        return file

    def _note_rotation(self, path: Path, last_ns: int) -> None:
        """Looks beside `path` for a while: while names are being moved on, a single look may miss a file."""
        if self._follow:
            known_ns, _ = self._rotations.get(path, (last_ns, 0.0))
            self._rotations[path] = (min(last_ns, known_ns), self._clock() + ROTATION_S)

    def _find_rotated(self) -> None:
        """After a restart: takes up what was rotated away meanwhile, if it is beside the given files."""
        for file in self._files.values():
            try:
                if file.open() and self._sources.claim(file):
                    self.close_surplus(file)
            except OSError as exc:
                file.failed(exc)
        if self._sources.unheld():
            for path in dict.fromkeys((*plain_paths(self._paths), *self._at)):
                self._adopt_rotated(path, None)

    def _adopt_rotated(self, path: Path, last_ns: int | None) -> None:
        """Takes up files beside `path` that nobody asked for and without which lines would be missing.

        last_ns: when the last content seen at `path` was last written; None if that is not known: then it was the
        newest of the siblings whose content is known.
        """
        for found in siblings(path):
            file = self._files.get(found.id)
            if file is not None and (file.named or file.content is not None):
                continue
            if file is not None:
                self.forget(file)  # renamed between being found and being opened
            later = last_ns is not None and found.stat.st_mtime_ns >= last_ns
            known = self._adopt(found, unknown=later and is_rotated(path, found.path))
            if known and last_ns is None:
                last_ns = found.stat.st_mtime_ns

    def _adopt(self, found: Found, *, unknown: bool) -> bool:
        """Takes up a file if it goes on where a known source without another file ends, or if `unknown` will do.

        Whether its content is known.
        """
        file = self._new(found)
        file.named = False
        file.look(found)
        known = False
        try:
            if file.open():
                known = self._sources.claim(file)
                if file.goes_on_alone if known else unknown:
                    return known
        except OSError:
            pass  # nobody asked for it: it is no trouble of anybody's
        self.forget(file)
        return known
