"""Texts as one letter per word: what a rule has no word for is all the same to it.

Patterns over such a text are short, and so are the automata made from them, whatever the words and however long the lists.
"""

from collections.abc import Iterable

OTHER = "_"
END = "."  # of a sentence
_FIRST = 0x100  # letters from here on, so that none of them means something in a regular expression


class Vocabulary:
    """Words, and beginnings of words (with `*` at their end), each with a letter of its own.

    Build it once; it never changes.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        # In the order given, words of one list get neighbouring letters: a list is then a range or two, a small automaton.
        ordered = [entry for entry in dict.fromkeys(entries) if entry != END]
        self._letters = {entry: chr(_FIRST + place) for place, entry in enumerate(ordered)} | {END: END}
        self._beginnings = {entry[:-1]: self._letters[entry] for entry in ordered if entry.endswith("*")}
        self._lengths = sorted({len(beginning) for beginning in self._beginnings}, reverse=True)
        self._patterns = {entry: self._pattern(entry) for entry in self._letters}

    def letters(self, words: Iterable[str]) -> str:
        """The words in letters, one each: that of the word itself, else of its longest beginning that has one."""
        known = {}
        for word in set(words):
            known[word] = self._letters.get(word) or self._beginning(word)
        return "".join(map(known.__getitem__, words))

    def pattern(self, entry: str) -> str:
        """A regular expression for the letter of any word that an entry stands for."""
        return self._patterns[entry]

    def _pattern(self, entry: str) -> str:
        if not entry.endswith("*"):
            return self._letters[entry].replace(END, r"\.")
        return f"[{''.join(letter for other, letter in self._letters.items() if other.startswith(entry[:-1]))}]"

    def _beginning(self, word: str) -> str:
        for length in self._lengths:
            letter = self._beginnings.get(word[:length])
            if letter:
                return letter
        return OTHER
