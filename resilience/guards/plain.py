"""A text as the plain bytes that the searches read: one byte per character, and the way back to the text.

Digits of all scripts become 0 to 9, full-width characters their ASCII ones, dashes "-", spaces " ", cased letters LETTER, and
anything else OTHER. Invisible characters go, and escapes of JSON (in JSON, up to twice) become what they stand for: our log escapes
letters of words that the runbook greps for.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import re2

LETTER = "\xe9"  # a letter with upper and lower case outside ASCII: part of a word
OTHER = "\x7f"  # no part of anything that is looked for
WALL = b"\xff"  # what has been found already
_INVISIBLE = "\x00"

# Cannot backtrack: at most four backslashes, then one of few characters or "u" and four digits.
_ESCAPE = re.compile(rb"\\{1,4}(?:u([0-9A-Fa-f]{4})|([nrtbf\"'/]))|\x00+")
_SHORT = {b"n": b"\n", b"r": b"\n", b"t": b"\t", b"b": b" ", b"f": b"\n"}


@dataclass(frozen=True, slots=True)
class Plain:
    """The bytes of a text. starts: per byte its character in the text, and the text's length; None where they are the same."""

    data: bytes
    starts: Sequence[int] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the text that some bytes stand for."""
        return (start, end) if self.starts is None else (self.starts[start], self.starts[end])

    def bytes_of(self, start: int, end: int) -> tuple[int, int]:
        """The bytes that some characters of the text became."""
        if self.starts is None:
            return start, end
        return bisect_right(self.starts, start) - 1, bisect_left(self.starts, end)


def plain(text: str) -> Plain:
    """The text as bytes to search in; linear, and next to nothing for ASCII without a backslash."""
    data = (text if text.isascii() else text.translate(_Folding(_ASCII))).encode("latin-1")
    if b"\\" not in data and b"\x00" not in data:
        return Plain(data)
    pieces: list[bytes] = []
    starts: list[int] = []
    at = 0
    for found in _ESCAPE.finditer(data):
        pieces.append(data[at : found.start()])
        starts.extend(range(at, found.start()))
        stands_for = _unescaped(found)
        if stands_for:
            pieces.append(stands_for)
            starts.append(found.start())
        at = found.end()
    pieces.append(data[at:])
    starts.extend(range(at, len(data) + 1))
    return Plain(b"".join(pieces), starts)


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        one = _folded(chr(int(found[1], 16)))
        return b"" if one == _INVISIBLE else one.encode("latin-1")
    return _SHORT.get(found[2], found[2]) if found[2] else b""


def pattern(written: bytes) -> Any:
    """A pattern of RE2 for these bytes: linear, whatever it reads."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a byte is a character
    return re2.compile(written, options)


class _Folding(dict[int, str]):
    """A table for str.translate that fills itself, for one text."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _folded(chr(code))
        return folded


_ASCII = {code: chr(code) for code in range(1, 128)} | {0: OTHER}


def _folded(one: str) -> str:
    if one.isascii():
        return one if one != _INVISIBLE else OTHER
    if "！" <= one <= "～":  # the full-width forms of ! to ~
        return chr(ord(one) - 0xFEE0)
    category = unicodedata.category(one)
    if category == "Nd":
        return str(unicodedata.digit(one))
    # Letters without case, as of Chinese, stand next to numbers without a space: they are no part of a word here.
    return {
        "Lu": LETTER,
        "Ll": LETTER,
        "Lt": LETTER,
        "Pd": "-",
        "Zs": " ",
        "Zl": "\n",
        "Zp": "\n",
        "Cf": _INVISIBLE,
    }.get(category, OTHER)
