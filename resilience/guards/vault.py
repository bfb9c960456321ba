"""One request's findings behind placeholders, and back: in memory only, and shown by nothing.

The provider reads [EMAIL_1], the caller the address. The same value has the same placeholder in all of a request's messages.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from resilience.guards.custom import NONE, Custom
from resilience.guards.findings import Finding
from resilience.guards.pii import find, replaced

# As models write them: in another case, or with Markdown's escapes. In brackets always, so that "email 1" stays what it is.
_WRITTEN = re.compile(r"\\?\[([A-Za-z][A-Za-z0-9_\\]{0,90})\]")

LOOKED_UP_MAX = 200


class Vault:
    """What was hidden in one request. Not for two threads at once, never to be kept longer than the request."""

    __slots__ = ("_counts", "_custom", "_foreign", "_numbers", "_placeholders", "_sent", "_spelled")

    def __init__(self, custom: Custom = NONE) -> None:
        self._custom = custom
        self._placeholders: dict[tuple[str, str], str] = {}  # of each kind and value
        self._spelled: dict[str, str] = {}  # the value of each spelling of a placeholder, in capitals
        self._numbers: Counter[str] = Counter()  # the last one given, by kind
        self._foreign: set[str] = set()  # placeholders that texts brought with them
        self._sent: list[str] = []
        self._counts: Counter[str] = Counter()

    def hide(self, text: str) -> str:
        """The text with a placeholder for each finding; hiding what is hidden changes nothing.

        A placeholder that stands in the text already stays, and comes back as it is: restore(hide(text)) == text. If it is the name
        of one that this vault gave for an earlier text, it is taken for that one; `hide_all` knows all texts before it gives a name.
        """
        return self.hide_all([text])[0]

    def hide_all(self, texts: Sequence[str]) -> list[str]:
        """Several texts of one request, hidden; no name is given that any of them holds already."""
        for text in texts:
            for found in _WRITTEN.finditer(text):
                name = found[1].upper().replace("\\", "")
                if f"[{name}]" not in self._spelled:
                    self._foreign.add(f"[{name}]")
        self._sent += texts
        return [replaced(text, self._custom, self._placeholder) for text in texts]

    def restore(self, text: str) -> str:
        """The text with the values in the place of this vault's placeholders, once: values are not searched."""
        return _WRITTEN.sub(self._value, text) if self._spelled else text

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings were hidden, by kind; a value counts at each of its places."""
        return MappingProxyType(self._counts)

    def new_findings(self, answer: str) -> tuple[Finding, ...]:
        """What an answer holds that no text given to this vault held, however written: made up, or leaked from elsewhere.

        Of an answer with more than LOOKED_UP_MAX values that were not hidden, the others count as new without a look: a bound on the
        cost of an answer made to be dear.
        """
        findings = find(answer, self._custom)
        hidden = {_compact(value) for value in self._spelled.values()} if findings else set()
        values = dict.fromkeys(_compact(answer[one.start : one.end]) for one in findings)
        unknown = [value for value in values if value not in hidden]
        sent = [_compact(text) for text in self._sent] if unknown else []
        looked_up = unknown[:LOOKED_UP_MAX]
        new = {*unknown[LOOKED_UP_MAX:], *(value for value in looked_up if not any(value in text for text in sent))}
        return tuple(one for one in findings if _compact(answer[one.start : one.end]) in new)

    def spellings(self) -> list[str]:
        """All ways in which `restore` knows this vault's placeholders, in capitals and in order."""
        return sorted(self._spelled)

    def _placeholder(self, finding: Finding, value: str) -> str:
        self._counts[finding.kind] += 1
        key = (finding.kind, value)
        if key not in self._placeholders:
            self._placeholders[key] = self._new_placeholder(finding.kind)
            self._spelled |= dict.fromkeys(_spellings(self._placeholders[key]), value)
        return self._placeholders[key]

    def _new_placeholder(self, kind: str) -> str:
        while True:
            self._numbers[kind] += 1
            placeholder = f"[{kind}_{self._numbers[kind]}]"
            if placeholder not in self._foreign and placeholder not in self._spelled:
                return placeholder

    def _value(self, found: re.Match[str]) -> str:
        written = found[0].upper()
        if written in self._spelled:
            return self._spelled[written]
        if written[1:] in self._spelled:  # behind a backslash of the text's own
            return found[0][0] + self._spelled[written[1:]]
        return found[0]

    def __repr__(self) -> str:
        return f"<Vault of {len(self._placeholders)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Vault stays in memory: it cannot be pickled or copied")


class Restorer:
    """Restores a stream: pieces in, pieces out. Held back is only what may become a placeholder of the vault."""

    __slots__ = ("_held", "_spellings", "_vault")

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._spellings = vault.spellings()
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown after this piece; maybe nothing."""
        text = self._held + piece
        at = self._first_open(text)
        self._held = text[at:]
        return self._vault.restore(text[:at])

    def end(self) -> str:
        """What was held back, after the last piece."""
        held, self._held = self._held, ""
        return held

    def __repr__(self) -> str:
        return f"<Restorer holding {len(self._held)} characters>"

    __reduce__ = Vault.__reduce__

    def _first_open(self, text: str) -> int:
        """Where the beginning of a placeholder stands that the text's end cuts off; the text's length if none does."""
        bracket = text.rfind("[")
        starts = (
            [bracket - 1, bracket] if bracket > 0 and text[bracket - 1] == "\\" else [bracket] if bracket >= 0 else []
        )
        for start in [*starts, len(text) - 1]:
            if start >= 0 and self._begins(text[start:]):
                return start
        return len(text)

    def _begins(self, tail: str) -> bool:
        if not tail.isascii():
            return False
        tail = tail.upper()
        at = bisect_left(self._spellings, tail)
        return at < len(self._spellings) and self._spellings[at] != tail and self._spellings[at].startswith(tail)


def _spellings(placeholder: str) -> tuple[str, ...]:
    escaped = placeholder.replace("_", "\\_")
    return placeholder, escaped, *(f"\\{one[:-1]}\\]" for one in (placeholder, escaped))


def _compact(text: str) -> str:
    """Letters and digits alone, in one case: +49 (30) 1234-567 is 49301234567."""
    return re.sub(r"[\W_]+", "", text).casefold()
