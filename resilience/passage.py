"""One request's way through the guards, on the event loop: their time is counted, what they did goes into the log.

Long texts are looked at in a thread (the matcher lets others run meanwhile), so no request holds up the others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from resilience.chat import ChatRequest, Delta, Grounding
from resilience.errors import BlockedError, UngroundedError
from resilience.guards.sources import with_sources
from resilience.policy import OnUngrounded
from resilience.run import Run

if TYPE_CHECKING:  # the guards' libraries are loaded only where a guard is on
    from resilience.guards.guarding import Guarded, Guards, Trigger

T = TypeVar("T")
P = ParamSpec("P")
Ask = Callable[[ChatRequest], Awaitable[str]]

INLINE_CHARACTERS = 4_000
"""A text up to this long is looked at on the loop: a few milliseconds, about what a thread's turn would cost."""


class Passage:
    """What a request has of its guards; without guards everything passes as it is.

    request: what is sent; contract: the answer has to be verified as a whole before the caller sees any of it.
    """

    def __init__(self, run: Run, asked: ChatRequest, guarded: "Guarded | None" = None) -> None:
        self.request = with_sources(asked, contract=False) if guarded is None else guarded.sent
        self.contract = guarded is not None and guarded.contract
        self._run = run
        self._guarded = guarded
        self._restorer = None if guarded is None else guarded.restorer()
        self._pieces: list[str] = []

    @classmethod
    async def opened(cls, run: Run, asked: ChatRequest, guards: "Guards | None") -> "Passage":
        """The way of a request that may leave. Raises BlockedError, and RequestError for a text that is too long."""
        if guards is None:
            return cls(run, asked)
        guarded = await _timed(run, length_of(asked), guards.opened, asked)
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
        """A piece of a streamed answer, restored; a placeholder that is not whole yet waits for the next piece."""
        guarded = self._guarded
        if guarded is None:
            return delta
        self._pieces.append(delta.text)
        text = delta.text if self._restorer is None else self._restorer.feed(delta.text)
        if delta.finish_reason is not None:
            text += "" if self._restorer is None else self._restorer.end()
            await self._look("".join(self._pieces))
            self._pieces.clear()
        return replace(delta, text=text)

    async def _grounded(self, guarded: "Guarded", text: str, ask: Ask) -> tuple[str, Grounding | None]:
        from resilience.guards.guarding import kinds_of, ungrounded

        found, issues = await self._timed(len(text), guarded.verified, text)
        if issues:
            self._tell([ungrounded(issues, final=False)])
            text = await ask(guarded.corrected(text, issues))
            found, issues = await self._timed(len(text), guarded.verified, text)
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

    async def _look(self, answer: str) -> None:
        assert self._guarded is not None  # noqa: S101 (for mypy; its callers have asked)
        self._tell(await self._timed(len(answer), self._guarded.seen, answer))

    def _tell(self, triggers: "list[Trigger]") -> None:
        for trigger in triggers:
            self._run.emit(trigger.event(self._run.request_id))

    async def _timed(self, length: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await _timed(self._run, length, call, *args, **kwargs)


def length_of(request: ChatRequest) -> int:
    """Characters that the guards have to look at."""
    return sum(len(m.content) for m in request.messages) + sum(len(c.text) for c in request.context)


async def _timed(run: Run, length: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    began = run.clock()
    try:
        if length <= INLINE_CHARACTERS:
            return call(*args, **kwargs)
        return await asyncio.to_thread(call, *args, **kwargs)
    finally:
        run.guard_s = (run.guard_s or 0.0) + run.clock() - began
