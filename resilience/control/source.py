"""Where settings come from: the text of `.env` and the environment, which wins."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from resilience.config import (
    CHOICES,
    DEFAULT_ORDER,
    KNOWN,
    NUMBERS,
    ORDER,
    PATTERNS,
    Config,
    available,
    config_of,
    key_variable,
)
from resilience.control.refusals import InvalidError
from resilience.envfile import values_in
from resilience.errors import ConfigError
from resilience.tokens import VARIABLE as TOKENS

AT_START = ("METIS_HOST", "METIS_PORT", "METIS_LLM_LOG_PATH")
"""Settings that only a restart applies."""

SETTABLE = (*(number.variable for number in NUMBERS), *CHOICES)
"""Settings that the control API may write; keys and addresses are for people and their editor."""

_OF_A_PROVIDER = re.compile(r"METIS_LLM_[A-Z0-9_]+_(?:BASE_URL|MODEL)")


@dataclass(frozen=True, slots=True)
class Source:
    """One reading of both."""

    text: str
    environ: Mapping[str, str]
    in_file: Mapping[str, str] = field(init=False, repr=False)
    values: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "in_file", values_in(self.text))
        object.__setattr__(self, "values", {**self.in_file, **self.environ})

    def config(self, running: Config) -> Config:
        """All settings, but those of AT_START as they run. Raises InvalidError."""
        try:
            config = config_of(self.values)
        except ConfigError as exc:
            named = re.match(r"[A-Z][A-Z0-9_]+", str(exc))
            raise InvalidError(str(exc), named[0] if named else None) from exc
        return replace(config, host=running.host, port=running.port, log_path=running.log_path, version=running.version)

    def known(self, salt: str) -> dict[str, str]:
        """The settings that are set, by name; secrets as salted digests."""
        names = {
            n for n in self.values if n in SETTABLE or n in (*AT_START, ORDER, PATTERNS) or _OF_A_PROVIDER.fullmatch(n)
        }
        shown = {name: self.values[name] for name in names if self.values[name] or name == ORDER}
        keys = {key_variable(name) for name in (*KNOWN, *available(self.values))} | {TOKENS}
        return shown | {name: _digest(salt, self.values[name]) for name in keys if self.values.get(name)}


def is_secret(name: str) -> bool:
    """Whether a setting's value must not be shown."""
    return name == TOKENS or name.endswith("_API_KEY")


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    """(name, old, new) of what differs between two `known`, in words that may be shown."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return tuple((name, *_words(name, before.get(name), after.get(name))) for name in names)


def default_of(name: str) -> str:
    """The default of a setting as text; `default` where it is not one of SETTABLE."""
    if name == ORDER:
        return DEFAULT_ORDER
    if name in CHOICES:
        return str(next(iter(CHOICES[name])))
    for number in NUMBERS:
        if number.variable == name:
            return f"{getattr(number.policy(), number.field):g}"
    return "default"


def _words(name: str, old: str | None, new: str | None) -> tuple[str, str]:
    if is_secret(name):
        return ("not set" if old is None else "set"), (
            "not set" if new is None else "set" if old is None else "changed"
        )
    return default_of(name) if old is None else old, default_of(name) if new is None else new


def _digest(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}:{value}".encode("utf-8", "replace")).hexdigest()
