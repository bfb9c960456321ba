"""A streamed answer after its first content: what the caller iterates, and how it ends."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Self

from anyio import CancelScope

from resilience.chat import Delta, Grounding
from resilience.errors import (
    DeadlineExceededError,
    Failure,
    ProviderError,
    RequestError,
    StreamBrokenError,
    UnansweredError,
)
from resilience.events import Reason, RequestStatus, Tried
from resilience.passage import Passage
from resilience.run import Attempt, Run


@dataclass(slots=True)
class Opened:
    """A stream whose first content is here: the deltas so far, and the rest; None if nothing is left to come."""

    head: list[Delta]
    rest: AsyncGenerator[Delta] | None


async def open_live(deltas: AsyncGenerator[Delta], attempt: Attempt) -> Opened:
    """Read until the first content, or the end of an empty answer. Raises ProviderError."""
    head: list[Delta] = []
    async for delta in deltas:
        head.append(delta)
        attempt.note(delta)
        if attempt.ttft_s is not None:
            return Opened(head, deltas)
    raise ProviderError(Failure(Reason.STREAM_INTERRUPTED))


async def open_safe(deltas: AsyncGenerator[Delta], attempt: Attempt, stall_s: float) -> Opened:
    """Read the whole answer; `stall_s` is allowed between pieces. Raises ProviderError."""
    head: list[Delta] = []
    async for delta in deltas:
        head.append(delta)
        attempt.note(delta)
        if attempt.ttft_s is not None:
            attempt.may_take_s(stall_s)
    attempt.succeed(next((delta.model for delta in head if delta.model), attempt.provider.model))
    return Opened(head, None)


class Stream:
    """Deltas of one answer, from one provider. `model` is the provider's own word once it has said it.

    passage: through which each delta goes; grounding: of an answer that has been verified already.
    """

    def __init__(
        self,
        run: Run,
        attempt: Attempt,
        opened: Opened,
        stall_s: float,
        passage: Passage | None = None,
        grounding: Grounding | None = None,
    ) -> None:
        self.grounding = grounding
        self.provider = attempt.provider.name
        self.model = next((d.model for d in opened.head if d.model), attempt.provider.model)
        self.request_id = run.request_id
        self.attempts = run.attempts
        self.fallbacks = run.fallbacks
        self._run = run
        self._attempt = attempt
        self._head = opened.head[::-1]
        self._rest = opened.rest
        self._stall_s = stall_s
        self._passage = passage
        self._answered = False  # by the provider
        self._finished = False  # for the caller
        self._fault: UnansweredError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delta:
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        if self._run.ended:
            raise StopAsyncIteration
        try:
            delta = self._head.pop() if self._head else await self._next()
        except UnansweredError as exc:
            if self._passage is not None and (held := self._passage.held()):
                self._fault = exc  # after the last of the text
                return Delta(held)
            raise
        self._answered = self._answered or delta.finish_reason is not None
        if self._passage is not None:
            delta = await self._passed(self._passage, delta)
        self._finished = self._finished or delta.finish_reason is not None
        return delta

    async def _passed(self, passage: Passage, delta: Delta) -> Delta:
        try:
            return await passage.piece(delta)
        except DeadlineExceededError as exc:
            self._run.charge(exc)
            self._run.end(RequestStatus.DEADLINE, Reason.DEADLINE)
            raise

    async def aclose(self) -> None:
        """Let go of the provider. A stream whose answer had not ended counts as cancelled."""
        if self._answered:  # the reader needed no more than the answer's end
            self._attempt.succeed(self.model)
        self._attempt.cancel()
        await self._looked_at()
        if self._finished:
            self._run.end(RequestStatus.SUCCESS)
        self._run.end(RequestStatus.CANCELLED, Reason.CANCELLED)
        if self._rest is not None:
            await self._rest.aclose()

    async def _looked_at(self) -> None:
        if self._passage is not None:
            await self._passage.ended()

    async def _next(self) -> Delta:
        if self._rest is None:
            await self._looked_at()
            self._run.end(RequestStatus.SUCCESS)
            raise StopAsyncIteration
        now = self._run.clock()
        limit_s = min(self._stall_s, self._run.deadline - now)
        delta: Delta | None = None
        try:
            with CancelScope(deadline=now + limit_s):
                delta = await anext(self._rest)
        except StopAsyncIteration:
            self._attempt.succeed(self.model)
            await self._looked_at()
            self._run.end(RequestStatus.SUCCESS)
            raise
        except ProviderError as exc:
            raise await self._broken(exc.failure) from exc
        except BaseException:
            self._attempt.cancel()
            raise
        if delta is None:
            if limit_s < self._stall_s:
                raise await self._broken(Failure(Reason.DEADLINE))
            raise await self._broken(Failure(Reason.STREAM_STALLED), timeout_s=limit_s)
        self._attempt.note(delta)
        return delta

    async def _broken(self, failure: Failure, timeout_s: float | None = None) -> UnansweredError:
        self._attempt.fail(failure, retrying=False, timeout_s=timeout_s)
        await self._looked_at()
        tried = [*self._run.tried, Tried(self.provider, failure.reason)]
        request_id = self._run.request_id
        exc: UnansweredError
        match failure.reason:
            case Reason.CONTENT_FILTER:
                status = RequestStatus.REJECTED
                message = f"{self.provider} refused the content after its first pieces"
                exc = RequestError(message, reason=failure.reason)
            case Reason.DEADLINE:
                status = RequestStatus.DEADLINE
                exc = DeadlineExceededError("the answer was not whole in time", request_id=request_id, tried=tried)
            case _:
                status = RequestStatus.ERROR
                message = f"{self.provider}'s answer broke off: {failure.reason}"
                exc = StreamBrokenError(message, request_id=request_id, tried=tried)
        self._run.charge(exc)
        self._run.end(status, failure.reason)
        return exc
