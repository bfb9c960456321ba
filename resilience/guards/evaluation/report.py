"""What an evaluation gives: a table for a terminal, and the promised figures in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that was promised.

    value: what was measured, None without data; low, high: its bounds, both included, None where there is none.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the value lies within its bounds; None without data."""
        if self.value is None:
            return None
        return (self.low is None or self.value >= self.low) and (self.high is None or self.value <= self.high)


@dataclass(frozen=True, slots=True)
class Report:
    """A table for a terminal, and the promised figures in it.

    rows: one value per column each, numbers unrounded.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]
    targets: tuple[Target, ...]
