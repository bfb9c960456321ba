"""What a search for personal data gives: where, and of which kind. Never the text itself."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds that are always looked for; custom patterns add names of their own."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IBAN = "IBAN"
    SSN = "SSN"
    IP = "IP"
    SECRET = "SECRET"  # noqa: S105 a name
    JWT = "JWT"


KINDS: tuple[str, ...] = tuple(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in a text.

    kind: one of KINDS, or a custom pattern's name; start, end: characters of the text, end excluded.
    """

    kind: str
    start: int
    end: int
