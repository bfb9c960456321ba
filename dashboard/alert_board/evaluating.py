"""The one evaluation of this process: taken further in a thread of its own as the log grows, for all sessions.

It begins at the log's first event and goes on from where it was. Lines that come late, of times already evaluated,
take it back to a point before them: what it says is what an evaluation of the whole log would say.
"""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from dashboard.alert_board.course import Course
from dashboard.alerts.evaluate import GRACE_S, Change, Evaluation
from dashboard.alerts.reading import EventStore, read_history
from dashboard.alerts.rule import Rules
from dashboard.window import Window

AT_ONCE = 1080
"""Moments evaluated in one go; what has been found is to be seen after each."""
KEPT_CHANGES = 20_000
LOOK_BACK = timedelta(days=31)
_POINTS, _POINT_EVERY = 12, timedelta(minutes=2)
_log = logging.getLogger("dashboard.alert_board")


class CountingStore(EventStore, Protocol):
    """The store as this module sees it."""

    def event_count(self, window: Window) -> int:
        """How many events a window holds."""
        ...


@dataclass(frozen=True, slots=True)
class _Point:
    """Where the evaluation can be taken back to. changes: how many there were; events: of times up to it."""

    evaluation: Evaluation
    changes: int
    events: int


class Evaluating:
    """The course of the rules over a store's log, and the thread that takes it further.

    clock: the present, UTC; past_after: a log whose newest event is older is evaluated up to its end, not to now.
    """

    def __init__(
        self,
        store: CountingStore,
        rules: Rules,
        past_after: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._rules, self._past_after, self._clock = store, rules, past_after, clock
        self._course = Course(Evaluation(rules), behind=True)
        self._changes: list[Change] = []
        self._points: deque[_Point] = deque(maxlen=_POINTS)
        self._begun_at = datetime.max.replace(tzinfo=UTC)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alerts")
        self._job: Future[None] | None = None
        self._seen: tuple[int, datetime] | None = None
        self._rests_until = datetime.min.replace(tzinfo=UTC)

    @property
    def rules(self) -> Rules:
        """What is evaluated."""
        return self._rules

    def course(self, version: int, extent: tuple[datetime, datetime] | None, *, settled: bool, wait_s: float) -> Course:
        """What is known by now; what is due is begun, and waited for so long at most.

        version: of the store's data; extent: times of its oldest and newest event; settled: the log has been read to
        its end, so that a moment's lines are all there.
        """
        if extent is not None and settled and (self._job is None or self._job.done()):
            target = self._target(extent[1])
            if self._due(version, target):
                self._seen = (version, target)
                self._job = self._pool.submit(self._work, extent[0], target)
        if self._job is not None:
            wait([self._job], wait_s)
        return self._course

    def close(self) -> None:
        """Ends the thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _target(self, newest: datetime) -> datetime:
        now = self._clock()
        if now - newest > self._past_after:
            return newest + timedelta(seconds=self._rules.interval_s)  # the moment after the last line counts it
        return now - timedelta(seconds=GRACE_S)

    def _due(self, version: int, target: datetime) -> bool:
        """Whether there is a moment to evaluate: at most once an interval, and once more when a past log has grown."""
        if self._clock() < self._rests_until:
            return False
        at = self._course.evaluation.at
        interval = timedelta(seconds=self._rules.interval_s)
        if self._course.behind or at is None or target - at >= interval:
            return True
        ended = self._seen is not None and self._seen[1] == target  # a past log: its target stands still
        return ended and self._seen is not None and self._seen[0] != version

    def _work(self, oldest: datetime, target: datetime) -> None:
        try:
            self._take_further(oldest, target)
        except Exception:  # noqa: BLE001 (whatever the store raises: the page goes on with what is known)
            self._rests_until = self._clock() + timedelta(seconds=self._rules.interval_s)
            _log.exception("the alert rules could not be evaluated")

    def _take_further(self, oldest: datetime, target: datetime) -> None:
        since = max(oldest, target - LOOK_BACK)
        evaluation = self._back(oldest)
        if evaluation.at is None:
            self._begun_at = since
        while moments := evaluation.moments(since, target)[:AT_ONCE]:
            # Counted before it is read: a line in between is found late next time, and taken in.
            events = self._count(oldest, moments[-1])
            evaluation, changes = evaluation.advanced(read_history(self._store, self._rules, moments), moments)
            self._changes += changes
            self._keep(_Point(evaluation, len(self._changes), events))
            self._tell(oldest, evaluation, behind=bool(evaluation.moments(since, target)))
        if self._course.behind:
            self._tell(oldest, evaluation, behind=False)

    def _tell(self, oldest: datetime, evaluation: Evaluation, *, behind: bool) -> None:
        """Lets the sessions see it; while old times are evaluated anew, they go on seeing what was found before."""
        seen_at = self._course.evaluation.at
        if not behind or seen_at is None or (evaluation.at is not None and evaluation.at >= seen_at):
            whole = self._begun_at <= oldest and len(self._changes) <= KEPT_CHANGES
            events = self._points[-1].events if self._points else 0
            self._course = Course(evaluation, tuple(self._changes[-KEPT_CHANGES:]), behind, whole, events)

    def _back(self, oldest: datetime) -> Evaluation:
        """The newest evaluation that rests on what the log says now."""
        while self._points:
            point = self._points[-1]
            if point.evaluation.at is not None and self._count(oldest, point.evaluation.at) == point.events:
                del self._changes[point.changes :]
                return point.evaluation
            self._points.pop()
        self._changes.clear()
        return Evaluation(self._rules)

    def _keep(self, point: _Point) -> None:
        """Keeps the newest point, and of those before it some that lie well apart."""
        at = point.evaluation.at
        if len(self._points) > 1 and at is not None:
            before = self._points[-2].evaluation.at
            if before is not None and at - before < _POINT_EVERY:
                self._points.pop()
        self._points.append(point)

    def _count(self, oldest: datetime, at: datetime) -> int:
        just_after = at + timedelta(microseconds=1)
        return self._store.event_count(Window.of(oldest, just_after)) if oldest < just_after else 0
