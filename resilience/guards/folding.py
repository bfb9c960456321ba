"""A text as words that compare equal however the same thing is typed.

Folded away: Unicode forms (NFKC), case, accents, kinds of quotation marks, dashes and spaces, invisible characters,
punctuation, contracted "not". Kept: numbers with their sign and decimals, currency, percent, degrees,
operators, and placeholders like [EMAIL_1] as one word.

The patterns are fixed and go forward only: each part is disjoint with what may follow it.
"""

import re
from unicodedata import normalize

# Canonical ordering inside a normal form takes quadratic time on a long run of combining marks; no writing has 30.
_LONG_RUN = re.compile(r"([^\w\s\x00-\x7f]{30})[^\w\s\x00-\x7f]+")
# NFKC would make 102 of 10² and 101/2 of 10½.
_RAISED = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹])")
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
_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")

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
_WORD = re.compile(
    r"\[[a-z][a-z0-9_]{0,40}_\d{1,9}\]"  # a placeholder
    r"|(?:(?<![^\s(\[<>=~'\"$€£¥])-)?\d+(?:[.,:/]\d+)*"  # a number; a dash after a word or number is no sign
    rf"|[{_SINGLE}]"
    rf"|[^\s\d{_BETWEEN}{_SINGLE}]+"
    r"|[$€£¥₹%‰°+<>=±×÷^]|(?<=[a-z])#"
)


def words(text: str) -> list[str]:
    """The words of a text, folded. Any text is good; the time grows with its length."""
    return _WORD.findall(_folded(text))


def _folded(text: str) -> str:
    if not text.isascii():
        text = _LONG_RUN.sub(r"\1", text)
        text = _FRACTION.sub(" ", _RAISED.sub(" ^", text))
        text = normalize("NFKD", text.translate(_PLAIN)).translate(_PLAIN)
        text = normalize("NFC", text.casefold())
    else:
        text = text.replace("`", "'").lower()
    for contraction, full in _CONTRACTIONS:
        text = text.replace(contraction, full)
    return _GROUPS.sub(lambda found: found[0].replace(",", ""), text)
