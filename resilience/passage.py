"""One request's way through the guards, on the event loop: their time is counted, what they did goes into the log.

Long texts are looked at in a thread (the matcher lets others run meanwhile), so no request holds up the others. The request's
deadline holds meanwhile: the thread comes to its end by itself, its result is dropped.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from anyio import CancelScope

from resilience.chat import ChatRequest, Delta, Grounding
from resilience.errors import BlockedError, DeadlineExceededError, UngroundedError
from resilience.guards.sources import with_sources
from resilience.policy import OnUngrounded
from resilience.run import Run

if TYPE_CHECKING:  # the guards' libraries are loaded only where a guard is on
    from resilience.guards.guarding import Guarded, Guards, Trigger
    from resilience.guards.vault import Restorer

T = TypeVar("T")
P = ParamSpec("P")
Ask = Callable[[ChatRequest], Awaitable[str]]

INLINE_CHARACTERS = 4_000
"""A text up to this long is looked at on the loop: a few milliseconds, about what a thread's turn would cost."""

LAST_LOOK_S = 1.0
"""How long a stream that broke off is looked at: its end is not to wait for a report."""

# Of their own: the loop's threads write the control API's files, which must not queue behind anybody's long text.
_THREADS = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="guards")


class Passage:
    """What a request has of its guards; without guards everything passes as it is.

    request: what is sent; contract: the answer has to be verified as a whole before the caller sees any of it.
    """

    def __init__(self, run: Run, asked: ChatRequest, guarded: "Guarded | None" = None) -> None:
        self.request = with_sources(asked, contract=False) if guarded is None else guarded.sent
        self.contract = guarded is not None and guarded.contract
        self._run = run
        self._guarded = guarded
        self._length = length_of(asked)
        self._restorer: Restorer | None = None
        self._streaming = self._finished = False
        self._pieces: list[str] = []  # not looked at yet

    @classmethod
    async def opened(cls, run: Run, asked: ChatRequest, guards: "Guards | None") -> "Passage":
        """The way of a request that may leave. Raises BlockedError, and RequestError for a text that is too long."""
        if guards is None:
            return cls(run, asked)
        guarded = await _timed(run, run.deadline, length_of(asked), guards.opened, asked)
        passage = cls(run, asked, guarded)
        passage._tell(guarded.triggers)
        if guarded.blocked:
            raise BlockedError("the request was stopped by a security rule; its request id tells the operators which")
        return passage

    async def verified(self, ask: Ask) -> tuple[str, Grounding | None]:
        """The text of the answer that `ask` gives, checked, and restored for the caller.

        An answer that breaks the contract is asked for once more. Raises UngroundedError, and what `ask` raises.
        """
        text = await ask(self.request)
        if self._guarded is None:
            return text, None
        if not self.contract:
            return await self._returned(text), None
        return await self._grounded(self._guarded, text, ask)

    async def piece(self, delta: Delta) -> Delta:
        """A piece of a streamed answer, restored; a placeholder that is not whole yet waits for the next piece.

        With the finish reason comes all that waits, and nothing waits after it. Raises DeadlineExceededError.
        """
        guarded = self._guarded
        if guarded is None:
            return delta
        if not self._streaming:
            self._streaming, self._restorer = True, await self._timed(self._length, guarded.restorer)
        self._pieces.append(delta.text)
        text = delta.text
        if self._restorer is not None:
            text = await self._timed(len(text), self._restorer.feed, text)
        if delta.finish_reason is not None:
            self._finished = True
            await self._look("".join(self._pieces))
            self._pieces.clear()
        return replace(delta, text=text + (self.held() if self._finished else ""))

    def held(self) -> str:
        """What of a streamed answer waits for the rest of a placeholder that will not come."""
        return "" if self._restorer is None else self._restorer.end()

    async def ended(self) -> None:
        """A stream is over, however: what the caller has seen of it and no guard yet is reported."""
        if answer := "".join(self._pieces):
            self._pieces.clear()
            with CancelScope(shield=True), suppress(DeadlineExceededError):
                await self._look(answer, until=self._run.clock() + LAST_LOOK_S)

    async def _grounded(self, guarded: "Guarded", text: str, ask: Ask) -> tuple[str, Grounding | None]:
        from resilience.guards.guarding import kinds_of, ungrounded

        found, issues = await self._timed(self._length + len(text), guarded.verified, text)
        if issues:
            self._tell([ungrounded(issues, final=False)])
            text = await ask(guarded.corrected(text, issues))
            found, issues = await self._timed(self._length + len(text), guarded.verified, text)
        if issues:
            final = self._run.chain.config.guards.on_ungrounded is OnUngrounded.ERROR
            self._tell([ungrounded(issues, final=final)])
            if final:
                run = self._run
                raise UngroundedError(request_id=run.request_id, tried=run.tried, issues=kinds_of(issues))
        await self._look(text)
        if found is None:  # passed on by setting, as it came
            return guarded.restored(text), Grounding((), insufficient=False, issues=kinds_of(issues))
        return await self._timed(len(text), guarded.returned, found)

    async def _returned(self, text: str) -> str:
        assert self._guarded is not None  # noqa: S101 (for mypy; its callers have asked)
        await self._look(text)
        return await self._timed(len(text), self._guarded.restored, text)

    async def _look(self, answer: str, until: float | None = None) -> None:
        assert self._guarded is not None  # noqa: S101 (for mypy; its callers have asked)
        # It is compared with what was asked, so that counts too.
        length = self._length + len(answer)
        self._tell(await _timed(self._run, until or self._run.deadline, length, self._guarded.seen, answer))

    def _tell(self, triggers: "list[Trigger]") -> None:
        for trigger in triggers:
            self._run.emit(trigger.event(self._run.request_id))

    async def _timed(self, length: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await _timed(self._run, self._run.deadline, length, call, *args, **kwargs)


def length_of(request: ChatRequest) -> int:
    """Characters that the guards have to look at."""
    texts = (*(m.content for m in request.messages), *(c.text for c in request.context), *request.stop)
    return sum(map(len, texts))


async def _timed(run: Run, until: float, length: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    began = run.clock()
    try:
        if length <= INLINE_CHARACTERS:
            return call(*args, **kwargs)
        with CancelScope(deadline=until):
            return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(call, *args, **kwargs))
        message = "the guards were not done in time"
        raise DeadlineExceededError(message, request_id=run.request_id, tried=run.tried)
    finally:
        run.guard_s = (run.guard_s or 0.0) + run.clock() - began
