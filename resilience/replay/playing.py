"""The real client over a log's requests, on virtual time: providers answer as they did, or as a draw says."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from resilience.attempt import Caller
from resilience.breaker import Kept
from resilience.chat import ChatRequest, Completion, Delta, Message
from resilience.client import Client
from resilience.config import Config, Provider
from resilience.errors import ProviderError, ResilienceError
from resilience.events import (
    Cause,
    CircuitChanged,
    ConfigChanged,
    Event,
    RequestFinished,
    RequestStatus,
)
from resilience.policy import DeadlinePolicy
from resilience.replay.asked import OPENED, Asked, Past, Told, limit_of
from resilience.replay.drawing import CALLERS_FAULTS, ENDLESS_S, SILENCES, Calls, Draw, Fate, Source, fate
from resilience.simulator.virtual import VirtualLoop


@dataclass(frozen=True, slots=True)
class Played:
    """One possible past. ends: how the requests ended, by arrival; calls: how many outcomes came from where."""

    ends: tuple[RequestFinished, ...]
    openings: int
    calls: Mapping[Source, int]


def play_again(past: Past, changes: Mapping[str, str], order: Sequence[str], seed: str) -> Played:
    """The past under these settings (by variable, as text) and this order; empty ones leave it as it was.

    Raises: ReplayError for settings that break a rule.
    """
    if not past.requests:
        return Played((), 0, {})
    configs = _configs(past, changes, order)
    draw = Draw({name: Calls(told) for name, told in past.attempts.items()}, seed)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_Replay(past, configs, draw, seed).run())


def _configs(past: Past, changes: Mapping[str, str], order: Sequence[str]) -> list[Config]:
    """At the beginning, and after each change of settings."""
    in_force = past.in_force
    configs = [in_force.under(changes, order).config()]
    for _, event in past.deeds:
        if isinstance(event, ConfigChanged):
            in_force = in_force.after(event)
            configs.append(replace(in_force.under(changes, order).config(), version=len(configs) + 1))
    return configs


class _Script:
    """One request as it is played: what is left of what happened to it."""

    __slots__ = ("_last", "_made", "asked", "limits")

    def __init__(self, asked: Asked, limits: DeadlinePolicy) -> None:
        self.asked = asked
        self.limits = limits
        self._made: Counter[str] = Counter()
        self._last: Told | None = None

    def next(self, provider: str) -> Told | None:
        """What happened at its next call of this provider, None if there was none."""
        told = self.asked.attempts.get(provider, ())
        number = self._made[provider]
        self._made[provider] += 1
        self._last = told[number] if number < len(told) else None
        return self._last

    @property
    def fault(self) -> Told | None:
        """The attempt that showed the request itself at fault."""
        if self.asked.end.status is not RequestStatus.REJECTED:
            return None
        told = [call for calls in self.asked.attempts.values() for call in calls if call.failure is not None]
        return next((call for call in told if call.failure and call.failure.reason in CALLERS_FAULTS), None)

    @property
    def wait(self) -> float | None:
        """The wait after its last call, as a share of the longest one."""
        return self._last.wait if self._last is not None else None


_SCRIPT: ContextVar[_Script] = ContextVar("script")


class _Waits(random.Random):
    """Waits between attempts as they were, where there was one."""

    def uniform(self, a: float, b: float) -> float:
        script = _SCRIPT.get(None)
        share = script.wait if script is not None else None
        return a + (b - a) * (self.random() if share is None else share)


class _Recorded(Caller):
    """A caller that answers from the log."""

    def __init__(self, answer: Callable[[str, bool], Fate]) -> None:
        self._answer = answer

    def _pace_s(self) -> float:
        return _SCRIPT.get().limits.stall_s / 2

    def pools(self) -> list[object]:  # type: ignore[override]
        """None: nothing is connected."""
        return []

    async def aclose(self) -> None:
        """Nothing to close."""

    async def complete(
        self,
        provider: Provider,
        request: ChatRequest,  # noqa: ARG002 (the caller's signature, as below)
        note: Callable[[Delta], None],  # noqa: ARG002
    ) -> Completion:
        """The answer that the log or the draw gives. Raises ProviderError."""
        found = self._answer(provider.name, False)
        await asyncio.sleep(ENDLESS_S if found.silent else found.seconds)
        if found.failure is not None:
            raise ProviderError(found.failure)
        return Completion("", provider.model, "stop")

    async def stream(self, provider: Provider, request: ChatRequest) -> AsyncGenerator[Delta]:  # noqa: ARG002
        """Likewise, in two pieces and an end. Raises ProviderError."""
        found = self._answer(provider.name, True)
        ttft_s = found.ttft_s
        if ttft_s is None and found.failure is None and not found.silent:
            ttft_s = found.seconds  # it was not streamed then: nothing says when it began
        passed_s = 0.0
        if ttft_s is not None:
            await asyncio.sleep(ttft_s)
            yield Delta(text=".")
            passed_s = ttft_s
            while passed_s + self._pace_s() < found.seconds:  # no pause is long enough to count as a stall
                await asyncio.sleep(self._pace_s())
                yield Delta(text=".")
                passed_s += self._pace_s()
        if found.seconds > passed_s:
            await asyncio.sleep(found.seconds - passed_s)
        if found.silent:
            if ttft_s is not None and found.seconds > passed_s:
                yield Delta(text=".")
            await asyncio.sleep(ENDLESS_S)
        if found.failure is not None:
            raise ProviderError(found.failure)
        yield Delta(finish_reason="stop", model=provider.model)


class _Client(Client):
    """The client, over a log in the place of a network."""

    recorded: _Recorded

    def _calling(self, *_: object) -> Caller:
        return self.recorded


class _Replay:
    """One play of one past on the running virtual loop."""

    def __init__(self, past: Past, configs: list[Config], draw: Draw, seed: str) -> None:
        self._past = past
        self._configs = configs
        self._draw = draw
        self._start_s = min(past.requests[0].at_s, *(at_s for at_s, _ in past.deeds), past.requests[0].at_s)
        self._ends: dict[str, RequestFinished] = {}
        self._calls: Counter[Source] = Counter()
        self._openings = 0
        self._client = _Client(configs[0], self._emit, rng=_Waits(f"{seed}:waits"), wall=self._wall)
        self._client.recorded = _Recorded(self._answer)

    async def run(self) -> Played:
        """All requests and deeds at their times."""
        async with self._client as client:
            for event in self._past.open_circuits:
                self._go_on_with(event)
            coming = [(at_s, 0, event) for at_s, event in self._past.deeds]
            steps: list[tuple[float, int, Asked | ConfigChanged | CircuitChanged]] = [
                *coming,
                *((asked.at_s, 1, asked) for asked in self._past.requests),
            ]
            steps.sort(key=lambda step: step[:2])
            later = iter(self._configs[1:])
            loop = asyncio.get_running_loop()
            async with asyncio.TaskGroup() as callers:
                for at_s, _, step in steps:
                    await asyncio.sleep(at_s - self._start_s - loop.time())
                    match step:
                        case Asked():
                            callers.create_task(self._ask(step))
                        case ConfigChanged():
                            client.adopt(next(later))
                        case CircuitChanged():
                            self._act(step)
        ends = tuple(self._ends[asked.request_id] for asked in self._past.requests if asked.request_id in self._ends)
        return Played(ends, self._openings, self._calls)

    def _wall(self) -> float:
        return self._start_s + asyncio.get_running_loop().time()

    def _emit(self, event: Event) -> None:
        match event:
            case RequestFinished():
                self._ends[event.request_id] = event
            case CircuitChanged() if event.cause in OPENED:
                self._openings += 1

    async def _ask(self, asked: Asked) -> None:
        _SCRIPT.set(_Script(asked, self._client.config.deadline))
        left_s = asked.end.total_ms / 1000 if asked.end.status is RequestStatus.CANCELLED else None
        with suppress(ResilienceError, TimeoutError):
            async with asyncio.timeout(left_s):
                if asked.streamed:
                    async with self._client.stream(_REQUEST, request_id=asked.request_id) as stream:
                        async for _ in stream:
                            pass
                else:
                    await self._client.chat(_REQUEST, request_id=asked.request_id)

    def _answer(self, provider: str, streamed: bool) -> Fate:
        script = _SCRIPT.get()
        told = script.next(provider)
        if told is None and script.fault is not None:
            told = script.fault
        if told is None:
            found, source = self._draw.fate(provider, self._wall())
            self._calls[source] += 1
            return found
        if told.limit_s is not None and told.failure is not None and told.failure.reason in SILENCES:
            limit_s = limit_of(told.failure.reason, script.limits, streamed=streamed)
            if limit_s > told.allowed_s:
                self._calls[Source.UNKNOWN] += 1
                return self._draw.longer(provider, told.seconds, limit_s)
        self._calls[Source.HAPPENED] += 1
        return fate(told)

    def _go_on_with(self, event: CircuitChanged) -> None:
        link = self._client.known().get(event.provider)
        if link is None:
            return
        now = datetime.fromtimestamp(self._start_s, UTC)
        isolated = event.cause is Cause.ISOLATED or (event.cause is Cause.ADOPTED and event.actor is not None)
        link.breaker.adopt(Kept(event.open_until or now, event.failures, isolated, now))

    def _act(self, event: CircuitChanged) -> None:
        link = self._client.known().get(event.provider)
        if link is None:
            return
        actor, reason = event.actor or "", event.reason or ""
        match event.cause:
            case Cause.MANUAL_RESET:
                link.breaker.reset(actor, reason)
            case Cause.RELEASED:
                link.breaker.release(actor, reason)
            case Cause.ISOLATED if event.open_until is not None:
                link.breaker.isolate(max(0.0, event.open_until.timestamp() - self._wall()), actor, reason)
            case Cause.ADOPTED:
                self._go_on_with(event)


_REQUEST = ChatRequest((Message("user", "."),))
