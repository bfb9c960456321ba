"""A stretch of time and its buckets."""

from dataclasses import dataclass
from datetime import datetime

MAX_BUCKETS = 300
WIDTHS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)
"""Bucket widths: whole parts of an hour, so that buckets begin at round times."""


class WindowError(ValueError):
    """A window is empty, reversed or without a time zone."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time from `start` up to, not including, `end`; buckets of `bucket_s` begin at multiples of it since 1970.

    Raises: WindowError if it is empty or reversed, if a time has no zone, or bucket_s is less than a second.
    """

    start: datetime
    end: datetime
    bucket_s: int

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise WindowError(f"times of a window must have a zone, got {self.start} and {self.end}")
        if self.start >= self.end:
            raise WindowError(f"a window's end must be after its start, got {self.start} and {self.end}")
        if self.bucket_s < 1:
            raise WindowError(f"bucket_s must be 1 or more, got {self.bucket_s}")

    @classmethod
    def of(cls, start: datetime, end: datetime) -> "Window":
        """The window with the narrowest buckets of WIDTHS_S of which it has at most MAX_BUCKETS, else the widest."""
        length_s = (end - start).total_seconds()
        return cls(start, end, next((width for width in WIDTHS_S if length_s / width <= MAX_BUCKETS), WIDTHS_S[-1]))
