"""The last answer to a question that is asked again and again, without anybody waiting for it."""

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Held(Generic[Value]):
    """An answer and its age in seconds."""

    value: Value
    age_s: float


class Latest(Generic[Value]):
    """Asks in the background when the answer it holds is too old; readers get what there is.

    `ask` must not raise. clock: seconds that never go back.
    """

    def __init__(self, ask: Callable[[], Value], pool: Executor, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._pool, self._clock = ask, pool, clock
        self._lock = Lock()
        self._asking: Future[None] | None = None
        self._held: tuple[Value, float] | None = None

    def get(self, older_s: float) -> Held[Value] | None:
        """The last answer, None before the first; asked anew if it is older than `older_s`."""
        self._ask_if_older(older_s)
        return self.peek()

    def fresh(self, patience_s: float) -> Held[Value] | None:
        """An answer of now, if it comes within `patience_s`, else the last one, None before the first."""
        wait([self._ask_if_older(0.0)], patience_s)
        return self.peek()

    def peek(self) -> Held[Value] | None:
        """The last answer, None before the first; nobody is asked."""
        with self._lock:
            return None if self._held is None else Held(self._held[0], self._clock() - self._held[1])

    def asking(self) -> bool:
        """Whether an answer is awaited."""
        with self._lock:
            return self._asking is not None and not self._asking.done()

    def put(self, value: Value) -> None:
        """Holds an answer that came another way."""
        with self._lock:
            self._held = (value, self._clock())

    def _ask_if_older(self, older_s: float) -> "Future[None]":
        with self._lock:
            held, asking = self._held, self._asking
            due = held is None or self._clock() - held[1] >= older_s
            if asking is None or (due and asking.done()):
                asking = self._asking = self._pool.submit(self._run)
            return asking

    def _run(self) -> None:
        self.put(self._ask())
