"""Patterns of one's own, from a setting: CUSTOMER=KD-\\d{6};PROJECT=(?i)project [a-z]+.

NAME=pattern, parted by ";" or a new line: a value in .env is one line most of the time. A ";" inside a pattern is written \\x3b.
RE2 alone reads them, so that no pattern takes more than linear time, and their programs are bounded: an instruction costs 0.2 ms
for 20 KB at worst. A match of fewer than four characters tells nobody from another, and is none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import re2

from resilience.errors import PolicyError
from resilience.guards.findings import KINDS

PROGRAM_MAX, PROGRAMS_MAX = 200, 600  # RE2's instructions, of one pattern and of all
MATCH_MIN = 4  # characters
_MEMORY_BYTES = 1 << 20
_LENGTH_MAX = 500
_SINGLE = [chr(code) for code in (*range(32, 127), 0xE9)]
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Custom:
    """Patterns of one's own, by name, in the order in which they are looked for."""

    patterns: tuple[tuple[str, Any], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The kinds that these patterns add."""
        return tuple(name for name, _ in self.patterns)

    def find(self, text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
        """Name and places of each pattern; characters of the text."""
        # RE2 reads UTF-8, which has no half of a surrogate pair.
        text = _SURROGATE.sub("\ufffd", text)
        for name, pattern in self.patterns:
            spans = (found.span() for found in pattern.finditer(text))
            yield name, [(start, end) for start, end in spans if end - start >= MATCH_MIN]


NONE = Custom()


def custom(setting: str, thing: str = "guard_pii_patterns") -> Custom:
    """The patterns of a setting's text.

    thing: what an error names, such as the environment's variable.
    Raises: PolicyError for a name or pattern that breaks its rule.
    """
    entries = [entry.strip() for line in setting.splitlines() for entry in line.split(";")]
    patterns: dict[str, Any] = {}
    for entry in filter(None, entries):
        name, equals, pattern = entry.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name) or name in KINDS or name in patterns:
            raise PolicyError(thing, f"NAME=pattern, each name once, in capitals, none of {', '.join(KINDS)}", entry)
        patterns[name] = _compiled(pattern.strip(), f"{thing}, {name},")
    size = sum(_size(pattern) for pattern in patterns.values())
    if size > PROGRAMS_MAX:
        raise PolicyError(thing, f"{PROGRAMS_MAX} instructions of RE2 or fewer in all", size)
    return Custom(tuple(patterns.items()))


def _compiled(pattern: str, thing: str) -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    if not 0 < len(pattern) <= _LENGTH_MAX:
        raise PolicyError(thing, f"1 to {_LENGTH_MAX} characters", pattern[:50])
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as exc:
        reason = exc.args[0].decode(errors="replace") if isinstance(exc.args[0], bytes) else str(exc)
        raise PolicyError(thing, f"a pattern that RE2 can read ({reason})", pattern) from exc
    if (size := _size(compiled)) > PROGRAM_MAX:
        raise PolicyError(thing, f"{PROGRAM_MAX} instructions of RE2 or fewer, and is {size}", pattern)
    if any(compiled.fullmatch(text) for text in ("", *_SINGLE)):
        raise PolicyError(thing, "a pattern that matches neither nothing nor a single character", pattern)
    return compiled


def _size(pattern: Any) -> int:
    # Counted as if a byte were a character: the many instructions of a class such as \pL are not run at once.
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    try:
        return int(re2.compile(pattern.pattern.encode(), options).programsize)
    except re2.error:  # it names a character that is none there, as \x{4e00}
        return int(pattern.programsize)
