"""One text, as a reader would understand it: look-alike letters, hidden characters and styles folded away.

A fixed number of passes over the text with fixed patterns and tables, so the time grows with its length and nothing else. The
patterns of `re` here have one way only to match, and none reads on before it fails.
"""

import re
import unicodedata

import re2

# Letters that look like Latin ones: Cyrillic, Greek and Armenian, after NFKC and lower case.
# A part of Unicode's confusables.txt (UTS 39): the ones that people write attacks with.
_LOOKS_LIKE = str.maketrans(
    "аеіїјорсухѕԁһԛԝԍӏквмтнп" + "αερουικντχγηω" + "օսոցհքյ" + "ɑɡıɩʟɴʀʏꜱ",
    "aeiijopcyxsdhqwgikbmthn" + "aepouikvtxynw" + "ounghqj" + "agiilnrys",
)
_LEET = str.maketrans("013457@$", "oieastas")

_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_BLANKS = re.compile(r"[^\S\n]{2,}")
_LINES = re.compile(r"\n{3,}")
_MARKS = re.compile("[\u0300-\u036f]")
# Ligatures of whole phrases: the one U+FDFA would become 18 characters.
_PHRASES = re.compile("[\u3300-\u3357\u33ae\u33af\ufdfa\ufdfb]")
# Normal forms sort the marks on one letter, in quadratic time; no script needs more than four. The two of half width become marks.
_PILE = re2.compile(r"([\p{M}\x{ff9e}\x{ff9f}]{4})[\p{M}\x{ff9e}\x{ff9f}]+")
_LATIN = re.compile("[a-z]")
_DIGIT = re.compile("[013457@$]")
# One character each: a run of them would be tried again from each of its places.
_END = re.compile(r"[.!?;:](?=\s|$)|[。！？；]|\n(?= ?[\n\-*#>|•])")
_MARK = "\u2029"  # the end of a paragraph
_TOKEN = re.compile(rf"[^\W_]+(?:['’@$][^\W_]+)*|{_MARK}")


def visible(text: str) -> str:
    """The text in NFKC, without characters that nobody sees and with few blanks in a row.

    Tag characters (an invisible copy of ASCII, U+E0000) become the letters that they stand for.
    """
    shown = _TAGS.sub(lambda found: "".join(chr(ord(mark) - 0xE0000) for mark in found[0]), text)
    folded = unicodedata.normalize("NFKC", _few_marks(_PHRASES.sub(" ", _HIDDEN.sub("", shown))))
    return _LINES.sub("\n\n", _BLANKS.sub(" ", folded))


def plain(text: str) -> str:
    """The visible text in small letters; punctuation and lines stay."""
    return visible(text).lower()


def words(plain_text: str) -> list[str]:
    """The words of a plain text, and `.` where a sentence ends or a paragraph does.

    Accents are dropped, look-alike letters and digits in a word are the Latin letters that they stand for.
    """
    marked = _END.sub(f" {_MARK} ", _without_accents(plain_text))
    return list(map(_word, _TOKEN.findall(marked)))


def has_tags(text: str) -> bool:
    """Whether a text carries invisible tag characters: flags of regions aside, nobody writes them by hand."""
    return any(len(found[0]) > 8 for found in _TAGS.finditer(text))


def _few_marks(text: str) -> str:
    data = text.encode("utf-8", "replace")
    return str(_PILE.sub(rb"\1", data), "utf-8") if _PILE.search(data) else text


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text))).replace("ß", "ss")


def _word(word: str) -> str:
    if not word.isascii():
        word = _latin(word)
    if word.isalpha():
        return word
    if word == _MARK:
        return "."
    word = word.replace("'", "").replace("’", "")
    if _LATIN.search(word) and _DIGIT.search(word):
        return word.translate(_LEET)
    return word


def _latin(word: str) -> str:
    """The word in Latin letters if it mixes scripts, or is made of look-alikes alone; else as it is."""
    folded = word.translate(_LOOKS_LIKE)
    return folded if folded.isascii() or _LATIN.search(word) else word
