"""The chain: one request walks the providers in order until one answers.

    for each provider:  circuit -> [ attempt -> classify -> wait ] ... -> answer, or the next provider

`chat` returns the whole answer, `stream` yields it piece by piece; both take the same walk.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self, TypeVar

import httpx2
from anyio import CancelScope

from resilience.attempt import Caller
from resilience.breaker import Breaker, CircuitView, Emit
from resilience.chain import Chain
from resilience.chat import Answer, ChatRequest, Completion, Delta, Grounding
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
from resilience.passage import Passage
from resilience.policy import GUARDS, AllOpen, StreamMode
from resilience.retry import backoff_delay_s, treatment
from resilience.run import Attempt, Run
from resilience.stream import Opened, Stream, open_live, open_safe

if TYPE_CHECKING:  # loaded only where a guard is on
    from resilience.guards.guarding import Guards

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


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole answer, who gave it, and how far it rests on the request's context."""

    completion: Completion
    attempt: Attempt
    grounding: Grounding | None

    @property
    def opened(self) -> Opened:
        """The same as a stream that has come to its end."""
        done = self.completion
        return Opened([Delta(done.text, model=done.model), Delta("", done.finish_reason, done.usage)], None)


class Client:
    """A provider chain with its circuits. `async with Client(...)`, or `start` and `aclose`.

    emit: gets each event, must not block; what it raises is dropped. transport: replaces the network.
    wall: seconds since the epoch, for the log; all waiting is on the event loop's monotonic clock.
    Providers without a key stay out of the chain. The guards are on, but for config.guards_off.
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
        self._live = Chain(config)
        self._known: dict[str, Link] = {}  # by name; also those that have left the order
        self._retiring: dict[asyncio.Task[None], list[httpx2.AsyncClient]] = {}
        self._listener = emit
        self._transport = transport
        self._rng = rng or random.Random()
        self._wall = wall
        self._clock: Callable[[], float] = time.monotonic
        self._longest_s = config.deadline.request_s

    @property
    def longest_deadline_s(self) -> float:
        """The longest deadline that a request of this client can have begun with, in seconds."""
        return self._longest_s

    @property
    def live(self) -> Chain:
        """The chain that the next request will take."""
        return self._live

    @property
    def config(self) -> Config:
        """Its settings."""
        return self._live.config

    @property
    def chain(self) -> tuple[Provider, ...]:
        """Its providers that can be called, in order."""
        return self._live.providers

    @property
    def links(self) -> tuple[Link, ...]:
        """Their links; none before the start."""
        return self._live.links

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Bind to the running loop and say in the log which providers are there."""
        self._clock = asyncio.get_running_loop().time
        self._known.clear()
        self._live = self._made(self.config, None)
        self.announce()

    def announce(self) -> None:
        """Say in the log which providers are there, the primary first."""
        for position, provider in enumerate(self.chain):
            self._emit(ProviderInitialized(provider=provider.name, model=provider.model, primary=position == 0))
        self._emit(ProvidersInitialized(order=tuple(provider.name for provider in self.chain)))

    def adopt(self, config: Config) -> None:
        """From the next request on, serve under these settings; requests under way keep theirs.

        Circuits live on by provider name, also of those that leave the order and come back. On the client's loop;
        says nothing in the log.
        """
        self._longest_s = max(self._longest_s, config.deadline.request_s)
        before = self._live
        if before.caller is None:  # not started yet
            self._live = Chain(config)
            return
        after = self._made(config, before.caller)
        self._live = after
        assert after.caller is not None  # noqa: S101 (just made)
        still = after.caller.pools()
        left = [pool for pool in before.caller.pools() if pool not in still]
        if left:
            task = asyncio.create_task(self._close(left, before.config.deadline.request_s + SOON_S))
            self._retiring[task] = left

    def _made(self, config: Config, before: Caller | None) -> Chain:
        providers = Chain(config).providers
        for link in self._known.values():
            link.breaker.obey(config.circuit)
        for provider in providers:
            known = self._known.get(provider.name)
            self._known[provider.name] = known.renewed(provider, config.load) if known else self._link(provider, config)
        caller = self._calling(providers, config, before)
        links = tuple(self._known[provider.name] for provider in providers)
        return Chain(config, links, caller, self._guarding(config))

    def _guarding(self, config: Config) -> "Guards | None":
        if config.guards_off.issuperset(GUARDS):
            return None
        before = self._live
        if before.guards is not None and (before.config.guards, before.config.guards_off) == (
            config.guards,
            config.guards_off,
        ):
            return before.guards
        from resilience.guards.guarding import Guards

        return Guards(config.guards, config.guards_off)

    def _calling(self, providers: tuple[Provider, ...], config: Config, before: Caller | None) -> Caller:
        # A replay (replay/playing.py) answers from a log instead.
        return Caller(providers, self._transport, config.deadline.connect_s, before)

    def _link(self, provider: Provider, config: Config) -> Link:
        breaker = Breaker(provider.name, config.circuit, self._emit, self._clock, self._wall)
        return Link(provider, breaker, config.load, self._clock)

    async def _close(self, pools: list[httpx2.AsyncClient], after_s: float) -> None:
        await asyncio.sleep(after_s)  # every request that could use them has ended
        for pool in pools:
            await pool.aclose()
        self._retiring = {task: left for task, left in self._retiring.items() if left is not pools}

    async def aclose(self) -> None:
        """Close the connections; requests under way fail."""
        retiring, self._retiring = self._retiring, {}
        for task in retiring:
            task.cancel()
        await asyncio.gather(*retiring, return_exceptions=True)
        for pools in retiring.values():
            for pool in pools:
                await pool.aclose()
        live, self._live = self._live, Chain(self.config, self.links, guards=self._live.guards)
        if live.caller is not None:
            await live.caller.aclose()

    def circuits(self) -> tuple[CircuitView, ...]:
        """Each circuit as it is now, in the order of the chain."""
        return tuple(link.view for link in self.links)

    def known(self) -> Mapping[str, Link]:
        """The links of all providers that this client has had in its chain, by name."""
        return self._known

    async def chat(self, request: ChatRequest, *, request_id: str | None = None) -> Answer:
        """The whole answer of the first provider that gives one.

        Raises: ProvidersExhaustedError, DeadlineExceededError; RequestError if the request itself is at fault,
        BlockedError if a guard stopped it; UngroundedError if the answer is not borne out by the request's context.
        """
        run = self._begin(request_id)
        _started(run.chain)
        with run.ending():
            whole = await self._whole(run, await Passage.opened(run, request, run.chain.guards))
        return Answer(
            whole.completion,
            whole.attempt.provider.name,
            run.request_id,
            run.attempts,
            run.fallbacks,
            run.total_ms,
            whole.grounding,
        )

    def stream(self, request: ChatRequest, *, request_id: str | None = None) -> AbstractAsyncContextManager[Stream]:
        """The answer piece by piece: `async with client.stream(...) as stream: async for delta in stream`.

        Entering returns once the first content is here, so until then the chain falls back freely. Raises like
        `chat`; a stream that breaks off later raises StreamBrokenError.
        """
        return self._stream(request, request_id)

    @asynccontextmanager
    async def _stream(self, request: ChatRequest, request_id: str | None) -> AsyncIterator[Stream]:
        run = self._begin(request_id)
        caller = _started(run.chain)
        stall_s = run.chain.config.deadline.stall_s
        safe = run.chain.config.choices.stream_mode is StreamMode.SAFE
        with run.ending():
            passage = await Passage.opened(run, request, run.chain.guards)

            async def ask(attempt: Attempt) -> Opened:
                deltas = caller.stream(attempt.provider, passage.request)
                return await (open_safe(deltas, attempt, stall_s) if safe else open_live(deltas, attempt))

            if passage.contract:  # verified before the caller sees any of it, in either mode
                whole = await self._whole(run, passage)
                stream = Stream(run, whole.attempt, whole.opened, stall_s, grounding=whole.grounding)
            else:
                opened, attempt = await self._walk(run, ask, streamed=True)
                stream = Stream(run, attempt, opened, stall_s, passage)
            async with aclosing(stream):
                yield stream

    async def _whole(self, run: Run, passage: Passage) -> "_Whole":
        """The passage's answer, not streamed; an answer that breaks the grounding contract is asked for again."""
        caller = _started(run.chain)
        last: tuple[Completion, Attempt] | None = None

        async def ask(request: ChatRequest) -> str:
            nonlocal last

            async def call(attempt: Attempt) -> Completion:
                return await caller.complete(attempt.provider, request, attempt.note)

            completion, attempt = last = await self._walk(run, call, streamed=False)
            attempt.usage = completion.usage
            attempt.succeed(completion.model)
            return completion.text

        text, grounding = await passage.verified(ask)
        assert last is not None  # noqa: S101 (verified has asked)
        return _Whole(replace(last[0], text=text), last[1], grounding)

    def _begin(self, request_id: str | None) -> Run:
        now = self._clock()
        chain = self._live  # once: whatever is changed from here on is for the requests to come
        return Run(
            request_id=request_id or secrets.token_hex(8),
            emit=self._emit,
            clock=self._clock,
            started=now,
            deadline=now + chain.config.deadline.request_s,
            chain=chain,
        )

    async def _walk(self, run: Run, ask: Ask[T], *, streamed: bool) -> tuple[T, Attempt]:
        previous: tuple[Provider, Reason] | None = None
        links = run.chain.links
        for position, link in enumerate(links):
            if previous is not None:
                run.fall_back(previous[0], link.provider, previous[1])
            answer = await self._try(run, link, position, ask, link.breaker.acquire, streamed=streamed)
            if not isinstance(answer, Reason):
                return answer
            run.tried.append(Tried(link.provider.name, answer))
            previous = (link.provider, answer)
        if previous is not None and self._all_open(run):
            position, link = min(enumerate(links), key=lambda item: _probed_from(item[1].view))
            if link.provider is not previous[0]:
                run.fall_back(previous[0], link.provider, Reason.CIRCUIT_OPEN)
            answer = await self._try(run, link, position, ask, link.breaker.force, streamed=streamed)
            if not isinstance(answer, Reason):
                return answer
            run.tried.append(Tried(link.provider.name, answer))
        raise self._exhausted(run)

    def _all_open(self, run: Run) -> bool:
        return (
            run.chain.config.choices.all_open is AllOpen.PROBE
            and run.attempts == 0
            and all(step.reason is Reason.CIRCUIT_OPEN for step in run.tried)
        )

    async def _try(
        self, run: Run, link: Link, position: int, ask: Ask[T], acquire: Acquire, *, streamed: bool
    ) -> tuple[T, Attempt] | Reason:
        """One provider, tried until it answers or it is time to move on; then the reason."""
        limits = run.chain.config.deadline
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
            attempt = Attempt(run, link, permit, position=position, streamed=streamed)
            attempt.ends_at = self._ends_at(run, position, limit_s)
            answer = await self._attempt(run, attempt, ask, limit_s, streamed=streamed)
            if not isinstance(answer, _Failed):
                return answer, attempt
            failure = answer.failure
            link.learn(failure, self._wall())
            delay_s = self._delay_s(run, attempt, failure, number, self._ends_at(run, position, limit_s))
            attempt.fail(failure, retrying=delay_s is not None, timeout_s=answer.timeout_s)
            if run.over:
                raise self._late(run, link.provider)
            self._raise_if_callers(run, link.provider, failure)
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
            elsewhere = any(later.promising_within(wish_s) for later in run.chain.links[position + 1 :])
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
        if _healthy_after(run, position):
            left_s -= min(limit_s, left_s / 2)
        return now + left_s

    async def _attempt(
        self, run: Run, attempt: Attempt, ask: Ask[T], limit_s: float, *, streamed: bool
    ) -> "T | _Failed":
        granted_s = attempt.may_take_s(limit_s)
        try:
            with CancelScope(deadline=attempt.started + granted_s) as attempt.timer:
                return await ask(attempt)
        except ProviderError as exc:
            return _Failed(exc.failure)
        except BaseException:
            attempt.cancel()
            raise
        return self._timed_out(run, attempt, granted_s, limit_s, streamed=streamed)

    def _timed_out(self, run: Run, attempt: Attempt, granted_s: float, limit_s: float, *, streamed: bool) -> "_Failed":
        limits = run.chain.config.deadline
        began = attempt.ttft_s is not None
        if began and self._clock() < attempt.ends_at - SLACK_S:
            return _Failed(Failure(Reason.STREAM_STALLED), limits.stall_s)
        if began:  # it went on and on
            granted_s = attempt.ends_at - attempt.started
        if granted_s < min(limit_s, limits.request_s) / 2:
            return _Failed(Failure(Reason.DEADLINE))  # it had too little time to prove anything
        return _Failed(Failure(Reason.FIRST_TOKEN_TIMEOUT if streamed and not began else Reason.TIMEOUT), granted_s)

    def _delay_s(self, run: Run, attempt: Attempt, failure: Failure, number: int, ends_at: float) -> float | None:
        """Seconds until the same provider is tried again; None to move on, or if its time is over before."""
        treat = treatment(failure)
        retry = run.chain.config.retry
        if not treat.retry or number > retry.max_retries or attempt.opens_circuit():
            return None
        if treat.patient and _healthy_after(run, attempt.position):
            return None
        delay_s = max(backoff_delay_s(retry, number, self._rng), failure.retry_after_s or 0.0)
        return delay_s if self._clock() + delay_s < ends_at else None

    async def _wait(self, run: Run, delay_s: float) -> None:
        run.wasted_s += delay_s
        await asyncio.sleep(delay_s)

    def _raise_if_callers(self, run: Run, provider: Provider, failure: Failure) -> None:
        treat = treatment(failure)
        if treat.retry or treat.fall_back:
            return
        if failure.reason is Reason.CONTENT_FILTER and run.chain.config.choices.filter_falls_back:
            return
        status = f" ({failure.http_status})" if failure.http_status else ""
        raise RequestError(f"{provider.name} refused the request: {failure.reason}{status}", reason=failure.reason)

    def _late(self, run: Run, provider: Provider) -> DeadlineExceededError:
        tried = [*run.tried, Tried(provider.name, Reason.DEADLINE)]
        message = f"no answer within {run.chain.config.deadline.request_s:g} s"
        return DeadlineExceededError(message, request_id=run.request_id, tried=tried)

    def _exhausted(self, run: Run) -> ProvidersExhaustedError:
        left_out = [Tried(p.name, Reason.MISSING_API_KEY) for p in run.chain.config.providers if not p.usable]
        tried = (*run.tried, *left_out)
        self._emit(ProvidersExhausted(request_id=run.request_id, tried=tried))
        retry_after_s = max(0.0, run.retry_at - self._clock()) if run.retry_at is not None else None
        return ProvidersExhaustedError(request_id=run.request_id, tried=tried, retry_after_s=retry_after_s)

    def _emit(self, event: Event) -> None:
        with suppress(Exception):  # a listener's fault is not the caller's
            self._listener(event)


def _started(chain: Chain) -> Caller:
    if chain.caller is None:
        raise RuntimeError("the client is not started: use `async with Client(...)`")
    return chain.caller


def _healthy_after(run: Run, position: int) -> bool:
    return any(link.promising for link in run.chain.links[position + 1 :])


def _probed_from(view: CircuitView) -> datetime:
    """When a circuit may be probed; one that somebody holds open comes last, and will refuse."""
    return _NEVER if view.isolated else view.open_until or _NEVER
