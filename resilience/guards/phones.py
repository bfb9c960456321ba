"""Telephone numbers: known by a "+" with a country's code, by a word nearby, or by the way that they are grouped.

No list of the world's numbering plans: where a word stands nearby they decide little, they cost 30 µs per candidate, and hostile
text can load hundreds of them.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter

from resilience.guards.plain import pattern

# Not the end of another number, name, amount or price; "+" begins a number wherever no word ends.
_NUMBER = re.compile(
    rb"(?:(?<![\w\xe9+])\+|(?<![\w\xe9+])(?<![\w\xe9][.,:/#\-])(?<![\-$#])(?:\(\+?)?)"
    rb"\d++(?:[ ./()\-]{1,2}\d++)*+(?: ?(?:x|ext\.? ?)\d{1,6})?"
)
# Looked at afterwards: a condition inside the pattern would make it try the same run of numbers from each of its groups.
_GOES_ON = re.compile(rb"[\w\xe9%$]|[,:.\-/+]\d")
# The last of these words before a number says what it is: a telephone's; perhaps, if it is written like one; something else.
_BEFORE = pattern(
    rb"(?i)\b(?:(tele(?:ph|f)on\w{0,2}|phones?|tel|mobile|mobil|handy|cell(?:phone)?|fax|dial|sms|whatsapp"
    rb"|call (?:me|us|him|her|them|back))"
    rb"|(call(?:ing|ed|s)?|ring|texts?|signal|reach|contact|messages?|registered|my number)"
    rb"|(?:order|invoice|isbn|tracking|part|account|acct|card|reference|ref|licen[cs]e|passport|serial|case|ticket|id|ssn|security|zip|date"
    rb"|version|population|epoch|amount|total|price|timestamp|ts))(?:\b|_)"
)
_SURELY, _PERHAPS, _NO = "surely", "perhaps", "no"
_AFTER = re.compile(rb"(?i)[ \t]{0,2}[(\-]?[ \t]?(?:office|fax|mobile|cell|home|work|phone|tel)\b")
# Part of what looks like an account number, whose checksum is wrong: DE89 3704 0044.
_ACCOUNT = re.compile(rb"(?<![\w\xe9])[A-Z]{2}\d\d[A-Z0-9]{0,30}+(?: [A-Z0-9]{1,4}+){0,8}+ $")
# A ZIP code with its extension; a social security number that cannot be one.
_NO_PHONE = re.compile(rb"\d{5}-\d{4}|\d{3}([ .\-])\d\d\1\d{4}")
_NEAR = 40  # characters from a word to its number
_LENGTH_MAX = 48  # characters of a number as people write them
_DATE = re.compile(rb"(?:19|20)\d\d[./\-]\d\d?[./\-]\d\d?|\d\d?[./\-]\d\d?[./\-](?:19|20)\d\d")
# North America's plan: area and exchange begin with 2 to 9.
_AMERICAN = re.compile(rb"(?:1[ .\-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.\-])[2-9]\d\d[.\-]\d{4}")
# A trunk prefix, and groups of two digits or more: 0494 92 82 32, (0151) 496 0457.
_TRUNK = re.compile(rb"\(?0[1-9]\d{0,4}\)?(?:[ \-/]\d{2,8}){1,5}")


def phones(data: bytes) -> Iterator[tuple[int, int]]:
    """Telephone numbers of 7 to 15 digits (E.164), extensions included."""
    words: list[tuple[int, str]] | None = None
    for found in _NUMBER.finditer(data):
        written, start = found[0], found.start()
        if written.startswith(b"(") and b")" not in written:
            written, start = written[1:], start + 1
        number = re.split(rb"[xe]", written[:_LENGTH_MAX])[0].strip()
        digits = number.translate(None, b"+()-./ ")
        if len(written) > _LENGTH_MAX or not 7 <= len(digits) <= 15 or _GOES_ON.match(data, found.end()):
            continue
        before, after = data[max(0, start - _NEAR) : start], data[found.end() : found.end() + 16]
        if _DATE.match(number) or _ACCOUNT.search(before):
            continue
        words = _words(data) if words is None else words
        if _is_phone(number, digits, _said(words, start), after):
            yield start, found.end()


def _is_phone(number: bytes, digits: bytes, said: str | None, after: bytes) -> bool:
    """Whether the number is one; said: what the last word before it says, None without a word."""
    if b"+" in number:
        return len(digits) == 11 if digits[:1] == b"1" else digits[:1] != b"0" and len(digits) >= 8
    if said is not None:
        return said == _SURELY or (said == _PERHAPS and (number != digits or digits[:1] == b"0"))
    if _AFTER.match(after):
        return True
    if _NO_PHONE.fullmatch(number):
        return False
    return bool(_AMERICAN.fullmatch(number) or (9 <= len(digits) <= 12 and _TRUNK.fullmatch(number)))


def _words(data: bytes) -> list[tuple[int, str]]:
    """Where each of the words ends, and what it says."""
    return [(found.end(), _SURELY if found[1] else _PERHAPS if found[2] else _NO) for found in _BEFORE.finditer(data)]


def _said(words: list[tuple[int, str]], start: int) -> str | None:
    at = bisect_right(words, start, key=itemgetter(0)) - 1
    return words[at][1] if at >= 0 and words[at][0] >= start - _NEAR else None
