"""Wakes the reader when something happens in the directories of its files.

Directories are watched, not files: rotation, links and files that appear later show there. inotify may refuse (its
watches are limited) and does not see network file systems, so the reader also looks by itself: every IDLE_S as a
safety net, every POLLING_S while a directory could not be watched.
"""

import os
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

IDLE_S = 1.0
POLLING_S = 0.25

# Opening and closing are left out: the reader's own reads cause them.
_EVENTS: list[type[FileSystemEvent]] = [FileModifiedEvent, FileCreatedEvent, FileMovedEvent, FileDeletedEvent]


class DirectoryWatch:
    """Calls `wake` (from another thread) on changes to files whose names begin as given. Raises nothing."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._handler = _Handler(wake)
        self._observer: BaseObserver | None = None
        self._watches: dict[Path, tuple[tuple[int, int], ObservedWatch]] = {}
        self._complete = False

    @property
    def interval_s(self) -> float:
        """After how long to look even if nobody woke the reader."""
        return IDLE_S if self._complete else POLLING_S

    def update(self, directories: set[Path], beginnings: tuple[str, ...]) -> None:
        """Watches exactly these directories from now on; one that was replaced meanwhile is watched anew."""
        self._handler.beginnings = beginnings
        present = {place: identity for place in directories if (identity := _identity(place))}
        for place, (identity, watch) in list(self._watches.items()):
            if present.get(place) != identity:
                del self._watches[place]
                if self._observer:
                    self._observer.unschedule(watch)
        try:
            for place in present.keys() - self._watches.keys():
                watch = self._started().schedule(self._handler, str(place), event_filter=_EVENTS)
                self._watches[place] = (present[place], watch)
        except OSError:  # no inotify watches or instances left: fs.inotify.max_user_watches, max_user_instances
            self._complete = False
        else:
            self._complete = bool(present)

    def stop(self) -> None:
        """Ends the watching threads."""
        if self._observer:
            self._observer.stop()
            self._observer.join()
            self._observer = None
            self._watches.clear()

    def _started(self) -> BaseObserver:
        if self._observer is None:
            observer = Observer()
            observer.start()
            self._observer = observer
        return self._observer


class _Handler(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self.beginnings: tuple[str, ...] = ()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wakes the reader if the event is about one of its files."""
        paths = (Path(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path)
        if any(path.name.startswith(self.beginnings) for path in paths):
            self._wake()


def _identity(directory: Path) -> tuple[int, int] | None:
    try:
        state = directory.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino
