"""From files to the store: tail, lines, parsing, store, in one thread.

The thread looks when something happens in the directories of its files (watch_files.py), and every second anyway.
What it finds goes through in batches: while one is being parsed, the one before it is stored and the next one read.

A batch and the place up to which its source has been read are stored in one transaction. If the process ends at any
moment, or the store refuses, reading goes on from the last place stored: nothing is lost, nothing counted twice.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from dashboard.found import beginnings, directories
from dashboard.ingest_status import IngestStatus as IngestStatus
from dashboard.ingest_status import SourceStatus as SourceStatus
from dashboard.ingest_status import Tally
from dashboard.lines import Checkpoint, LineBatch, LineSplitter
from dashboard.parsing import Batch, parse
from dashboard.tail import Chunk, Tail
from dashboard.watch_files import DirectoryWatch

SHORTEST_REST_S = 0.05
LONGEST_REST_S = 0.25
"""Between two looks: lines that come faster are stored together. In between it is REST_SHARE times the work's time, so
that a busy log takes a bounded part of a core; a line after a quiet moment does not wait."""
REST_SHARE = 3.0
RETRY_S = 1.0
"""How long to wait after a batch could not be stored."""

_PARSERS = 2  # parsing is most of the work, and a batch is parsed by one core
_PARSED_AHEAD = 2  # batches between reading and storing; more would only take memory

logger = logging.getLogger(__name__)


class BatchStore(Protocol):
    """The store as this module sees it: one writer, batch and checkpoint together or not at all."""

    def append(self, batch: Batch, checkpoint: Checkpoint) -> None:
        """Takes both, to be written now or with what follows. A line that comes again is not doubled."""
        ...

    def flush(self) -> None:
        """Writes what has been taken."""
        ...

    def checkpoints(self) -> Mapping[str, Checkpoint]:
        """How far each source has been stored."""
        ...


class Ingest:
    """Keeps a store up to date with files.

    paths: files and patterns (see tail.py); follow: go on as they grow, else read them as they are. on_change: called
    after each batch, from the reading thread; progress: called with bytes read and bytes in all, on disk. One of
    run_once, for a single read, or start and stop.
    """

    def __init__(
        self,
        store: BatchStore,
        paths: Sequence[str],
        follow: bool,
        *,
        on_change: Callable[[], None] | None = None,
        progress: Callable[[int, int], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.on_change = on_change
        self._progress = progress
        self._store = store
        self._paths = tuple(paths)
        known = store.checkpoints()
        self._tail = Tail(self._paths, follow=follow, known=known, clock=clock)
        self._stored = {name: checkpoint.offset for name, checkpoint in known.items()}
        self._splitters: dict[str, LineSplitter] = {}
        self._tally = Tally()
        self._status = IngestStatus()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def status(self) -> IngestStatus:
        """How it stands. From any thread."""
        return self._status

    def run_once(self) -> IngestStatus:
        """Reads everything there is now. Raises what the store raises."""
        with ThreadPoolExecutor(_PARSERS, "parse") as pool:
            self._pass(pool)
        self._tail.close()
        return self._status

    def start(self) -> None:
        """Begins to follow, in a thread of its own. Nothing raised there gets out: see IngestStatus.trouble."""
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends following after the batch at hand; returns when the thread has ended."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        watch = DirectoryWatch(self._wake.set)
        with ThreadPoolExecutor(_PARSERS, "parse") as pool:
            while not self._stopping.is_set():
                began = time.monotonic()
                self._wake.clear()  # before looking: what happens from now on wakes again
                stored = self._guarded_pass(pool, watch)
                ended = time.monotonic()
                rest_s = min(max(REST_SHARE * (ended - began), SHORTEST_REST_S), LONGEST_REST_S)
                self._wake.wait(watch.interval_s if stored else RETRY_S)
                self._stopping.wait(rest_s - (time.monotonic() - ended))
        watch.stop()
        self._tail.close()

    def _guarded_pass(self, pool: ThreadPoolExecutor, watch: DirectoryWatch) -> bool:
        try:
            # Watching before looking: what happens in between is seen by one of them.
            watch.update(directories(self._paths), beginnings(self._paths))
            self._pass(pool)
        except Exception as exc:  # the edge of the thread: it outlives a full disk, and a fault of ours
            trouble = f"{type(exc).__name__}: {exc}"
            if trouble != self._status.trouble:
                logger.exception("the log cannot be stored; trying again every %g s", RETRY_S)
            self._report(trouble)
            return False
        return True

    def _pass(self, pool: ThreadPoolExecutor) -> None:
        """Reads and stores everything that is new."""
        ahead: deque[tuple[Future[Batch], LineBatch, Checkpoint]] = deque()
        try:
            for chunk in self._tail.chunks():
                for lines, checkpoint in self._split(chunk):
                    ahead.append((pool.submit(parse, lines), lines, checkpoint))
                while len(ahead) > _PARSED_AHEAD:
                    self._keep(*ahead.popleft())
                if self._stopping.is_set():
                    break
            while ahead:
                self._keep(*ahead.popleft())
            self._store.flush()
        except BaseException:
            self._go_back()
            raise
        self._report()

    def _split(self, chunk: Chunk) -> Iterator[tuple[LineBatch, Checkpoint]]:
        splitter = self._splitters.get(chunk.source)
        if splitter is None:
            splitter = self._splitters[chunk.source] = LineSplitter(chunk.source, chunk.offset)
        if chunk.last:
            # The place stays before the unfinished line: should its rest come after all, the whole line replaces it.
            lines = splitter.unfinished(read_at=chunk.read_at)
        else:
            lines = splitter.feed(chunk.data, chunk.offset, read_at=chunk.read_at, live=chunk.live)
        if lines is not None:
            fingerprint = chunk.fingerprint.to_text()
            yield lines, Checkpoint(chunk.source, fingerprint, splitter.position, chunk.size)

    def _go_back(self) -> None:
        """To what is stored: everything read since is read again."""
        for source in self._splitters:
            self._tail.rewind(source, self._stored.get(source, 0))
        self._splitters.clear()

    def _keep(self, parsing: Future[Batch], lines: LineBatch, checkpoint: Checkpoint) -> None:
        batch = parsing.result()
        self._store.append(batch, checkpoint)
        self._stored[lines.source] = checkpoint.offset
        newest, live = batch.newest_event_at, lines.live
        self._tally.add(lines.source, batch.event_count, batch.reject_count, newest, lines.read_at, live=live)
        self._report()
        if self._progress is not None:
            self._progress(sum(s.offset for s in self._status.sources), sum(s.size for s in self._status.sources))
        if self.on_change is not None:
            try:
                self.on_change()
            except Exception:  # what a listener does must not undo what is stored
                logger.exception("a listener failed")

    def _report(self, trouble: str = "") -> None:
        self._status = self._tally.status(self._tail.status(), trouble)
