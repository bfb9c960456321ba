"""One caller's request as it runs: what was tried, what it cost, and the events that say so."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from anyio import CancelScope

from resilience.breaker import Emit
from resilience.chain import Chain
from resilience.chat import Delta, Usage
from resilience.circuit import Outcome, Permit
from resilience.config import Provider
from resilience.errors import (
    BlockedError,
    DeadlineExceededError,
    Failure,
    ProvidersExhaustedError,
    RequestError,
    UnansweredError,
    UngroundedError,
)
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    FellBack,
    Reason,
    RequestFinished,
    RequestStatus,
    Tried,
)
from resilience.link import SLACK_S, Link
from resilience.retry import treatment


@dataclass(slots=True)
class Run:
    """The ledger of one request. Times are seconds of `clock`; `deadline`: the end of the caller's wait.

    calls: by provider, over all walks: an answer that breaks the grounding contract is asked for in a second one.
    """

    request_id: str
    emit: Emit
    clock: Callable[[], float]
    started: float
    deadline: float
    chain: Chain
    attempts: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    fallbacks: int = 0
    wasted_s: float = 0.0
    guard_s: float | None = None
    tried: list[Tried] = field(default_factory=list)
    retry_at: float | None = None
    provider: str | None = None
    ended: bool = False

    @property
    def total_ms(self) -> float:
        """How long the caller has waited."""
        return (self.clock() - self.started) * 1000

    @property
    def over(self) -> bool:
        """Whether the deadline has passed; a timer may fire a clock tick early."""
        return self.clock() >= self.deadline - SLACK_S

    def come_back(self, at: float) -> None:
        """A provider may be asked again at `at`, on the loop's clock; the soonest is kept."""
        self.retry_at = at if self.retry_at is None else min(self.retry_at, at)

    def fall_back(self, from_: Provider, to: Provider, reason: Reason) -> None:
        """The chain moves on."""
        self.fallbacks += 1
        self.emit(FellBack(request_id=self.request_id, from_provider=from_.name, to_provider=to.name, reason=reason))

    def end(self, status: RequestStatus, reason: Reason | None = None) -> None:
        """The request has ended; only the first call counts."""
        if self.ended:
            return
        self.ended = True
        self.emit(
            RequestFinished(
                request_id=self.request_id,
                status=status,
                provider=self.provider if status is RequestStatus.SUCCESS else None,
                attempts=self.attempts,
                fallbacks=self.fallbacks,
                total_ms=self.total_ms,
                wasted_ms=self.wasted_s * 1000,
                reason=reason,
                guard_ms=None if self.guard_s is None else self.guard_s * 1000,
                config_version=self.chain.version,
            )
        )

    def charge(self, exc: UnansweredError) -> None:
        """Tell the error what the request has taken so far."""
        exc.attempts, exc.fallbacks = self.attempts, self.fallbacks

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Ends the request by whatever leaves the block; a block that just ends is a success."""
        try:
            yield
        except BaseException as exc:
            if isinstance(exc, UnansweredError):
                self.charge(exc)
            match exc:
                case asyncio.CancelledError() | GeneratorExit():
                    self.end(RequestStatus.CANCELLED, Reason.CANCELLED)
                case ProvidersExhaustedError():
                    self.end(RequestStatus.EXHAUSTED)
                case DeadlineExceededError():
                    self.end(RequestStatus.DEADLINE, Reason.DEADLINE)
                case BlockedError() | UngroundedError():
                    self.end(RequestStatus.BLOCKED)
                case RequestError():
                    self.end(RequestStatus.REJECTED, exc.reason)
                case _:
                    self.end(RequestStatus.ERROR)
            raise
        self.end(RequestStatus.SUCCESS)


class Attempt:
    """One call under way; exactly one of `succeed`, `fail` and `cancel` ends it, later ones do nothing.

    ends_at: when it ends at the latest, on the loop's clock, time for the next provider set aside; timer: the
    limit that runs now; usage: the tokens that the provider has told so far. The event goes out before the circuit
    settles, so that an opening follows the failure that caused it.
    """

    __slots__ = (
        "_link",
        "_number",
        "_permit",
        "_run",
        "_streamed",
        "ended",
        "ends_at",
        "position",
        "provider",
        "started",
        "timer",
        "ttft_s",
        "usage",
    )

    def __init__(self, run: Run, link: Link, permit: Permit, *, position: int, streamed: bool) -> None:
        run.attempts += 1
        run.calls[link.provider.name] += 1
        self.provider = link.provider
        self.started = run.clock()
        self.ends_at = run.deadline
        self.timer: CancelScope | None = None
        self.ttft_s: float | None = None
        self.usage = Usage()
        self.ended = False
        self._run = run
        self._link = link
        self._permit = permit
        self._number = run.calls[link.provider.name]
        self.position = position
        self._streamed = streamed

    def may_take_s(self, limit_s: float) -> float:
        """From now on, the next step may take `limit_s`, less if the attempt ends before; returns what it got."""
        now = self._run.clock()
        granted_s = min(limit_s, self.ends_at - now)
        if self.timer is not None:
            self.timer.deadline = now + granted_s
        return granted_s

    def note(self, delta: Delta) -> None:
        """A piece of an answer is here, or no more than the tokens that it took."""
        if self.ttft_s is None and (delta.text or delta.finish_reason):
            self.ttft_s = self._run.clock() - self.started
        if delta.usage is not None:
            self.usage = self.usage.updated(delta.usage)

    def succeed(self, model: str) -> None:
        """The whole answer is here."""
        if self.ended:
            return
        self._run.provider = self.provider.name
        self._link.answered()
        self._end(AttemptStatus.SUCCESS, Outcome.SUCCESS, model=model)

    def fail(self, failure: Failure, *, retrying: bool, timeout_s: float | None = None) -> None:
        """No answer, or not the whole of it."""
        if self.ended:
            return
        self._run.wasted_s += self._run.clock() - self.started
        self._end(
            AttemptStatus.FAILED,
            treatment(failure).outcome,
            failure=failure,
            retrying=retrying,
            timeout_s=timeout_s,
        )

    def cancel(self) -> None:
        """The caller went away, or a fault of ours ended it: it says nothing about the provider."""
        if self.ended:
            return
        self._end(AttemptStatus.CANCELLED, Outcome.NEUTRAL, failure=Failure(Reason.CANCELLED))

    def opens_circuit(self) -> bool:
        """Whether a failure now would open the circuit."""
        return self._link.breaker.opens_on_failure(self._permit)

    def _end(
        self,
        status: AttemptStatus,
        outcome: Outcome,
        *,
        failure: Failure | None = None,
        retrying: bool | None = None,
        timeout_s: float | None = None,
        model: str = "",
    ) -> None:
        self.ended = True
        guards = self._run.chain.guards
        if guards is not None and model:
            model = guards.named(model[:200])
        self._run.emit(
            AttemptFinished(
                generation_time_ms=(self._run.clock() - self.started) * 1000,
                request_id=self._run.request_id,
                provider=self.provider.name,
                model=model[:200] or self.provider.model,
                attempt=self._number,
                chain_position=self.position,
                status=status,
                reason=failure.reason if failure else None,
                http_status=failure.http_status if failure else 200,
                retry_after_s=failure.retry_after_s if failure else None,
                timeout_s=timeout_s,
                retrying=retrying,
                ttft_ms=self.ttft_s * 1000 if self.ttft_s is not None else None,
                streamed=self._streamed,
                prompt_tokens=self.usage.prompt_tokens,
                completion_tokens=self.usage.completion_tokens,
                config_version=self._run.chain.version,
                circuit=self._permit.state,
            )
        )
        self._link.breaker.settle(self._permit, outcome)
        self._link.leave()
