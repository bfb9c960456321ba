"""Rules from TOML: the defaults beside this file, and a file of the user's over them.

A user's table with the name of a default changes its fields, one with another name is a rule of its own, and
`enabled = false` takes a rule out. Every message names the file, the rule, the field, what it must be and what it is.
"""

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from dashboard.alerts.rule import OF_A_PROVIDER, OF_THE_MOMENT, SHARES, Comparison, Metric, Rule, Rules, Severity, Step
from resilience.events import PROVIDER_NAME

DEFAULTS = Path(__file__).with_name("rules.toml")
LONGEST_S = 86_400
"""The longest window and duration."""

_NAME = r"[a-z][a-z0-9_]{0,62}"


class RuleError(ValueError):
    """A rule file cannot be used; the message says where, the rule that is broken, and the value."""


def load_rules(path: Path | None = None) -> Rules:
    """The default rules, with those of the file `path` over them. Raises: RuleError."""
    found = _read(DEFAULTS)
    where = dict.fromkeys(found["rule"], DEFAULTS.name)
    if path is not None:
        own = _read(path)
        where |= dict.fromkeys(own["rule"], str(path))
        changed = {name: found["rule"].get(name, {}) | table for name, table in own["rule"].items()}
        found = found | own | {"rule": found["rule"] | changed}
    interval_s = _field(str(path or DEFAULTS.name), "interval_s", found["interval_s"], _whole(1, 300))
    rules = (_rule(where[name], name, table) for name, table in found["rule"].items())
    return Rules(interval_s, tuple(rule for rule in rules if rule is not None))


def _read(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise RuleError(f"{path} must be a readable TOML file, got {exc.strerror or exc}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise RuleError(f"{path} must be TOML, got {exc}") from None
    if unknown := found.keys() - {"interval_s", "rule"}:
        raise RuleError(f"{path} must hold interval_s and tables [rule.NAME] only, got {sorted(unknown)[0]!r}")
    tables = found.setdefault("rule", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise RuleError(f"{path}: rule must be tables [rule.NAME], got {tables!r}")
    for name in tables:
        if not re.fullmatch(_NAME, name):
            raise RuleError(f"{path}: a rule's name must be small letters, digits and _ (at most 63), got {name!r}")
    return found


def _rule(file: str, name: str, table: Mapping[str, Any]) -> Rule | None:
    where = f"{file}, rule {name}"
    known = {item.name for item in fields(Rule)} - {"name"}
    for field in table:
        if field not in known | {"enabled"}:
            raise RuleError(f"{where}: {field} is no field of a rule; there are {', '.join(sorted(known))}, enabled")
    enabled = _field(where, "enabled", table.get("enabled", True), _flag)
    for item in fields(Rule):
        if item.name != "name" and item.default is MISSING and item.name not in table:
            raise RuleError(f"{where}: {item.name} must be given")
    given = {field: _field(where, field, value, _CHECKS[field]) for field, value in table.items() if field != "enabled"}
    rule = Rule(name=name, **given)
    _fits(where, rule)
    return rule if enabled else None


def _fits(where: str, rule: Rule) -> None:
    """Raises RuleError for fields that do not go together."""

    def must(kept: bool, field: str, words: str) -> None:
        if not kept:
            raise RuleError(f"{where}: {field} must be {words}, got {getattr(rule, field)!r}")

    momentary = rule.metric in OF_THE_MOMENT
    must(momentary == (rule.window_s == 0), "window_s", f"{'0' if momentary else '1 or more'} for {rule.metric}")
    must(rule.threshold <= 1 or rule.metric not in SHARES, "threshold", f"from 0 to 1 for {rule.metric}")
    of_one = rule.metric in OF_A_PROVIDER
    must(of_one == (rule.provider is not None), "provider", f"{'given' if of_one else 'left out'} for {rule.metric}")
    burns = rule.metric is Metric.BURN_RATE
    must(burns == (rule.objective > 0), "objective", f"{'above 0' if burns else 'left out'} for {rule.metric}")
    fast = 0 < rule.fast_window_s < rule.window_s if burns else rule.fast_window_s == 0
    must(fast, "fast_window_s", f"{'above 0 and below window_s' if burns else 'left out'} for {rule.metric}")


def _field(where: str, field: str, value: Any, check: Callable[[Any], Any]) -> Any:
    try:
        return check(value)
    except ValueError as exc:
        raise RuleError(f"{where}: {field} must be {exc}, got {value!r}") from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def _number(low: float, high: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        number = not isinstance(value, bool) and isinstance(value, int | float)
        if not number or not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def _text(longest: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
            raise ValueError(f"text of 1 to {longest} printable characters")
        return value

    return check


def _word(kind: type[Severity | Metric | Comparison | Step]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in list(kind):
            raise ValueError("one of " + ", ".join(repr(str(word)) for word in kind))
        return kind(value)

    return check


def _provider(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(PROVIDER_NAME, value):
        raise ValueError("a provider's name")
    return value


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "title": _text(60),
    "severity": _word(Severity),
    "metric": _word(Metric),
    "comparison": _word(Comparison),
    "threshold": _number(0, 1e9),
    "window_s": _whole(0, LONGEST_S),
    "hold_s": _whole(0, LONGEST_S),
    "keep_firing_s": _whole(0, LONGEST_S),
    "minimum_count": _whole(1, 1_000_000),
    "provider": _provider,
    "fast_window_s": _whole(0, LONGEST_S),
    "objective": _number(0, 0.999999),
    "runbook": _text(100),
    "action": _text(300),
    "step": _word(Step),
}
