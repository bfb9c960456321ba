"""A text as words that compare equal however the same thing is typed.

Folded away: Unicode forms (NFKC), case, accents, kinds of quotation marks, dashes and spaces, invisible characters,
punctuation, contracted "not". Kept: numbers with their sign and decimals, currency, percent, degrees,
operators, and placeholders like [EMAIL_1] as one word.

The patterns are fixed and go forward only: each part is disjoint with what may follow it.
"""

import re
from unicodedata import normalize

_FOREIGN = re.compile(r"[^\x00-\x7f]+")
# Canonical ordering inside a normal form takes quadratic time on a long run of combining marks; no writing has 30.
_LONG_RUN = re.compile(r"([^\w\s]{30})[^\w\s]+")
_RAISED = tuple("²³¹⁰⁴⁵⁶⁷⁸⁹")
_FRACTION = re.compile(r"(?=[¼-¾⅐-⅞])")

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʹʼ`´＇", "'"),
        **dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"),
        **dict.fromkeys("⁄∕", "/"),
        **dict.fromkeys("™℠"),
        **dict.fromkeys(
            [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
        ),  # invisible
        **dict.fromkeys([*range(0x300, 0x370), *range(0xFE00, 0xFE10)]),  # accents, variants
    }
)
_CONTRACTIONS = (("can't", "can not"), ("won't", "will not"), ("n't", " not"), ("cannot", "can not"), ("&", " and "))
_GROUPS = re.compile(r"\d(?<![\d.,]\d)\d{0,2}(?:,\d{3})+(?![\d,])")

# What stands between words, apart from spaces and digits. Letters and their marks are all the rest.
_BETWEEN = (
    r"\x00-\x2f\x3a-\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u2000-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u303f"
    r"\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965"
    r"\u104a-\u104f\u17d4-\u17da\ufe10-\ufe6f\uff00-\uff0f\U0001f000-\U0001faff"
)
# Scripts without spaces: each character is a word.
_SINGLE = (
    r"\u0e01-\u0eff\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_OTHER = (
    r"|(?:-(?<![^\s(\[<>=~'\"$€£¥]-))?\d+(?:[.,:/]\d+)*"  # a number; a dash after a word or number is no sign
    r"|[$€£¥₹%‰°+<>=±×÷^]|(?<=[a-z])#"
    r"|\[[a-z][a-z0-9_]{0,40}_\d{1,9}\]"  # a placeholder
)
_ASCII_WORD = re.compile("[a-z]+" + _OTHER)  # the same as the next for an ASCII text, in a third of the time
_WORD = re.compile(rf"[^\s\d{_BETWEEN}{_SINGLE}]+|[{_SINGLE}]" + _OTHER)


def words(text: str) -> list[str]:
    """The words of a text, folded. Any text is good; the time grows with its length."""
    folded = _folded(text)
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def _folded(text: str) -> str:
    text = text.replace("`", "'").lower()
    if not text.isascii():
        text = _foreign_folded(text)
    for contraction, full in _CONTRACTIONS:
        text = text.replace(contraction, full)
    return _GROUPS.sub(lambda found: found[0].replace(",", ""), text) if "," in text else text


def _foreign_folded(text: str) -> str:
    known: dict[str, str] = {}

    def fold(found: re.Match[str]) -> str:
        run = found[0]
        if run not in known:
            known[run] = _run_folded(run)
        # A normal form would make 102 of 10².
        raised = run.startswith(_RAISED) and found.start() > 0 and text[found.start() - 1].isdecimal()
        return " ^" + known[run] if raised else known[run]

    return _FOREIGN.sub(fold, text)


def _run_folded(run: str) -> str:
    run = _FRACTION.sub(" ", _LONG_RUN.sub(r"\1", run))  # 10½ is not 101/2
    run = normalize("NFKD", run.translate(_PLAIN)).translate(_PLAIN)
    return normalize("NFC", run.casefold())
