"""The numbers that shape a request, validated when they are created.

Each class is a frozen value. A number out of range raises PolicyError, which names field, rule and value.
The ranges are wide on purpose: they refuse what cannot work, not what is unwise.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from resilience.errors import PolicyError


@dataclass(frozen=True, slots=True)
class CircuitPolicy:
    """When a provider's circuit opens, and how it finds back.

    threshold: consecutive failures that open it; cooldown_s: seconds in OPEN before a probe, doubled for each
    probe that fails in a row; max_cooldown_s: where the doubling ends; probes: calls admitted at once when
    HALF_OPEN begins; recovery_successes: probes that must succeed to close it, each success letting one more
    call through at once, so that traffic comes back step by step; probe_timeout_s: after this long a probe
    that has not come back counts as failed and its slot is free again.
    """

    threshold: int = 3
    cooldown_s: float = 60.0
    probes: int = 1
    probe_timeout_s: float = 90.0
    max_cooldown_s: float = 300.0
    recovery_successes: int = 1

    def __post_init__(self) -> None:
        _whole("threshold", self.threshold, 1, 1000)
        _number("cooldown_s", self.cooldown_s, 0.001, 86_400)
        _whole("probes", self.probes, 1, 100)
        _number("probe_timeout_s", self.probe_timeout_s, 0.001, 86_400)
        _number("max_cooldown_s", self.max_cooldown_s, 0.001, 86_400)
        _whole("recovery_successes", self.recovery_successes, 1, 1000)

    def cooldown_after_s(self, reopened: int) -> float:
        """Seconds in OPEN after `reopened` probes failed in a row; never less than cooldown_s."""
        if self.max_cooldown_s <= self.cooldown_s:
            return self.cooldown_s
        return min(self.max_cooldown_s, self.cooldown_s * 2.0 ** min(reopened, 30))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast one provider is tried again.

    max_retries: tries after the first (0 = one attempt only); base_delay_s: upper end of the first wait,
    doubled for each further one; max_delay_s: the longest wait.
    """

    max_retries: int = 3
    base_delay_s: float = 1.0
    max_delay_s: float = 30.0

    def __post_init__(self) -> None:
        _whole("max_retries", self.max_retries, 0, 20)
        _number("base_delay_s", self.base_delay_s, 0.0, 300)
        _number("max_delay_s", self.max_delay_s, 0.0, 3600)


@dataclass(frozen=True, slots=True)
class DeadlinePolicy:
    """How long anything may take, in seconds.

    attempt_s: one whole answer of one provider; request_s: the caller's whole wait, retries and fallbacks
    included; connect_s: until a connection stands; first_token_s: of a stream, until its first content;
    stall_s: of a stream, between two pieces.
    """

    attempt_s: float = 45.0
    request_s: float = 120.0
    connect_s: float = 5.0
    first_token_s: float = 45.0
    stall_s: float = 20.0

    def __post_init__(self) -> None:
        _number("attempt_s", self.attempt_s, 0.001, 3600)
        _number("request_s", self.request_s, 0.001, 7200)
        _number("connect_s", self.connect_s, 0.001, 600)
        _number("first_token_s", self.first_token_s, 0.001, 3600)
        _number("stall_s", self.stall_s, 0.001, 3600)


@dataclass(frozen=True, slots=True)
class LoadPolicy:
    """How many calls one provider gets at once; further ones wait, at most `queue` of them."""

    concurrency: int = 256
    queue: int = 256

    def __post_init__(self) -> None:
        _whole("concurrency", self.concurrency, 1, 100_000)
        _whole("queue", self.queue, 0, 100_000)


class StreamMode(StrEnum):
    """LIVE passes pieces on at once and ends a cut stream with an error; SAFE holds the answer until it is whole."""

    LIVE = "live"
    SAFE = "safe"


class AllOpen(StrEnum):
    """With every circuit open: FAIL at once, or PROBE the provider whose cooldown ends first."""

    FAIL = "fail"
    PROBE = "probe"


@dataclass(frozen=True, slots=True)
class ChainPolicy:
    """Choices of the chain. filter_falls_back: a refusal of content goes to the next provider instead of the caller."""

    stream_mode: StreamMode = StreamMode.LIVE
    all_open: AllOpen = AllOpen.FAIL
    filter_falls_back: bool = False


GUARDS = ("pii", "injection", "grounding")
"""The guards by name, as switches, events and metrics know them."""


class OnUngrounded(StrEnum):
    """An answer that its context does not bear, after one retry: an ERROR for the caller, or a FLAG at the answer."""

    ERROR = "error"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class GuardPolicy:
    """What the guards do with what they find. Scores are 0 to 1; a score at a threshold counts.

    flag_input, block_input: of what users write; flag_context: of what comes from elsewhere (context, earlier
    answers), which is never blocked; patterns: further kinds of personal data, `NAME=pattern` (guards/custom.py).
    """

    flag_input: float = 0.5
    block_input: float = 0.8
    flag_context: float = 0.5
    on_ungrounded: OnUngrounded = OnUngrounded.ERROR
    patterns: str = ""

    def __post_init__(self) -> None:
        _number("flag_input", self.flag_input, 0.01, 1)
        _number("block_input", self.block_input, 0.01, 1)
        _number("flag_context", self.flag_context, 0.01, 1)


def _whole(field: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise PolicyError(field, f"a whole number from {low} to {high}", value)


def _number(field: str, value: object, low: float, high: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise PolicyError(field, f"a number from {low:g} to {high:g}", value)
