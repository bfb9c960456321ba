"""One frozen dataclass per event kind; each knows its level and its message.

Field names are the keys of the JSON object (`from_` is `from`), numbers carry their unit in the name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar

from resilience.events.words import AttemptStatus, Cause, Reason, RequestStatus, Severity, State


@dataclass(frozen=True, slots=True)
class Tried:
    """One step of a chain that gave no answer."""

    provider: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Origin:
    """Which process wrote a line."""

    service: str
    instance: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; `kind` is the event's name in the log."""

    kind: ClassVar[str]

    @property
    def severity(self) -> Severity:
        """Level of the line."""
        return Severity.INFO

    def message(self) -> str:
        """The text for people and grep: no `{`, no double quote, nothing from outside but checked names."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished(Event):
    """One call to a provider ended.

    generation_time_ms: from sending to the whole answer; chain_position: 0 is the primary; timeout_s: the
    limit that ran out, with reason timeout; retrying: the same provider is tried again; circuit: its state at
    the call; ttft_ms: to the first token, streamed calls only; config_version: of the settings that the request ran with.
    """

    kind: ClassVar[str] = "LLM_ATTEMPT"
    generation_time_ms: float
    request_id: str
    provider: str
    model: str
    attempt: int
    chain_position: int
    status: AttemptStatus
    reason: Reason | None = None
    http_status: int | None = None
    retry_after_s: float | None = None
    timeout_s: float | None = None
    retrying: bool | None = None
    ttft_ms: float | None = None
    streamed: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    config_version: int | None = None
    circuit: State

    @property
    def severity(self) -> Severity:
        """ERROR for a failure, WARNING for a timeout that is tried again (the runbook's appendix)."""
        if self.status is not AttemptStatus.FAILED:
            return Severity.INFO
        return Severity.WARNING if self.retrying and self.timeout_s is not None else Severity.ERROR

    def message(self) -> str:
        """The runbook's LLM_ATTEMPT text; a failure adds its cause and `provider: NAME`."""
        text = (
            f"LLM_ATTEMPT: provider={self.provider}, status={self.status}, "
            f"latency={self.generation_time_ms / 1000:.1f}s"
        )
        if self.status is not AttemptStatus.FAILED:
            return text
        if self.severity is Severity.WARNING:
            cause = f"Provider timeout after {self.timeout_s:g}s, attempting retry"
            return f"{text} - ⚠️ {cause} (provider: {self.provider})"
        return f"{text} - ❌ Provider failed: {self.cause()} (provider: {self.provider})"

    def cause(self) -> str:
        """The failure in the runbook's words: `503 Service Unavailable`, `Timeout after 45s`."""
        if self.timeout_s is not None:
            return f"Timeout after {self.timeout_s:g}s"
        if self.http_status is not None and self.http_status >= 400:
            return f"{self.http_status} {_phrase(self.http_status)}"
        return (self.reason or "unknown").replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFinished(Event):
    """One caller's request ended.

    attempts, fallbacks: counts; total_ms: the caller's wait; wasted_ms: of it, attempts that failed and waits;
    provider: who answered, None without an answer; reason: why it ended without one; config_version: of the settings
    that it ran with, None if it never reached the chain; guard_ms: of total_ms, what the guards took, None without.
    """

    kind: ClassVar[str] = "LLM_REQUEST"
    request_id: str
    status: RequestStatus
    provider: str | None
    attempts: int
    fallbacks: int
    total_ms: float
    wasted_ms: float
    reason: Reason | None = None
    guard_ms: float | None = None
    config_version: int | None = None

    @property
    def severity(self) -> Severity:
        """ERROR where the caller got an error that was not theirs."""
        bad = self.status in (RequestStatus.EXHAUSTED, RequestStatus.DEADLINE, RequestStatus.ERROR)
        return Severity.ERROR if bad else Severity.INFO

    def message(self) -> str:
        """Status, answering provider and counts."""
        return (
            f"LLM_REQUEST: status={self.status}, provider={self.provider or 'none'}, attempts={self.attempts}, "
            f"fallbacks={self.fallbacks}, total={self.total_ms / 1000:.1f}s"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FellBack(Event):
    """The chain moved on to the next provider."""

    kind: ClassVar[str] = "FALLBACK"
    request_id: str
    from_provider: str
    to_provider: str
    reason: Reason

    @property
    def severity(self) -> Severity:
        """Always a warning."""
        return Severity.WARNING

    def message(self) -> str:
        """The runbook's fallback text."""
        return f"⚠️ Falling back to provider: {self.to_provider} (reason: {self.reason})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitChanged(Event):
    """A circuit changed its state.

    open_until: UTC, None unless `to` is OPEN; actor, reason, request_id (of the request to the control API): by hand.
    """

    kind: ClassVar[str] = "BREAKER_TRANSITION"
    provider: str
    from_: State
    to: State
    cause: Cause
    failures: int
    open_until: datetime | None = None
    trigger_request_ids: tuple[str, ...] = ()
    actor: str | None = None
    reason: str | None = None
    request_id: str | None = None
    component: str = "circuit"  # last, and in each such line: `grep circuit | grep -E "(OPEN|CLOSED|HALF_OPEN)"`

    @property
    def severity(self) -> Severity:
        """ERROR for OPEN, WARNING for HALF_OPEN, INFO for CLOSED."""
        return {State.OPEN: Severity.ERROR, State.HALF_OPEN: Severity.WARNING}.get(self.to, Severity.INFO)

    def message(self) -> str:
        """The runbook's circuit texts; an opening also has the words its procedure 5 greps for."""
        if self.to is State.OPEN:
            return (
                f"❌ Circuit breaker OPEN for provider: {self.provider} - "
                f"Opening circuit breaker for provider: {self.provider} (cause: {self.cause})"
            )
        if self.to is State.HALF_OPEN:
            return f"⚠️ Circuit breaker HALF_OPEN for provider: {self.provider} (testing)"
        return f"✅ Circuit breaker CLOSED for provider: {self.provider} (cause: {self.cause})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersExhausted(Event):
    """A request found nothing left to try."""

    kind: ClassVar[str] = "PROVIDERS_EXHAUSTED"
    request_id: str
    tried: tuple[Tried, ...]

    @property
    def severity(self) -> Severity:
        """Always an error."""
        return Severity.ERROR

    def message(self) -> str:
        """The runbook's exhausted text."""
        return "❌ All providers exhausted - no fallback available"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderInitialized(Event):
    """A provider is ready. `primary`: it is the first of the order as it is now."""

    kind: ClassVar[str] = "PROVIDER_INITIALIZED"
    provider: str
    model: str
    primary: bool

    def message(self) -> str:
        """The runbook's initialised text, with its display names."""
        name = DISPLAY_NAMES.get(self.provider, self.provider)
        if self.provider == "openrouter" and self.model == "x-ai/grok-4-fast":
            name = "OpenRouter/Grok-4-Fast"
        return f"✅ {name} provider initialized" + (" (PRIMARY)" if self.primary else "")


DISPLAY_NAMES: Mapping[str, str] = {
    "openrouter": "OpenRouter",
    "anthropic": "Claude/Anthropic",
    "deepseek": "DeepSeek",
    "openai": "OpenAI",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidersInitialized(Event):
    """The chain is ready, in this order."""

    kind: ClassVar[str] = "PROVIDERS_INITIALIZED"
    order: tuple[str, ...]

    def message(self) -> str:
        """The runbook's list of providers."""
        return f"✅ LLM providers initialized: {list(self.order)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChanged(Event):
    """Settings changed. changes: (setting, old, new) as text, secrets never; origin: api, env_file, timer or fleet."""

    kind: ClassVar[str] = "CONFIG_CHANGED"
    version: int
    actor: str
    reason: str
    origin: str
    changes: tuple[tuple[str, str, str], ...]

    def message(self) -> str:
        """The new version and how many settings changed."""
        return f"CONFIG_CHANGED: version={self.version}, origin={self.origin}, settings={len(self.changes)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTriggered(Event):
    """A guard acted. action: redacted, blocked or flagged; counts: per kind of finding, never the text.

    where: what it looked at: input, context or answer; None if the writer did not say.
    """

    kind: ClassVar[str] = "GUARD_TRIGGERED"
    request_id: str
    guard: str
    action: str
    counts: Mapping[str, int]
    where: str | None = None

    @property
    def severity(self) -> Severity:
        """Always a warning."""
        return Severity.WARNING

    def message(self) -> str:
        """Guard and action."""
        return f"GUARD_TRIGGERED: guard={self.guard}, action={self.action}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(Event):
    """A process began to serve. settings: those that are not at their defaults, by variable; None: not told."""

    kind: ClassVar[str] = "SERVICE_STARTED"
    version: str
    config_version: int
    order: tuple[str, ...]
    settings: Mapping[str, str] | None = None

    def message(self) -> str:
        """Version and config version."""
        return f"SERVICE_STARTED: version={self.version}, config version {self.config_version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopped(ServiceStarted):
    """A process ended in good order."""

    kind: ClassVar[str] = "SERVICE_STOPPED"

    def message(self) -> str:
        """Version and config version."""
        return f"SERVICE_STOPPED: version={self.version}, config version {self.config_version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """An event of a newer writer, kept as it came."""

    kind: ClassVar[str] = "UNKNOWN"
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def message(self) -> str:
        """The unknown event's name."""
        return self.name


KINDS: Mapping[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        AttemptFinished,
        RequestFinished,
        FellBack,
        CircuitChanged,
        ProvidersExhausted,
        ProviderInitialized,
        ProvidersInitialized,
        ConfigChanged,
        GuardTriggered,
        ServiceStarted,
        ServiceStopped,
    )
}


def _phrase(status: int) -> str:
    if status == 429:
        return "Rate Limit Exceeded"  # the runbook's words, not the RFC's
    if status == 529:
        return "Overloaded"
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
