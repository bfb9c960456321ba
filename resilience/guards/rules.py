"""The firewall's rules: read from `rules.toml`, compiled once for RE2, matched in linear time.

A pattern over words is a row of steps: a word, words with `|` between them, `<forget>` for one of that list, `<3>` for up to
three words of the same sentence that do not matter, `~` for an end of sentence that may be there; `?` after a step makes it
optional, `*` after a word stands for all that begin so. There is nothing else, so no rule can be costly by accident.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import re2

from resilience.guards import normalise


@dataclass(frozen=True, slots=True)
class Rule:
    """One intent: `weight` (0 to 1) is how sure its match alone makes us."""

    name: str
    weight: float
    on: str  # "words" (normalise.words), "marks" (normalise.plain), "code": not by patterns, found while reading the text
    patterns: tuple[Any, ...]  # compiled by RE2, which ships no types

    def matches(self, text: bytes) -> bool:
        """Whether one of the patterns occurs in a UTF-8 text."""
        return any(pattern.search(text) for pattern in self.patterns)


@cache
def rules() -> tuple[Rule, ...]:
    """All rules of the package, in the order of their file."""
    data = tomllib.loads(resources.files("resilience.guards").joinpath("rules.toml").read_text("utf-8"))
    lists = {name: _alternatives(words) for name, words in data["words"].items()}
    return tuple(
        Rule(
            name=rule["name"],
            weight=rule["weight"],
            on=rule.get("on", "words"),
            patterns=tuple(_compiled(rule, lists)),
        )
        for rule in data["rule"]
    )


def _alternatives(words: Sequence[str]) -> str:
    return f"(?:{'|'.join(dict.fromkeys(map(_folded, words)))})"


def _folded(word: str) -> str:
    stem = normalise.words(normalise.plain(word.rstrip("*"))).strip()
    return f"{stem}[^ ]*" if word.endswith("*") else stem


def _compiled(rule: Mapping[str, Any], lists: Mapping[str, str]) -> list[Any]:
    if rule.get("on", "words") != "words":
        return [_regex(pattern) for pattern in rule.get("patterns", ())]
    # One program per rule: RE2 walks all its alternatives at once.
    return [_regex("|".join(_expanded(pattern, lists) for pattern in rule["patterns"]))]


def _expanded(pattern: str, lists: Mapping[str, str]) -> str:
    return "".join(_step(step, lists) for step in pattern.split()) + " "


def _step(step: str, lists: Mapping[str, str]) -> str:
    """One step of a pattern with the space before it."""
    if step == "~":
        return r"(?: \.)?"
    if step.endswith("?"):
        return f"(?:{_step(step[:-1], lists)})?"
    if step[1:-1].isdigit():
        return f"(?: [^ .]+){{0,{step[1:-1]}}}"
    return f" (?:{'|'.join(lists[word[1:-1]] if word.startswith('<') else _folded(word) for word in step.split('|'))})"


def _regex(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = 16 << 20
    options.never_capture = True
    return re2.compile(pattern, options)
