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
from typing import Self, TypeVar

import httpx2

from resilience.attempt import Caller
from resilience.breaker import Breaker, CircuitView, Emit
from resilience.chat import Answer, ChatRequest, Completion
from resilience.circuit import Rejection
from resilience.config import Config, Provider
from resilience.errors import (
    DeadlineExceededError,
    Failure,
    ProviderError,
    ProvidersExhaustedError,
    RequestError,
)
from resilience.events import Event, ProviderInitialized, ProvidersExhausted, ProvidersInitialized, Reason, State, Tried
from resilience.retry import backoff_delay_s, treatment
from resilience.run import Attempt, Run
from resilience.stream import Opened, Stream, open_stream

T = TypeVar("T")
Ask = Callable[[Attempt], Awaitable[T]]


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
        self._breakers: dict[str, Breaker] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Bind to the running loop and say in the log which providers are there."""
        self._clock = asyncio.get_running_loop().time
        self._caller = Caller(self._transport, self.config.deadline.connect_s)
        self._breakers = {
            p.name: Breaker(p.name, self.config.circuit, self._emit, self._clock, self._wall) for p in self.chain
        }
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
        return tuple(self._breakers[provider.name].view() for provider in self.chain)

    async def chat(self, request: ChatRequest, *, request_id: str | None = None) -> Answer:
        """The whole answer of the first provider that gives one.

        Raises: ProvidersExhaustedError, DeadlineExceededError; RequestError if the request itself is at fault.
        """
        run = self._begin(request_id)
        caller = self._started()

        async def ask(attempt: Attempt) -> Completion:
            return await caller.complete(attempt.provider, request)

        with run.ending():
            completion, attempt = await self._walk(run, ask, streamed=False)
            attempt.succeed(completion.usage, completion.model)
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

        async def ask(attempt: Attempt) -> Opened:
            return await open_stream(caller.stream(attempt.provider, request), attempt)

        with run.ending():
            opened, attempt = await self._walk(run, ask, streamed=True)
            stream = Stream(run, attempt, opened, stall_s=self.config.deadline.attempt_s)
            async with aclosing(stream):
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
        for position, provider in enumerate(self.chain):
            if previous is not None:
                run.fall_back(previous[0], provider, previous[1])
            answer = await self._try(run, provider, position, ask, streamed=streamed)
            if not isinstance(answer, Reason):
                return answer
            run.tried.append(Tried(provider.name, answer))
            previous = (provider, answer)
        raise self._exhausted(run)

    async def _try(
        self, run: Run, provider: Provider, position: int, ask: Ask[T], *, streamed: bool
    ) -> tuple[T, Attempt] | Reason:
        """One provider, tried until it answers or it is time to move on; then the reason."""
        breaker = self._breakers[provider.name]
        reason = Reason.CIRCUIT_OPEN
        number = 0
        while True:
            number += 1
            if self._clock() >= run.deadline:
                raise self._late(run, provider)
            permit = breaker.acquire(run.request_id)
            if isinstance(permit, Rejection):
                run.retry_at = min(run.retry_at or permit.retry_at, permit.retry_at)
                return reason
            attempt = Attempt(run, provider, breaker, permit, number=number, position=position, streamed=streamed)
            limit_s = min(self.config.deadline.attempt_s, run.deadline - attempt.started)
            timeout_s = None
            try:
                async with asyncio.timeout_at(attempt.started + limit_s):
                    return await ask(attempt), attempt
            except ProviderError as exc:
                failure = exc.failure
            except TimeoutError:
                failure = self._timed_out(limit_s, streamed=streamed)
                timeout_s = limit_s
            except BaseException:
                attempt.cancel()
                raise
            delay_s = self._delay_s(run, attempt, failure, number, position)
            attempt.fail(failure, retrying=delay_s is not None, timeout_s=timeout_s)
            self._raise_if_final(run, provider, failure)
            if delay_s is None:
                return failure.reason
            reason = failure.reason
            run.wasted_s += delay_s
            await asyncio.sleep(delay_s)

    def _timed_out(self, limit_s: float, *, streamed: bool) -> Failure:
        if limit_s < self.config.deadline.attempt_s:
            return Failure(Reason.DEADLINE)
        return Failure(Reason.FIRST_TOKEN_TIMEOUT if streamed else Reason.TIMEOUT)

    def _delay_s(self, run: Run, attempt: Attempt, failure: Failure, number: int, position: int) -> float | None:
        """Seconds until the same provider is tried again; None to move on."""
        treat = treatment(failure)
        if not treat.retry or number > self.config.retry.max_retries or attempt.opens_circuit():
            return None
        if treat.patient and self._healthy_after(position):
            return None
        delay_s = max(backoff_delay_s(self.config.retry, number, self._rng), failure.retry_after_s or 0.0)
        return delay_s if self._clock() + delay_s < run.deadline else None

    def _healthy_after(self, position: int) -> bool:
        return any(
            self._breakers[provider.name].view().state is not State.OPEN for provider in self.chain[position + 1 :]
        )

    def _raise_if_final(self, run: Run, provider: Provider, failure: Failure) -> None:
        if failure.reason is Reason.DEADLINE:
            raise self._late(run, provider)
        treat = treatment(failure)
        if not treat.retry and not treat.fall_back:
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
