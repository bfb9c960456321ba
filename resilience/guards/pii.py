"""Personal data and secrets in a text: where they are, and the text without them.

Names of persons and postal addresses are out of reach: they need a model.
"""

import re
from collections.abc import Callable, Iterator, Sequence
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
    (Kind.SECRET, secrets.credentials),
    (Kind.SECRET, secrets.named),
    (Kind.EMAIL, addresses.emails),
    (Kind.IBAN, numbers.ibans),
    (Kind.IP, addresses.ipv6s),
    (Kind.IP, addresses.ipv4s),
    (Kind.CARD, numbers.cards),
    (Kind.SSN, numbers.ssns),
    (Kind.PHONE, phones.phones),
)
_ROUNDS_MAX = 4  # two are enough for nearly all texts; a bound for those made to need more


def find(text: str, custom: Custom = NONE) -> tuple[Finding, ...]:
    """What a text holds, in order of place, none overlapping another or a placeholder that stands there already.

    custom: further patterns, which come before all others. Linear in the text's length.
    """
    seen = plain(text)
    data = seen.data
    if b"[" in data:
        data = _placeholder(custom.names).sub(lambda found: WALL * len(found[0]), data)
    findings: list[Finding] = []
    if custom.patterns:
        data = _find_custom(text, custom, Plain(data, seen.starts), findings)
    for kind, search in _SEARCHES:
        # Each search reads what the ones before have left: their findings are walls in the data.
        spans = list(search(data))
        findings += [Finding(kind.value, *seen.place(start, end)) for start, end in spans]
        data = _walled(data, spans)
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


def _find_custom(text: str, custom: Custom, seen: Plain, findings: list[Finding]) -> bytes:
    """Adds the custom patterns' findings; gives the data with walls in their places."""
    data = seen.data
    for name, places in custom.find(text):
        spans: list[tuple[int, int]] = []
        for place in places:
            start, end = seen.bytes_of(*place)
            # Two places may meet in one byte, as within an escape.
            if start < end and data.find(WALL, start, end) < 0 and (not spans or spans[-1][1] <= start):
                spans.append((start, end))
                findings.append(Finding(name, *place))
        data = _walled(data, spans)
    return data


def _walled(data: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    if not spans:
        return data
    pieces: list[bytes] = []
    at = 0
    for start, end in spans:
        pieces += data[at:start], WALL * (end - start)
        at = end
    return b"".join([*pieces, data[at:]])
