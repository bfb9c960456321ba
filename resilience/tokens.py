"""Who may control the service: the entries of METIS_CONTROL_TOKENS, kept as digests only."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from resilience.errors import ConfigError
from resilience.events import PROVIDER_NAME

VARIABLE = "METIS_CONTROL_TOKENS"


class Role(StrEnum):
    """VIEWER reads; OPERATOR also changes."""

    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Token:
    """One entry. digest: SHA-256 of the token; last_day: the last on which it is good (UTC), None for ever."""

    name: str
    role: Role
    digest: bytes = field(repr=False)
    last_day: date | None = None


def tokens_in(text: str) -> tuple[Token, ...]:
    """The entries of `name:role:token[:YYYY-MM-DD],...`. Raises ConfigError, which never shows a token."""
    entries = [entry.strip() for entry in text.split(",")]
    tokens = tuple(_token(number, entry) for number, entry in enumerate(entries, 1) if entry)
    for number, token in enumerate(tokens, 1):
        if any(token.digest == other.digest for other in tokens[: number - 1]):
            raise ConfigError(f"{VARIABLE} must hold each token once, entry {number} repeats an earlier one")
    return tokens


def owner(tokens: Iterable[Token], presented: str, today: date) -> Token | None:
    """The entry that the presented token belongs to, None if it is wrong or expired. Takes the same time for all."""
    digest = hashlib.sha256(presented.encode("utf-8", "replace")).digest()
    found = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest) and (token.last_day is None or today <= token.last_day):
            found = token
    return found


def _token(number: int, entry: str) -> Token:
    parts = entry.split(":")
    if len(parts) not in (3, 4):
        raise _broken(number, "name:role:token or name:role:token:YYYY-MM-DD", f"has {len(parts)} parts")
    name, role, secret = parts[:3]
    if re.fullmatch(PROVIDER_NAME, name) is None:
        raise _broken(number, "names of a-z, 0-9, _ and -, beginning with a letter, at most 32 long", "has another")
    if role not in set(Role):
        raise _broken(number, "the role viewer or operator", "has another")
    if re.fullmatch(r"[A-Za-z0-9_.~-]{16,}", secret) is None:
        raise _broken(number, "tokens of at least 16 characters of A-Z, a-z, 0-9, _ . ~ -", "has another (not shown)")
    last_day = None
    if len(parts) == 4:
        try:
            last_day = date.fromisoformat(parts[3]) if re.fullmatch(r"\d{4}-\d\d-\d\d", parts[3]) else None
        except ValueError:
            last_day = None
        if last_day is None:
            raise _broken(number, "a last day as YYYY-MM-DD", "has another")
    return Token(name, Role(role), hashlib.sha256(secret.encode()).digest(), last_day)


def _broken(number: int, rule: str, got: str) -> ConfigError:
    return ConfigError(f"{VARIABLE} must hold {rule}: entry {number} {got}")
