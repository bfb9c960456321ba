"""Which files the given paths and patterns name at this moment.

A path names one file, a pattern (`logs/*.log*`, `**` for folders of any depth) whatever matches it now. Both are looked
up again on every pass: a file, or its directory, may appear later.
"""

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dashboard.content import reason

FileId = tuple[int, int]
"""Device and inode: which file it is, whatever its name. Unique only while the file exists or is held open."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there now."""

    path: Path
    stat: os.stat_result

    @property
    def id(self) -> FileId:
        """Device and inode."""
        return self.stat.st_dev, self.stat.st_ino


@dataclass(frozen=True, slots=True)
class Missing:
    """A given path without a file to read; `waiting` if one may still appear, else `note` says what is wrong."""

    path: str
    waiting: bool
    note: str


def find(patterns: Iterable[str]) -> Iterator[Found | Missing]:
    """The files named by paths and patterns, in the order given. Two names of one file are both listed."""
    for pattern in patterns:
        path = _expanded(pattern)
        if glob.has_magic(str(path)) and not _is(path, Path.exists):
            matches = [found for name in sorted(_matches(path)) if isinstance(found := _look(Path(name)), Found)]
            yield from matches
            if not matches:
                yield Missing(pattern, True, "no file matches yet")
        else:
            yield _look(path)


def plain_paths(patterns: Iterable[str]) -> list[Path]:
    """The paths among the patterns, whether there is a file or not."""
    return [_expanded(pattern) for pattern in patterns if not glob.has_magic(pattern)]


def siblings(path: Path) -> list[Found]:
    """The files beside `path`, and beside what it links to, whose names begin alike, the one written longest ago first.

    There its rotated lines may be.
    """
    found: dict[Path, Found] = {}
    for place in _places(path):
        try:
            beside = [other for other in place.parent.iterdir() if other.name.startswith(place.stem) and other != place]
        except OSError:
            continue
        found |= {other: look for other in beside if isinstance(look := _look(other), Found)}
    return sorted(found.values(), key=lambda other: (other.stat.st_mtime_ns, other.path))


def is_rotated(path: Path, other: Path) -> bool:
    """Whether `other` is named as a rotated `path` is: with a number or a date, packed or not.

    backend_live.log.1, backend_live.log-20251019.gz, backend_live.log.2025-10-19, backend_live-20251019.log
    """
    for place in _places(path):
        name, stem, suffix = map(re.escape, (place.name, place.stem, place.suffix))
        if re.fullmatch(rf"(?:{name}[.-]\d|{stem}[.-]\d{{8}})[\d.T_-]*(?:{suffix})?(?:\.gz)?", other.name):
            return True
    return False


def directories(patterns: Sequence[str]) -> set[Path]:
    """The directories in which something may happen to the named files, links resolved; only those that exist."""
    places: set[Path] = set()
    for pattern in patterns:
        path = _expanded(pattern)
        named = [Path(name) for name in _matches(path)] if glob.has_magic(pattern) else [path]
        parents = [Path(name) for name in _matches(path.parent)] if glob.has_magic(str(path.parent)) else [path.parent]
        places.update(_resolved(place) for place in parents)
        places.update(_resolved(file).parent for file in named)
    return {place for place in places if _is(place, Path.is_dir)}


def beginnings(patterns: Sequence[str]) -> tuple[str, ...]:
    """How the names of the files in question begin; an event about any other name is none of ours."""
    names = []
    for pattern in patterns:
        path = _expanded(pattern)
        if glob.has_magic(path.name):
            names.append(path.name[: min(path.name.find(sign) for sign in "*?[" if sign in path.name)])
        else:
            names += [path.stem, _resolved(path).stem]
    return tuple(dict.fromkeys(names))


def _matches(path: Path) -> list[str]:
    return glob.glob(str(path), recursive=True)  # noqa: PTH207  Path.glob takes no absolute pattern


def _expanded(pattern: str) -> Path:
    return Path(os.path.expanduser(pattern))  # noqa: PTH111  Path.expanduser raises for an unknown user


def _is(path: Path, what: Callable[[Path], bool]) -> bool:
    try:
        return what(path)
    except OSError:  # no permission to look
        return False


def _look(path: Path) -> Found | Missing:
    try:
        state = path.stat()
    except FileNotFoundError:
        return Missing(str(path), True, "not there yet")
    except OSError as exc:
        return Missing(str(path), False, reason(exc))
    if stat.S_ISDIR(state.st_mode):
        return Missing(str(path), False, "is a directory; name a file or a pattern such as its *.log")
    if not stat.S_ISREG(state.st_mode):
        return Missing(str(path), False, "not a regular file")
    return Found(path, state)


def _places(path: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys((path, _resolved(path))))


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link that leads in a circle
        return path.absolute()
