"""What is wrong with a grounded answer: kinds to count, and words for the model's one retry."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_MAX_SAID = 12
_MAX_SHOWN = 80  # characters of an answer's own words in one line


class Kind(StrEnum):
    """How an answer breaks the contract: a fixed vocabulary, good for counts."""

    MALFORMED = "malformed"
    UNCITED = "uncited"
    UNKNOWN_ID = "unknown_id"
    QUOTE_TOO_SHORT = "quote_too_short"
    QUOTE_NOT_FOUND = "quote_not_found"
    NUMBER_CHANGED = "number_changed"
    NEGATION_CHANGED = "negation_changed"
    WORD_CHANGED = "word_changed"
    NUMBER_UNCITED = "number_uncited"
    NEGATION_UNCITED = "negation_uncited"
    WORD_UNCITED = "word_uncited"
    COVER_LOW = "cover_low"


@dataclass(frozen=True, slots=True)
class Issue:
    """One breach. sentence_index, cite_index: from 0, None where it is not about one.

    detail: the answer's words that it is about, folded, or for MALFORMED our own description; never a chunk's text, and not shown by
    repr, so that an issue may be counted and logged.
    """

    kind: Kind
    sentence_index: int | None = None
    cite_index: int | None = None
    detail: str = field(default="", repr=False)


_SAID = {
    Kind.MALFORMED: "it is not the JSON that was asked for",
    Kind.UNCITED: "it cites nothing",
    Kind.UNKNOWN_ID: "there is no source with this id",
    Kind.QUOTE_TOO_SHORT: "the quote has fewer than three words",
    Kind.QUOTE_NOT_FOUND: "the quote does not stand in this source",
    Kind.NUMBER_CHANGED: "the quote has another number or unit than the source",
    Kind.NEGATION_CHANGED: "the quote adds, leaves out or cuts off a negation of the source",
    Kind.WORD_CHANGED: "the quote has other words than the source",
    Kind.NUMBER_UNCITED: "it has a number that stands in none of its quotes",
    Kind.NEGATION_UNCITED: "it denies what its quotes say, or says what they deny",
    Kind.WORD_UNCITED: "it puts another name, number, unit or small word in the place of its quote's",
    Kind.COVER_LOW: "its quotes say too little of what it says",
}


def said(issues: Sequence[Issue]) -> str:
    """The issues in words for the model that is asked once more. Has no text of the sources; at most 12 issues are named."""
    lines = [f"- {_where(issue)}{_SAID[issue.kind]}{_what(issue)}." for issue in issues[:_MAX_SAID]]
    if len(issues) > _MAX_SAID:
        lines.append(f"- and {len(issues) - _MAX_SAID} more of this sort.")
    return "\n".join(
        [
            "Your answer breaks the rules for answers from sources:",
            *lines,
            "Answer again, whole, in the same JSON. Copy each quote from its source, and say only what the quotes say."
            ' If the sources do not tell, set "insufficient" to true.',
        ]
    )


def _where(issue: Issue) -> str:
    if issue.sentence_index is None:
        return ""
    cite = "" if issue.cite_index is None else f", cite {issue.cite_index + 1}"
    return f"sentence {issue.sentence_index + 1}{cite}: "


def _what(issue: Issue) -> str:
    shown = " ".join(issue.detail.split())
    return f" ({shown[:_MAX_SHOWN]})" if shown else ""
