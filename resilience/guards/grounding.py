"""The grounding contract: an answer from given sources, each sentence with its source and a quote, and the check that it is so.

The context goes in as chunks with ids (sources.py), the answer comes back as JSON (`parse`) and is compared with them (`verify`);
what is wrong is told to the model once (`said`). Text of chunks and answers is untrusted throughout. What is proved is that the
quotes exist and bear on the sentences, not that the sentences follow from them.
"""

from collections.abc import Mapping, Sequence

from resilience.chat import Chunk, Cite, Sentence
from resilience.guards.answers import Grounded, Malformed, parse, plain
from resilience.guards.claims import breaches
from resilience.guards.folding import words
from resilience.guards.issues import Issue, Kind, said
from resilience.guards.quotes import Budget, Passage, mismatch

__all__ = [
    "Chunk", "Cite", "Grounded", "Issue", "Kind", "Malformed", "Sentence",
    "parse", "plain", "said", "verify",
]  # fmt: skip


def verify(answer: Grounded | Malformed, chunks: Sequence[Chunk]) -> tuple[Issue, ...]:
    """How the answer breaks the contract, in the order of its sentences; nothing if it keeps it."""
    by_id = {chunk.id: chunk for chunk in chunks}
    if isinstance(answer, Malformed):
        return (answer.issue,)
    passages = _Passages(by_id)
    budget = Budget()
    issues: list[Issue] = []
    for index, sentence in enumerate(answer.sentences):
        quoted = [words(cite.quote) for cite in sentence.cites]
        flaws = [] if sentence.cites or answer.insufficient else [Issue(Kind.UNCITED, index)]
        for at, (cite, quote) in enumerate(zip(sentence.cites, quoted, strict=True)):
            passage = passages.get(cite.id)
            if passage is None:
                flaws.append(Issue(Kind.UNKNOWN_ID, index, at, cite.id))
            elif found := mismatch(cite.quote, quote, passage, budget):
                flaws.append(Issue(found.kind, index, at, " ".join(found.words)))
        if sentence.cites and not flaws:  # what a sentence rests on is asked only when its quotes are good
            flaws = [
                Issue(kind, index, detail=detail)
                for kind, detail in breaches(sentence.text, [cite.quote for cite in sentence.cites], quoted, by_id)
            ]
        issues += flaws
    return tuple(issues)


class _Passages:
    """The chunks that an answer cites, each folded once."""

    def __init__(self, by_id: Mapping[str, Chunk]) -> None:
        self._by_id = by_id
        self._made: dict[str, Passage] = {}

    def get(self, id_: str) -> Passage | None:
        """None for an id that no chunk has."""
        if id_ in self._by_id and id_ not in self._made:
            self._made[id_] = Passage(self._by_id[id_].text)
        return self._made.get(id_)
