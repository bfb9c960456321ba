"""Wakes a task when something happens to a file; a directory that cannot be watched is looked at every second anyway."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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

# Opening and closing are left out: our own reads cause them.
_EVENTS: list[type[FileSystemEvent]] = [FileModifiedEvent, FileCreatedEvent, FileMovedEvent, FileDeletedEvent]


@contextmanager
def watched(path: Path, wake: Callable[[], object]) -> Iterator[None]:
    """Call `wake` (from another thread) when the file, or the one that it links to, may have changed."""
    places = {path.absolute(), Path(os.path.realpath(path))}
    observer = Observer()
    handler = _Handler({place.name for place in places}, wake)
    with suppress(OSError):  # no inotify watches left, or no such directory yet
        for directory in {place.parent for place in places}:
            observer.schedule(handler, str(directory), event_filter=_EVENTS)
        observer.start()
    try:
        yield
    finally:
        if observer.is_alive():
            observer.stop()
            observer.join()


class _Handler(FileSystemEventHandler):
    def __init__(self, names: set[str], wake: Callable[[], object]) -> None:
        self._names = names
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if {Path(os.fsdecode(place)).name for place in (event.src_path, event.dest_path)} & self._names:
            self._wake()
