"""The firewall's rules: read from `rules.toml`, compiled once for RE2, matched in linear time.

A pattern over words is a row of steps: a word, words with `|` between them, `<forget>` for one of that list, `<3>` for up to
three words of the same sentence that do not matter, `~` for an end of sentence that may be there, `.` for one that must; `?`
after a step makes it optional, `*` after a word stands for all that begin so, `_` joins the words of a phrase. There is nothing
else, so no rule can be costly by accident.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import re2

from resilience.guards import normalise
from resilience.guards.vocabulary import END, Vocabulary

# What a rule's automaton may take while it runs; beyond that RE2 goes on without one, slower and still linear.
_MEMORY_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Rule:
    """One intent: `weight` (0 to 1) is how sure its match alone makes us."""

    name: str
    weight: float
    on: str  # "words", "marks" (normalise.plain), or "code": not by patterns, found while the text is read
    patterns: tuple[Any, ...]  # compiled by RE2, which ships no types

    def matches(self, text: bytes) -> bool:
        """Whether one of the patterns occurs in a UTF-8 text."""
        return any(pattern.search(text) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, in the order of their file, and the words that they are written in."""

    vocabulary: Vocabulary
    rules: tuple[Rule, ...]


@cache
def load() -> Rules:
    """The package's rules."""
    data = tomllib.loads(resources.files("resilience.guards").joinpath("rules.toml").read_text("utf-8"))
    lists = {name: tuple(map(_phrase, words)) for name, words in data["words"].items()}
    rows = {
        rule["name"]: [_steps(pattern, lists) for pattern in rule["patterns"]]
        for rule in data["rule"]
        if rule.get("on", "words") == "words"
    }
    vocabulary = Vocabulary(word for row in rows.values() for steps in row for step in steps for word in step.words())
    return Rules(vocabulary, tuple(_rule(rule, rows, vocabulary) for rule in data["rule"]))


_Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    phrases: tuple[_Phrase, ...] = ()
    gap: int = 0  # words that do not matter
    optional: bool = False

    def words(self) -> Iterable[str]:
        return (word for phrase in self.phrases for word in phrase)

    def regex(self, vocabulary: Vocabulary) -> str:
        if not self.phrases:
            return f"[^{END}]{{0,{self.gap}}}"
        one = "|".join(dict.fromkeys("".join(map(vocabulary.pattern, phrase)) for phrase in self.phrases))
        return f"(?:{one}){'?' if self.optional else ''}"


def _steps(pattern: str, lists: Mapping[str, tuple[_Phrase, ...]]) -> list[_Step]:
    return [_step(step, lists) for step in pattern.split()]


def _step(step: str, lists: Mapping[str, tuple[_Phrase, ...]]) -> _Step:
    if step[1:-1].isdigit():
        return _Step(gap=int(step[1:-1]))
    optional = step == "~" or step.endswith("?")
    phrases: list[_Phrase] = []
    for word in (END if step == "~" else step.removesuffix("?")).split("|"):
        phrases += lists[word[1:-1]] if word.startswith("<") else (_phrase(word),)
    return _Step(tuple(phrases), optional=optional)


def _phrase(written: str) -> _Phrase:
    """The words of a phrase as they come from a text, each with its `*` if it has one."""
    if written == END:
        return (END,)
    return tuple(
        f"{folded}*" if word.endswith("*") else folded
        for word in written.replace("_", " ").split()
        for folded in normalise.words(normalise.plain(word.rstrip("*")))
    )


def _rule(rule: Mapping[str, Any], rows: Mapping[str, list[list[_Step]]], vocabulary: Vocabulary) -> Rule:
    on = rule.get("on", "words")
    if on == "words":
        # One program per rule: RE2 walks all its alternatives at once.
        whole = ["|".join("".join(step.regex(vocabulary) for step in steps) for steps in rows[rule["name"]])]
    else:
        whole = rule.get("patterns", [])
    return Rule(rule["name"], rule["weight"], on, tuple(map(_compiled, whole)))


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.never_capture = True
    options.log_errors = False
    return re2.compile(pattern, options)
