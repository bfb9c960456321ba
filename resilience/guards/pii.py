"""Personal data and secrets in a text: where they are, and the text without them.

Names of persons and postal addresses are out of reach: they need a model.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache

from resilience.guards import addresses, numbers, phones, secrets
from resilience.guards.custom import NONE, Custom
from resilience.guards.findings import KINDS, Finding, Kind
from resilience.guards.plain import WALL, Plain, plain

# In this order, since one text may look like several: a password like an e-mail, a card like a telephone number.
_SEARCHES: tuple[tuple[Kind, Callable[[bytes], Iterator[tuple[int, int]]]], ...] = (
    (Kind.SECRET, secrets.private_keys),
    (Kind.JWT, secrets.jwts),
    (Kind.SECRET, secrets.logins),
    (Kind.SECRET, secrets.prefixed),
    (Kind.SECRET, secrets.named),
    (Kind.EMAIL, addresses.emails),
    (Kind.IBAN, numbers.ibans),
    (Kind.IP, addresses.ips),
    (Kind.CARD, numbers.cards),
    (Kind.SSN, numbers.ssns),
    (Kind.PHONE, phones.phones),
)
_ROUNDS_MAX = 4
_NO_WALL = re.compile(rb"[^\xff]+")


def find(text: str, custom: Custom = NONE) -> tuple[Finding, ...]:
    """What a text holds, in order of place, none overlapping another or a placeholder that stands there already.

    custom: further patterns, which come before all others. Linear in the text's length.
    """
    seen = plain(text)
    data = bytearray(seen.data)
    for found in _placeholder(custom.names).finditer(seen.data):
        _wall(data, *found.span())
    findings = [
        Finding(name, start, end) for name, start, end in custom.find(text) if _wall(data, *_bytes(seen, start, end))
    ]
    for kind, search in _SEARCHES:
        # Each search reads what the ones before have left: their findings are walls in the data.
        for span in list(search(bytes(data))):
            for start, end in _between_walls(data, *span):
                _wall(data, start, end)
                findings.append(Finding(kind.value, *seen.place(start, end)))
    return tuple(sorted(findings, key=lambda finding: finding.start))


def redacted(text: str, custom: Custom = NONE) -> str:
    """The text with [EMAIL], [SECRET] and the like in the place of each finding; nothing leads back.

    Redacting what is redacted changes nothing.
    """
    return replaced(text, custom, lambda finding, _: f"[{finding.kind}]")


def replaced(text: str, custom: Custom, put: Callable[[Finding, str], str]) -> str:
    """The text with what `put` gives for each finding and its value, searched again until nothing is found.

    `put` gives placeholders of this package, which are never searched.
    """
    for _ in range(_ROUNDS_MAX):
        findings = find(text, custom)
        if not findings:
            break
        pieces: list[str] = []
        at = 0
        for finding in findings:
            pieces += text[at : finding.start], put(finding, text[finding.start : finding.end])
            at = finding.end
        text = "".join([*pieces, text[at:]])
    return text


@lru_cache(maxsize=16)
def _placeholder(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """[EMAIL], [EMAIL_1]; in any case, since models change it."""
    return re.compile(r"(?i)\[(?:{})(?:_\d{{1,9}})?\]".format("|".join(KINDS + names)).encode("ascii"))


def _wall(data: bytearray, start: int, end: int) -> bool:
    """Make a part a wall; False where there was one already."""
    free = data.find(WALL, start, end) < 0
    if free:
        data[start:end] = WALL * (end - start)
    return free


def _between_walls(data: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    # Only a private key's block can have placeholders inside.
    if data.find(WALL, start, end) < 0:
        yield start, end
    else:
        yield from (found.span() for found in _NO_WALL.finditer(bytes(data), start, end))


def _bytes(seen: Plain, start: int, end: int) -> tuple[int, int]:
    """The bytes of a part of the text: the other way round than Plain.place."""
    if seen.starts is None:
        return start, end
    return bisect_right(seen.starts, start) - 1, bisect_left(seen.starts, end)
