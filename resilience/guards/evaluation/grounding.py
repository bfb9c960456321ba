"""How well the grounding check tells faithful quotes from changed ones, on rows of claims with evidence.

The quotes are made here from the evidence, with a seed: another seed or another part of the data must give the same figures.
"""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from resilience.guards.evaluation.cost import growth, median_ms, worst
from resilience.guards.evaluation.perturbations import CHANGED, FAITHFUL, Perturb, names_in
from resilience.guards.evaluation.report import Report, Target
from resilience.guards.folding import words
from resilience.guards.grounding import Chunk, Cite, Grounded, Sentence, parse, verify

_MIN_WORDS = 4
_PROMISED = ("verbatim", "typographic", "elided")
_PROMISED_CHANGES = ("number changed", "negation added", "negation removed", "name swapped", "names exchanged")
COLUMNS = ("quotes", "n", "accepted", "wanted")
_COSTS = {"median ms for 2 KB": 1.0, "cost per character at 200 KB over 20 KB": 2.0, "worst ms for 20 KB": 50.0}
IN_SENTENCE = ", in the sentence only"


Share = tuple[int, float | None]  # how many answers were made, and which part of them was accepted; None without one


def evaluate(rows: Sequence[Mapping[str, Any]], seed: int = 0) -> Report:
    """The share of quotes accepted, by how they were made, and the cost of one check.

    rows: objects with the key evidence, a list of texts. Raises: ValueError naming row, key and rule.
    """
    found = shares(rows, seed)
    costs = _costs(rows)
    table: list[tuple[str | int | float, ...]] = [
        (name, count, _cell(share), "all" if name in FAITHFUL else "none") for name, (count, share) in found.items()
    ]
    table += [(f"claims labelled {label}", count, _cell(share), "") for label, (count, share) in claims(rows).items()]
    table += [(cost.name, "", _cell(cost.value), f"at most {cost.high}") for cost in costs]
    targets = [Target(f"{name} accepted", found[name][1], low=0.99) for name in _PROMISED]
    targets += [Target(f"{name} accepted", found[name][1], high=0.03) for name in _PROMISED_CHANGES]
    return Report("Grounding", COLUMNS, tuple(table), (*targets, *costs))


def shares(rows: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Share]:
    """For each way to make a quote how often it was accepted; and where the quote is good but the sentence is changed so.

    Raises: ValueError naming row, key and rule.
    """
    _check(rows)
    found = {name: _share(rows, make, seed) for name, make in {**FAITHFUL, **CHANGED}.items()}
    return found | {f"{name}{IN_SENTENCE}": _share(rows, make, seed, in_quote=False) for name, make in CHANGED.items()}


def claims(rows: Sequence[Mapping[str, Any]]) -> dict[str, Share]:
    """How many of the claims are accepted with all of their evidence as quotes, by label: what good quotes do not prove."""
    accepted: dict[str, list[bool]] = {}
    for row in rows:
        if not isinstance(row.get("claim"), str) or not isinstance(row.get("label"), str):
            continue
        chunks = [Chunk(f"c{number}", text) for number, text in enumerate(row["evidence"])]
        cites = tuple(Cite(chunk.id, chunk.text) for chunk in chunks if words(chunk.text))
        answer = Grounded((Sentence(row["claim"], cites),), insufficient=False)
        accepted.setdefault(row["label"], []).append(not verify(answer, chunks))
    return {label: (len(found), sum(found) / len(found)) for label, found in accepted.items()}


def _check(rows: Sequence[Mapping[str, Any]]) -> None:
    for number, row in enumerate(rows, 1):
        evidence = row.get("evidence")
        if not isinstance(evidence, list) or not all(isinstance(text, str) for text in evidence):
            raise ValueError(f"grounding row {number}: evidence must be a list of texts")


def _share(rows: Sequence[Mapping[str, Any]], make: Perturb, seed: int, *, in_quote: bool = True) -> Share:
    accepted = [not verify(answer, chunks) for answer, chunks in _answers(rows, make, seed, in_quote)]
    return len(accepted), sum(accepted) / len(accepted) if accepted else None


def _answers(
    rows: Sequence[Mapping[str, Any]], make: Perturb, seed: int, in_quote: bool
) -> Iterator[tuple[Grounded, list[Chunk]]]:
    draw = Random(seed)
    for row in rows:
        text = " ".join(row["evidence"])
        names = names_in(text)
        sentences = [sentence for sentence in row["evidence"] if len(sentence.split()) >= _MIN_WORDS]
        draw.shuffle(sentences)
        for sentence in sentences:
            made = make(draw, sentence, names)
            if made is None or (made != sentence and make in CHANGED.values() and words(made) == words(sentence)):
                continue
            yield _answer(made, made if in_quote else sentence), [Chunk("c1", text)]
            break


def _answer(text: str, quote: str) -> Grounded:
    return Grounded((Sentence(text, (Cite("c1", quote),)),), insufficient=False)


def _costs(rows: Sequence[Mapping[str, Any]]) -> list[Target]:
    texts = [" ".join(row["evidence"]) for row in rows if row["evidence"]]
    if not texts:
        return [
            Target(name, None, high=high) for name, high in (("ms for 2 KB", 1.0), ("growth", 2.0), ("worst ms", 50.0))
        ]
    return [
        Target("median ms for 2 KB", median_ms(_ordinary, texts), high=1.0),
        Target("cost per character, 200 KB to 20 KB", growth(_ordinary, texts), high=2.0),
        Target("worst ms for 20 KB", worst(_hostile).ms, high=50.0),
    ]


def _ordinary(text: str) -> object:
    """A check of three sentences that stand in a text, and of one that is not quite there."""
    pieces = [text[start : start + 120] for start in range(0, min(len(text), 1800), 600)]
    sentences = tuple(Sentence(piece, (Cite("c1", piece.partition(" ")[2].rpartition(" ")[0]),)) for piece in pieces)
    changed = Sentence(sentences[0].text, (Cite("c1", pieces[0][:60] + " not " + pieces[0][60:]),))
    return verify(Grounded((*sentences, changed), insufficient=False), [Chunk("c1", text)])


def _hostile(text: str) -> object:
    """The text as an answer; and half of it as a context, the rest as many quotes: good, elided, and good but for the last word."""
    half = len(text) // 2
    context, rest = text[:half] + " x", text[half:]
    size = max(80, len(rest) // 200)
    quotes = [rest[start : start + size] for start in range(0, len(rest), size)]
    quotes = [
        (quote, f"{quote} x", " ... ".join(quote[at : at + 10] for at in range(0, size, 10)))[number % 3]
        for number, quote in enumerate(quotes)
    ]
    sentences = tuple(Sentence(f"{quote} y", (Cite("c1", quote),)) for quote in quotes)
    return parse(text), verify(Grounded(sentences, insufficient=False), [Chunk("c1", context)])


def _cell(value: float | None) -> float | str:
    return "" if value is None else value
