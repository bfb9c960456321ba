"""Why a change is not made."""

from collections.abc import Sequence

from resilience.control.state import Entry
from resilience.errors import ResilienceError


class RefusalError(ResilienceError):
    """It would do harm or cannot be done as things are. code: docs/control.md lists them."""

    def __init__(self, code: str, message: str, *, forceable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.forceable = forceable


class StaleError(ResilienceError):
    """Others changed something since; `between` are their changes, newest first."""

    def __init__(self, seen: int, version: int, between: Sequence[Entry]) -> None:
        who = ", ".join(dict.fromkeys(entry.actor for entry in between)) or "nobody known"
        super().__init__(f"version {seen} is not the one in force: {version} is, changed by {who}; look again")
        self.version = version
        self.between = tuple(between)


class InvalidError(ResilienceError):
    """A value breaks its rule; the message names variable, rule and value. param: the variable."""

    def __init__(self, message: str, param: str | None) -> None:
        super().__init__(message)
        self.param = param


class UnknownError(ResilienceError):
    """There is no such provider, guard or change."""


class ReusedKeyError(ResilienceError):
    """The idempotency key came before with another request."""


class UnwritableError(ResilienceError):
    """A file cannot be written; nothing is changed."""
