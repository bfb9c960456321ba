"""What a text says once its encodings are taken off: escapes, Base64, hexadecimal, ROT13, mirrored, spelled letter by letter.

Each is one pass, and what they give together is bounded: no decoding makes a text longer, and they nest at most twice.
"""

import base64
import codecs
import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

_DEPTH = 2
_BUDGET = 3  # readings, in lengths of the text
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:(?:\\x|0x|%)?[0-9A-Fa-f]{2}[ ,:]?){8,}")
_NO_DIGIT = re.compile("[^0-9A-Fa-f]")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")
_TEXT_SHARE = 0.9
_LETTERS = re.compile(r"[^\W\d_]{3}")
_GLUE = re.compile(r"""["'] ?\+ ?["']""")
_SPELLED = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|]){5,}[^\W\d_](?![^\W_])")
_SEPARATORS = re.compile(r"[ .\-_*|]")
# Words that most English sentences have, in ROT13 and mirrored.
_COMMON = (
    "the",
    "and",
    "you",
    "your",
    "all",
    "ignore",
    "instructions",
    "previous",
    "system",
    "prompt",
    "this",
    "with",
    "what",
    "that",
)
_ROT13 = re.compile(rf"\b(?:{'|'.join(codecs.encode(word, 'rot13') for word in _COMMON)})\b", re.IGNORECASE)
_MIRRORED = re.compile(rf"\b(?:{'|'.join(word[::-1] for word in _COMMON)})\b", re.IGNORECASE)
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Decoded:
    """Other readings of a text, those that are text themselves; `cut`: there were more than are worth reading."""

    readings: tuple[str, ...]
    cut: bool


def decoded(text: str) -> Decoded:
    """What a text says without its encodings: no readings for most texts, at most three times its length in all."""
    left = _BUDGET * len(text)
    found = [text]
    outer = [text]
    for _ in range(_DEPTH):
        inner = []
        for reading in (reading for piece in outer for reading in _readings(piece)):
            if reading in found:
                continue
            left -= len(reading)
            if left < 0:
                return Decoded(tuple(found[1:]), cut=True)
            found.append(reading)
            inner.append(reading)
        outer = inner
    return Decoded(tuple(found[1:]), cut=False)


def _readings(text: str) -> Iterator[str]:
    unescaped = _unescaped(text)
    if unescaped != text:
        yield unescaped
    yield from _joined(_base64(run[0]) for run in _BASE64.finditer(text))
    yield from _joined(_hexadecimal(run[0]) for run in _HEX.finditer(text))
    if _differ(_ROT13, text):
        yield codecs.encode(text, "rot13")
    if _differ(_MIRRORED, text):
        yield text[::-1]
    yield from _joined(_SEPARATORS.sub("", run[0]) for run in _SPELLED.finditer(text))


def _joined(pieces: Iterable[str | None]) -> Iterator[str]:
    whole = "\n".join(piece for piece in pieces if piece)
    if whole:
        yield whole


def _differ(common: re.Pattern[str], text: str) -> bool:
    seen = set()
    for found in common.finditer(text):
        seen.add(found[0].lower())
        if len(seen) >= _ENOUGH:
            return True
    return False


def _unescaped(text: str) -> str:
    """Backslash escapes, percent signs and HTML entities replaced, strings that are glued with + put together."""
    if "\\" in text:
        text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    if "%" in text:
        text = unquote(text, errors="replace")
    if "&" in text:
        text = html.unescape(text)
    return _GLUE.sub("", text) if "+" in text else text


def _base64(run: str) -> str | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    # A run may begin with letters that do not belong to it: the group of four starts at one of four places.
    for start in range(4):
        shifted = body[start:]
        whole = shifted[: len(shifted) - (len(shifted) % 4 == 1)]
        text = _as_text(base64.b64decode(whole + "=" * (-len(whole) % 4)))
        if text:
            return text
    return None


def _hexadecimal(run: str) -> str | None:
    digits = _NO_DIGIT.sub("", run.replace("0x", "").replace("0X", ""))
    return _as_text(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _as_text(data: bytes) -> str | None:
    """The data as text if nearly all of it is; at its ends there may be parts of characters."""
    text = _UNPRINTABLE.sub("", data.decode(errors="ignore"))
    return text if len(text.encode()) >= _TEXT_SHARE * len(data) and _LETTERS.search(text) else None
