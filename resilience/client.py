"""The chain: one request walks the providers in order until one answers.

    for each provider:  circuit -> [ attempt -> classify -> wait ] ... -> answer, or the next provider

`chat` returns the whole answer, `stream` yields it piece by piece; both take the same walk.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self, TypeVar

import httpx2
from anyio import CancelScope

from resilience.attempt import Caller
from resilience.breaker import Breaker, CircuitView, Emit
from resilience.chat import Answer, ChatRequest, Completion
from resilience.circuit import Permit, Rejection
from resilience.config import Config, Provider
from resilience.errors import (
    DeadlineExceededError,
    Failure,
    ProviderError,
    ProvidersExhaustedError,
    RequestError,
)
from resilience.events import Event, ProviderInitialized, ProvidersExhausted, ProvidersInitialized, Reason, State, Tried
from resilience.link import SLACK_S, Link
from resilience.policy import AllOpen, StreamMode
from resilience.retry import backoff_delay_s, treatment
from resilience.run import Attempt, Run
from resilience.stream import Opened, Stream, open_live, open_safe

T = TypeVar("T")
Ask = Callable[[Attempt], Awaitable[T]]
Acquire = Callable[[str], Permit | Rejection]

SOON_S = 1.0
"""When to come back to a provider whose queue is full, or whose circuit waits for a probe."""

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that gave no answer; `timeout_s` is the limit that ran out, if one did."""

    failure: Failure
    timeout_s: float | None = None


class Client:
    """A provider chain with its circuits. `async with Client(...)`, or `start` and `aclose`.

    emit: gets each event, must not block; what it raises is dropped. transport: replaces the network.
    wall: seconds since the epoch, for the log; all waiting is on the event loop's monotonic clock.
    Providers without a key stay out of the chain.
    """

    def __init__(
        self,
        config: Config,
        emit: Emit,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        rng: random.Random | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.chain = tuple(provider for provider in config.providers if provider.usable)
        self._listener = emit
        self._transport = transport
        self._rng = rng or random.Random()
        self._wall = wall
        self._clock: Callable[[], float] = time.monotonic
        self._caller: Caller | None = None
        self.links: tuple[Link, ...] = ()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Bind to the running loop and say in the log which providers are there."""
        self._clock = asyncio.get_running_loop().time
        self._caller = Caller(self.chain, self._transport, self.config.deadline.connect_s)
        self.links = tuple(
            Link(
                provider,
                Breaker(provider.name, self.config.circuit, self._emit, self._clock, self._wall),
                self.config.load,
                self._clock,
            )
            for provider in self.chain
        )
        for position, provider in enumerate(self.chain):
            self._emit(ProviderInitialized(provider=provider.name, model=provider.model, primary=position == 0))
        self._emit(ProvidersInitialized(order=tuple(provider.name for provider in self.chain)))

    async def aclose(self) -> None:
        """Close the connections; requests under way fail."""
        if self._caller is not None:
            await self._caller.aclose()
            self._caller = None

    def circuits(self) -> tuple[CircuitView, ...]:
        """Each circuit as it is now, in the order of the chain."""
        return tuple(link.view for link in self.links)

    async def chat(self, request: ChatRequest, *, request_id: str | None = None) -> Answer:
        """The whole answer of the first provider that gives one.

        Raises: ProvidersExhaustedError, DeadlineExceededError; RequestError if the request itself is at fault.
        """
        run = self._begin(request_id)
        caller = self._started()

        async def ask(attempt: Attempt) -> Completion:
            return await caller.complete(attempt.provider, request, attempt.note)

        with run.ending():
            completion, attempt = await self._walk(run, ask, streamed=False)
            attempt.usage = completion.usage
            attempt.succeed(completion.model)
        return Answer(completion, attempt.provider.name, run.request_id, run.attempts, run.fallbacks, run.total_ms)

    def stream(self, request: ChatRequest, *, request_id: str | None = None) -> AbstractAsyncContextManager[Stream]:
        """The answer piece by piece: `async with client.stream(...) as stream: async for delta in stream`.

        Entering returns once the first content is here, so until then the chain falls back freely. Raises like
        `chat`; a stream that breaks off later raises StreamBrokenError.
        """
        return self._stream(request, request_id)

    @asynccontextmanager
    async def _stream(self, request: ChatRequest, request_id: str | None) -> AsyncIterator[Stream]:
        run = self._begin(request_id)
        caller = self._started()
        stall_s = self.config.deadline.stall_s
        safe = self.config.choices.stream_mode is StreamMode.SAFE

        async def ask(attempt: Attempt) -> Opened:
            deltas = caller.stream(attempt.provider, request)
            return await (open_safe(deltas, attempt, stall_s) if safe else open_live(deltas, attempt))

        with run.ending():
            opened, attempt = await self._walk(run, ask, streamed=True)
            async with aclosing(Stream(run, attempt, opened, stall_s)) as stream:
                yield stream

    def _begin(self, request_id: str | None) -> Run:
        now = self._clock()
        return Run(
            request_id=request_id or secrets.token_hex(8),
            emit=self._emit,
            clock=self._clock,
            started=now,
            deadline=now + self.config.deadline.request_s,
        )

    def _started(self) -> Caller:
        if self._caller is None:
            raise RuntimeError("the client is not started: use `async with Client(...)`")
        return self._caller

    async def _walk(self, run: Run, ask: Ask[T], *, streamed: bool) -> tuple[T, Attempt]:
        previous: tuple[Provider, Reason] | None = None
        for position, link in enumerate(self.links):
            if previous is not None:
                run.fall_back(previous[0], link.provider, previous[1])
            answer = await self._try(run, link, position, ask, link.breaker.acquire, streamed=streamed)
            if not isinstance(answer, Reason):
                return answer
            run.tried.append(Tried(link.provider.name, answer))
            previous = (link.provider, answer)
        if previous is not None and self._all_open(run):
            position, link = min(enumerate(self.links), key=lambda item: item[1].view.open_until or _NEVER)
            if link.provider is not previous[0]:
                run.fall_back(previous[0], link.provider, Reason.CIRCUIT_OPEN)
            answer = await self._try(run, link, position, ask, link.breaker.force, streamed=streamed)
            if not isinstance(answer, Reason):
                return answer
            run.tried.append(Tried(link.provider.name, answer))
        raise self._exhausted(run)

    def _all_open(self, run: Run) -> bool:
        return (
            self.config.choices.all_open is AllOpen.PROBE
            and run.attempts == 0
            and all(step.reason is Reason.CIRCUIT_OPEN for step in run.tried)
        )

    async def _try(
        self, run: Run, link: Link, position: int, ask: Ask[T], acquire: Acquire, *, streamed: bool
    ) -> tuple[T, Attempt] | Reason:
        """One provider, tried until it answers or it is time to move on; then the reason."""
        limits = self.config.deadline
        limit_s = limits.first_token_s if streamed else limits.attempt_s
        reason: Reason | None = None
        number = 0
        while True:
            number += 1
            no_place = await self._place(run, link, position, limit_s)
            if no_place is not None:
                return reason or no_place
            permit = acquire(run.request_id)
            if isinstance(permit, Rejection):
                link.leave()
                # A probe may be back at any moment; an OPEN circuit tells its time.
                run.come_back(permit.retry_at if permit.state is State.OPEN else self._clock() + SOON_S)
                return reason or Reason.CIRCUIT_OPEN
            attempt = Attempt(run, link, permit, number=number, position=position, streamed=streamed)
            attempt.ends_at = self._ends_at(run, position, limit_s)
            answer = await self._attempt(attempt, ask, limit_s, streamed=streamed)
            if not isinstance(answer, _Failed):
                return answer, attempt
            failure = answer.failure
            link.learn(failure, self._wall())
            delay_s = self._delay_s(attempt, failure, number, self._ends_at(run, position, limit_s))
            attempt.fail(failure, retrying=delay_s is not None, timeout_s=answer.timeout_s)
            if run.over:
                raise self._late(run, link.provider)
            self._raise_if_callers(link.provider, failure)
            if delay_s is None:
                if link.wish_s:
                    run.come_back(self._clock() + link.wish_s)
                return failure.reason
            reason = failure.reason
            await self._wait(run, delay_s)

    async def _place(self, run: Run, link: Link, position: int, limit_s: float) -> Reason | None:
        """Take a place at the provider, once its wish allows; the reason if there is none in time."""
        while True:
            if not await self._admitted(run, link, position):
                return Reason.RATE_LIMITED
            if not await link.enter(self._ends_at(run, position, limit_s)):
                if run.over:
                    raise self._late(run, link.provider)
                run.come_back(self._clock() + SOON_S)
                return Reason.OVERLOADED
            if not link.wish_s and not run.over:
                return None
            link.leave()  # the wish was told while this request stood in the queue

    async def _admitted(self, run: Run, link: Link, position: int) -> bool:
        """Wait out the provider's wish to be left alone, where that is the best that is left."""
        while wish_s := link.wish_s:
            elsewhere = any(later.promising_within(wish_s) for later in self.links[position + 1 :])
            if elsewhere or self._clock() + wish_s >= run.deadline:
                run.come_back(self._clock() + wish_s)
                return False
            await self._wait(run, wish_s)
        if run.over:
            raise self._late(run, link.provider)
        return True

    def _ends_at(self, run: Run, position: int, limit_s: float) -> float:
        """When this provider's time is over, on the loop's clock: the next one's share of the rest is set aside."""
        now = self._clock()
        left_s = run.deadline - now
        if self._healthy_after(position):
            left_s -= min(limit_s, left_s / 2)
        return now + left_s

    async def _attempt(self, attempt: Attempt, ask: Ask[T], limit_s: float, *, streamed: bool) -> "T | _Failed":
        granted_s = attempt.may_take_s(limit_s)
        try:
            with CancelScope(deadline=attempt.started + granted_s) as attempt.timer:
                return await ask(attempt)
        except ProviderError as exc:
            return _Failed(exc.failure)
        except BaseException:
            attempt.cancel()
            raise
        return self._timed_out(attempt, granted_s, limit_s, streamed=streamed)

    def _timed_out(self, attempt: Attempt, granted_s: float, limit_s: float, *, streamed: bool) -> "_Failed":
        began = attempt.ttft_s is not None
        if began and self._clock() < attempt.ends_at - SLACK_S:
            return _Failed(Failure(Reason.STREAM_STALLED), self.config.deadline.stall_s)
        if began:  # it went on and on
            granted_s = attempt.ends_at - attempt.started
        if granted_s < min(limit_s, self.config.deadline.request_s) / 2:
            return _Failed(Failure(Reason.DEADLINE))  # it had too little time to prove anything
        return _Failed(Failure(Reason.FIRST_TOKEN_TIMEOUT if streamed and not began else Reason.TIMEOUT), granted_s)

    def _delay_s(self, attempt: Attempt, failure: Failure, number: int, ends_at: float) -> float | None:
        """Seconds until the same provider is tried again; None to move on, or if its time is over before."""
        treat = treatment(failure)
        if not treat.retry or number > self.config.retry.max_retries or attempt.opens_circuit():
            return None
        if treat.patient and self._healthy_after(attempt.position):
            return None
        delay_s = max(backoff_delay_s(self.config.retry, number, self._rng), failure.retry_after_s or 0.0)
        return delay_s if self._clock() + delay_s < ends_at else None

    async def _wait(self, run: Run, delay_s: float) -> None:
        run.wasted_s += delay_s
        await asyncio.sleep(delay_s)

    def _healthy_after(self, position: int) -> bool:
        return any(link.promising for link in self.links[position + 1 :])

    def _raise_if_callers(self, provider: Provider, failure: Failure) -> None:
        treat = treatment(failure)
        if treat.retry or treat.fall_back:
            return
        if failure.reason is Reason.CONTENT_FILTER and self.config.choices.filter_falls_back:
            return
        status = f" ({failure.http_status})" if failure.http_status else ""
        raise RequestError(f"{provider.name} refused the request: {failure.reason}{status}", reason=failure.reason)

    def _late(self, run: Run, provider: Provider) -> DeadlineExceededError:
        tried = [*run.tried, Tried(provider.name, Reason.DEADLINE)]
        message = f"no answer within {self.config.deadline.request_s:g} s"
        return DeadlineExceededError(message, request_id=run.request_id, tried=tried)

    def _exhausted(self, run: Run) -> ProvidersExhaustedError:
        left_out = [Tried(p.name, Reason.MISSING_API_KEY) for p in self.config.providers if not p.usable]
        tried = (*run.tried, *left_out)
        self._emit(ProvidersExhausted(request_id=run.request_id, tried=tried))
        retry_after_s = max(0.0, run.retry_at - self._clock()) if run.retry_at is not None else None
        return ProvidersExhaustedError(request_id=run.request_id, tried=tried, retry_after_s=retry_after_s)

    def _emit(self, event: Event) -> None:
        with suppress(Exception):  # a listener's fault is not the caller's
            self._listener(event)
