"""Numbers with a checksum or rules of their own: IBAN, payment cards, US social security numbers."""

import re
from collections.abc import Iterator
from functools import lru_cache

from stdnum import iban, luhn, numdb
from stdnum.us import ssn

_IBAN = re.compile(rb"(?<![\w\xe9])[A-Za-z]{2}\d\d(?=[ \-]?[A-Za-z0-9]{2})")
_BBAN_PART = re.compile(r"(\d+)!")

# Groups as on a card: 4-4-4-4, 4-4-4-4-3, 4-6-5 and 4-6-4, or none.
_CARD = re.compile(
    rb"(?<![\w\xe9])(?<![A-Z0-9][ .\-+])(?:\d{12,19}|\d{4}([ .\-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ \-])\d{6}\2\d{4,5})"
    rb"(?![\w\xe9]|[.\-]\d)"
)
# First digits and lengths (ISO/IEC 7812): Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay, Maestro.
_ISSUED = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    rb"|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d)\d{12,15}|(?:35[2-8]\d\d|1800|2131)\d{11}|62\d{14,17}"
    rb"|(?:5[06-8]|6\d)\d{10,17}"
)
_CARD_WORD = re.compile(rb"(?i)(?:\bcard|credit|debit|\bpan\b)[^\n\d]{0,30}$")

_SSN = re.compile(rb"(?<![\w\xe9])(?<!\d[.\-])\d{3}(?:([ .\-])\d{2}\1\d{4}|(-?)\d{2}(-?)\d{4})(?![\w\xe9]|[.\-]\d)")
_SSN_WORD = re.compile(rb"(?i)(?:\bssn|social security)[^\n]{0,20}$")
_FIELD_LENGTH = 64


def ibans(data: bytes) -> Iterator[tuple[int, int]]:
    """International bank account numbers with the length, structure and checksum of their country; in groups or not. ISO 13616."""
    for found in _IBAN.finditer(data):
        length = _iban_length(found[0][:2].decode("ascii").upper())
        rest = length and _rest(length - 4).match(data, found.end())
        if rest and iban.is_valid((found[0] + rest[0]).decode("ascii"), check_country=False):
            yield found.start(), rest.end()


def cards(data: bytes) -> Iterator[tuple[int, int]]:
    """Card numbers with Luhn's checksum that an issuer could have given out, or that stand behind a word for a card."""
    for found in _CARD.finditer(data):
        digits = re.sub(rb"\D", b"", found[0])
        if luhn.is_valid(digits.decode("ascii")) and (
            _ISSUED.fullmatch(digits) or _CARD_WORD.search(data[max(0, found.start() - 40) : found.start()])
        ):
            yield found.span()


def ssns(data: bytes) -> Iterator[tuple[int, int]]:
    """US social security numbers that could have been given out.

    In three groups they are known anywhere; 078051121, and 07805-1121 which may be a ZIP code, only after the words or in a text
    that is a field's value: short, without a letter.
    """
    field = len(data) <= _FIELD_LENGTH and not re.search(rb"[A-Za-z\xe9]", data)
    for found in _SSN.finditer(data):
        grouped = found[1] or (found[2] and found[3])
        named = field or grouped or _SSN_WORD.search(data[max(0, found.start() - 40) : found.start()])
        if named and ssn.is_valid(re.sub(rb"\D", b"", found[0]).decode("ascii")):
            yield found.span()


@lru_cache
def _iban_length(country: str) -> int:
    """How many characters an IBAN of a country has, 0 if the country has none."""
    structure = numdb.get("iban").info(country)[0][1].get("bban", "")
    return 4 + sum(int(part) for part in _BBAN_PART.findall(structure)) if structure else 0


@lru_cache
def _rest(count: int) -> re.Pattern[bytes]:
    return re.compile(rb"(?:[ \-]?[A-Za-z0-9]){%d}(?![\w\xe9])" % count)
