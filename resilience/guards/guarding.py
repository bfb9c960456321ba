"""The three guards around one request: what goes out in the place of what was asked, what comes back in return.

    asked -> firewall -> personal data hidden -> context fenced -> [ chain ] -> contract verified -> data restored

Pure and synchronous: events, time and threads are the caller's (resilience/passage.py). docs/security.md says what each
guard does and what it misses.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from resilience.chat import ChatRequest, Chunk, Cite, Grounding, Message, Sentence
from resilience.errors import RequestError
from resilience.events import GuardTriggered
from resilience.guards import grounding, injection, pii
from resilience.guards.custom import Custom, custom
from resilience.guards.findings import Kind
from resilience.guards.issues import Issue
from resilience.guards.sources import with_sources
from resilience.guards.vault import Restorer, Vault
from resilience.policy import GUARDS, GuardPolicy

MOST_CHARACTERS = 1_000_000
"""The most text that one request may bring while a guard is on, for what is not looked at does not leave; the most of an answer."""


_MODEL = re.compile(r"[\w.:/@+()\[\]-]{1,128}")


@dataclass(frozen=True, slots=True)
class Trigger:
    """A guard acted. where: input, context or answer; counts: per kind of finding."""

    guard: str
    action: str
    where: str
    counts: Mapping[str, int]

    def event(self, request_id: str) -> GuardTriggered:
        """As the log says it."""
        return GuardTriggered(
            request_id=request_id, guard=self.guard, action=self.action, counts=self.counts, where=self.where
        )


class Guards:
    """The guards of one configuration that are on. off: names of policy.GUARDS. Raises PolicyError."""

    def __init__(self, policy: GuardPolicy, off: frozenset[str] = frozenset()) -> None:
        self.policy = policy
        self.on = frozenset(GUARDS) - off
        self.custom = custom(policy.patterns)

    def named(self, model: str) -> str:
        """The name that a provider gives its model, as the log may have it.

        It is the provider's text: it may hold what the prompt held, or anything else.
        """
        if "pii" not in self.on:
            return model
        return _redacted_model(model) if _MODEL.fullmatch(model) else "(no model's name)"

    def opened(self, request: ChatRequest) -> "Guarded":
        """What may leave of a request, or that it may not. Raises RequestError if it is longer than can be looked at."""
        length = sum(map(len, texts_of(request)))
        if length > MOST_CHARACTERS:
            rule = f"must be at most {MOST_CHARACTERS} characters together while a guard is on, got {length}"
            raise RequestError(f"messages and context {rule}", param="messages")
        if "pii" in self.on:
            _check_ids(request.context, self.custom)
        return Guarded(self, request)


class Guarded:
    """One request under the guards. sent: what leaves; blocked: it must not; triggers: what the guards did so far."""

    def __init__(self, guards: Guards, asked: ChatRequest) -> None:
        self.triggers: list[Trigger] = []
        self.blocked = False
        self.contract = bool(asked.context) and "grounding" in guards.on
        self._guards = guards
        self._vault = Vault(guards.custom) if "pii" in guards.on else None
        if "injection" in guards.on:
            self._watch(asked)
        self._hidden = asked if self._vault is None else _hidden(asked, self._vault)
        if self._vault is not None and self._vault.counts:
            self.triggers.append(Trigger("pii", "redacted", "input", dict(self._vault.counts)))
        self.sent = with_sources(self._hidden, contract=self.contract)

    def verified(self, text: str) -> tuple[Grounding | None, tuple[Issue, ...]]:
        """How far an answer, as the provider gave it, keeps the contract; None if it cannot be read as one."""
        answer = grounding.parse(text)
        issues = grounding.verify(answer, self._hidden.context)
        if isinstance(answer, grounding.Malformed):
            return None, issues
        return Grounding(answer.sentences, answer.insufficient, kinds_of(issues)), issues

    def corrected(self, text: str, issues: Sequence[Issue]) -> ChatRequest:
        """The request once more, with the answer that broke the contract and what is wrong with it."""
        messages = (*self.sent.messages, Message("assistant", text), Message("user", grounding.said(issues)))
        return replace(self.sent, messages=messages)

    def returned(self, found: Grounding) -> tuple[str, Grounding]:
        """A grounded answer for the caller: as text, and as what each sentence rests on, with the caller's own data."""
        sentences = tuple(
            Sentence(
                self.restored(sentence.text),
                tuple(Cite(cite.id, self.restored(cite.quote)) for cite in sentence.cites),
            )
            for sentence in found.sentences
        )
        return grounding.plain(sentences), replace(found, sentences=sentences)

    def restored(self, text: str) -> str:
        """An answer with the caller's own data back in it."""
        return text if self._vault is None else self._vault.restore(text)

    def restorer(self) -> Restorer | None:
        """The same for an answer that comes in pieces; None if there is nothing to restore."""
        return None if self._vault is None else Restorer(self._vault)

    def seen(self, answer: str) -> list[Trigger]:
        """What the guards say of a whole answer, before it is restored; it is reported, never changed.

        Of an answer made to be dear, the first MOST_CHARACTERS.
        """
        answer = answer[:MOST_CHARACTERS]
        found = []
        if self._vault is not None and (news := self._vault.new_findings(answer)):
            found.append(Trigger("pii", "flagged", "answer", Counter(finding.kind for finding in news)))
        if "injection" in self._guards.on:
            verdict = injection.check(answer)
            if verdict.score >= self._guards.policy.flag_context:
                found.append(Trigger("injection", "flagged", "answer", Counter(verdict.rules)))
        return found

    def _watch(self, asked: ChatRequest) -> None:
        policy = self._guards.policy
        written: Counter[str] = Counter()
        worst = 0.0
        for message in asked.messages:
            if message.role == "user":
                verdict = injection.check(message.content)
                if verdict.score >= min(policy.flag_input, policy.block_input):
                    written.update(verdict.rules)
                    worst = max(worst, verdict.score)
        self.blocked = worst >= policy.block_input
        if written:
            self.triggers.append(Trigger("injection", "blocked" if self.blocked else "flagged", "input", written))
        brought: Counter[str] = Counter()
        for text in (*(m.content for m in asked.messages if m.role == "assistant"), *(c.text for c in asked.context)):
            verdict = injection.check(text)
            if verdict.score >= policy.flag_context:
                brought.update(verdict.rules)
        if brought:
            self.triggers.append(Trigger("injection", "flagged", "context", brought))


def ungrounded(issues: Iterable[Issue], *, final: bool) -> Trigger:
    """An answer broke the contract: it is asked for again or passed on with its issues; final: the caller gets none."""
    action = "blocked" if final else "flagged"
    return Trigger("grounding", action, "answer", Counter(issue.kind.value for issue in issues))


def _check_ids(context: Iterable[Chunk], custom: Custom) -> None:
    # They are sent as they are: the answer has to cite them.
    for index, chunk in enumerate(context):
        if pii.find(chunk.id, custom):
            param = f"context[{index}].id"
            raise RequestError(f"{param} must hold no secret and no personal data (not shown)", param=param)


def texts_of(request: ChatRequest) -> Iterable[str]:
    """Everything in a request that a person or a document wrote."""
    yield from (message.content for message in request.messages)
    yield from (chunk.text for chunk in request.context)
    yield from request.stop


def _hidden(asked: ChatRequest, vault: Vault) -> ChatRequest:
    texts = iter(vault.hide_all(list(texts_of(asked))))
    return replace(
        asked,
        messages=tuple(Message(message.role, next(texts)) for message in asked.messages),
        context=tuple(Chunk(chunk.id, next(texts)) for chunk in asked.context),
        stop=tuple(next(texts) for _ in asked.stop),
    )


def kinds_of(issues: Iterable[Issue]) -> tuple[str, ...]:
    """Each kind of violation once, sorted."""
    return tuple(sorted({issue.kind.value for issue in issues}))


def redacted(text: str) -> str:
    """Short free text as it may stand in a log: irreversibly without personal data and secrets."""
    return pii.redacted(text)  # never cached: what was in it would stay in memory


@lru_cache(maxsize=256)  # of the few models that providers name with every answer
def _redacted_model(model: str) -> str:
    return pii.redacted(model)


def without_secrets(text: str) -> str:
    """Who did something, as the log may name them: an address is a name there, a key or a token is not."""
    for finding in reversed(pii.find(text)):
        if finding.kind in (Kind.SECRET, Kind.JWT):
            text = f"{text[: finding.start]}[{finding.kind}]{text[finding.end :]}"
    return text
