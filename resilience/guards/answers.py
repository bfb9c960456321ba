"""A model's grounded answer: from its JSON to values, strictly, and from values to text for a person."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from resilience.chat import Cite, Sentence
from resilience.guards.issues import Issue, Kind

MAX_CHARS = 200_000
MAX_SENTENCES = 200
MAX_CITES = 256
NOTHING_FOUND = "The sources do not hold the answer."


@dataclass(frozen=True, slots=True)
class Grounded:
    """An answer of the right shape; whether it is true to its sources is verify's question.

    insufficient: the model says that the sources do not hold the answer.
    """

    sentences: tuple[Sentence, ...]
    insufficient: bool


@dataclass(frozen=True, slots=True)
class Malformed:
    """An answer that is not the JSON asked for. rule: which rule it breaks, in our words only."""

    rule: str = field(default="")

    @property
    def issue(self) -> Issue:
        """The same as an issue."""
        return Issue(Kind.MALFORMED, detail=self.rule)


class _ShapeError(ValueError):
    """A rule of the shape is broken; the message is the rule."""


def parse(answer: str) -> Grounded | Malformed:
    """The answer as values. Raises nothing: an answer of another shape is Malformed, with the first rule that it breaks.

    Shape: {"answer": [{"text": str, "cites": [{"id": str, "quote": str}]}], "insufficient": bool}, these keys and no others;
    a ```json fence may stand around it.
    """
    if len(answer) > MAX_CHARS:
        return Malformed(f"the answer must have at most {MAX_CHARS} characters")
    try:
        return _grounded(
            json.loads(
                _unfenced(answer.strip()),
                object_pairs_hook=_object,
                parse_int=_number,
                parse_float=_number,
                parse_constant=_number,
            )
        )
    except _ShapeError as broken:
        return Malformed(str(broken))
    except RecursionError:
        return Malformed("the answer must not be nested deeper than the shape")
    except ValueError:  # its message would show what the answer holds
        return Malformed("the answer must be one JSON object and nothing else")


def plain(sentences: Sequence[Sentence]) -> str:
    """The answer for a person: its sentences, each with the ids that it cites as [c1] marks."""
    if not sentences:
        return NOTHING_FOUND
    return " ".join(_marked(sentence) for sentence in sentences)


def _marked(sentence: Sentence) -> str:
    marks = "".join(f"[{id_}]" for id_ in dict.fromkeys(cite.id for cite in sentence.cites))
    text = sentence.text.strip()
    return f"{text} {marks}" if marks and not text.endswith(marks) else text


def _unfenced(answer: str) -> str:
    if not answer.startswith("```"):
        return answer
    first, _, rest = answer.partition("\n")
    if first.rstrip() not in ("```json", "```") or not rest.endswith("```"):
        raise _ShapeError("nothing but a ```json fence may stand around the answer")
    return rest[:-3]


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _ShapeError("an object must hold each key once")
    return made


def _number(_: str) -> NoReturn:
    raise _ShapeError("there must be no numbers outside of texts")


def _grounded(value: Any) -> Grounded:
    fields = _fields(value, "the answer", {"answer", "insufficient"})
    insufficient = fields["insufficient"]
    if not isinstance(insufficient, bool):
        raise _ShapeError("insufficient must be true or false")
    sentences = tuple(_sentence(item) for item in _list(fields["answer"], "answer", MAX_SENTENCES))
    if not sentences and not insufficient:
        raise _ShapeError("answer must hold a sentence unless insufficient is true")
    if sum(len(sentence.cites) for sentence in sentences) > MAX_CITES:
        raise _ShapeError(f"an answer must have at most {MAX_CITES} cites")
    return Grounded(sentences, insufficient)


def _sentence(value: Any) -> Sentence:
    fields = _fields(value, "a sentence", {"text", "cites"})
    text = _text(fields["text"], "text")
    if not text.strip():
        raise _ShapeError("text must not be empty")
    return Sentence(text, tuple(_cite(item) for item in _list(fields["cites"], "cites", MAX_CITES)))


def _cite(value: Any) -> Cite:
    fields = _fields(value, "a cite", {"id", "quote"})
    return Cite(_text(fields["id"], "id"), _text(fields["quote"], "quote"))


def _fields(value: Any, name: str, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != keys:
        raise _ShapeError(f"{name} must be an object with the keys {' and '.join(sorted(keys))} and no others")
    return value


def _list(value: Any, name: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _ShapeError(f"{name} must be a list of at most {most}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _ShapeError(f"{name} must be a text")
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which no log or socket takes
        raise _ShapeError(f"{name} must be valid Unicode") from None
    return value
