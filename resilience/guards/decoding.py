"""What a text says once its encodings are taken off: escapes, Base64, hexadecimal, ROT13, mirrored, spelled letter by letter.

Each is a search that most texts end, and one pass over the others; what they give together is bounded, and they nest at most twice.
"""

import base64
import codecs
import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

import re2

_DEPTH = 2
_BUDGET = 3  # readings, in lengths of the text
_TEXT_SHARE = 0.9

_UNPRINTABLE = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")
_LETTERS = re.compile(r"[^\W\d_]{3}")

# Words that most English sentences have, and attacks; none of them is a word again in ROT13 or mirrored.
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
_ENOUGH = 2

_ESCAPES = r"\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|&(?:#|[A-Za-z]+;)|[\"'] ?\+ ?[\"']"
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4}))")
_GLUE = re.compile(r"""["'] ?\+ ?["']""")
_BASE64 = r"[A-Za-z0-9+/_-]{16,}"
_HEX = r"(?:(?:\\x|0x|%)?[0-9A-Fa-f]{2}[ ,:]?){8,}"
_PREFIX = re.compile(r"\\x|0x|[^0-9A-Fa-f]")
# One letter and one separator, again and again, without letters or digits on either side.
_SPELLED = r"(?:[A-Za-z][ .\-_*|]){5,}[A-Za-z]"
_SEPARATORS = re.compile(r"[ .\-_*|]")


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
    data = text.encode("utf-8", "replace")
    if _ESCAPED.search(data):
        yield _unescaped(text)
    for runs, read in _RUNS:
        # Of ASCII alone, whatever the text is.
        pieces: Iterable[str | None] = (read(data[run.start() : run.end()].decode()) for run in runs.finditer(data))
        whole = "\n".join(piece for piece in pieces if piece)
        if whole:
            yield whole
    if _differ(_ROT13, data):
        yield codecs.encode(text, "rot13")
    if _differ(_MIRRORED, data):
        yield text[::-1]


def _differ(common: re.Pattern[bytes], data: bytes) -> bool:
    seen = set()
    for found in common.finditer(data):
        seen.add(found.group().lower())
        if len(seen) >= _ENOUGH:
            return True
    return False


def _unescaped(text: str) -> str:
    """Backslash escapes, percent signs and HTML entities replaced, strings that are glued with + put together."""
    text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    return _GLUE.sub("", html.unescape(unquote(text, errors="replace")))


def _base64(run: str) -> str | None:
    body = run.replace("-", "+").replace("_", "/")
    # A run may begin with letters that do not belong to it: the group of four starts at one of four places.
    for start in range(4):
        shifted = body[start:]
        whole = shifted[: len(shifted) - (len(shifted) % 4 == 1)]
        text = _as_text(base64.b64decode(whole + "=" * (-len(whole) % 4)))
        if text:
            return text
    return None


def _hexadecimal(run: str) -> str | None:
    digits = _PREFIX.sub("", run)
    return _as_text(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _spelled(run: str) -> str:
    return _SEPARATORS.sub("", run)


def _as_text(data: bytes) -> str | None:
    """The data as text if nearly all of it is; at its ends there may be parts of characters."""
    text = _UNPRINTABLE.sub("", data.decode(errors="ignore"))
    return text if len(text.encode()) >= _TEXT_SHARE * len(data) and _LETTERS.search(text) else None


def _compiled(pattern: str) -> re.Pattern[bytes]:
    options = re2.Options()
    options.log_errors = False
    found: re.Pattern[bytes] = re2.compile(
        pattern, options
    )  # RE2 has no types; its patterns are used like those of `re`
    return found


_ESCAPED = _compiled(_ESCAPES)
_RUNS: tuple[tuple[re.Pattern[bytes], Callable[[str], str | None]], ...] = (
    (_compiled(_BASE64), _base64),
    (_compiled(_HEX), _hexadecimal),
    (_compiled(_SPELLED), _spelled),
)
_ROT13 = _compiled(rf"(?i)\b(?:{'|'.join(codecs.encode(word, 'rot13') for word in _COMMON)})\b")
_MIRRORED = _compiled(rf"(?i)\b(?:{'|'.join(word[::-1] for word in _COMMON)})\b")
