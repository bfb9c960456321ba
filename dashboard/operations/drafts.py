"""What an operator is about to ask for, before it is asked: where it goes, with which body, and how it reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dashboard.control.values import SETTING_NAMES, Change, ControlState
from resilience.events import Cause

TIMEOUT = "METIS_LLM_TIMEOUT_SECONDS"
LONG_TIMEOUT_S = 120.0  # runbook, "3. Increase Provider Timeout"
GUARD_OFF = "Disabling security features reduces protection. Only disable for debugging (runbook §7)."
REASON_LENGTH = 200


class Verb(StrEnum):
    """What can be done to a circuit by hand."""

    RESET = "reset"
    ISOLATE = "isolate"
    RELEASE = "release"


CAUSES: Mapping[Verb, Cause] = {
    Verb.RESET: Cause.MANUAL_RESET,
    Verb.ISOLATE: Cause.ISOLATED,
    Verb.RELEASE: Cause.RELEASED,
}


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """Another order of the chain."""

    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsDraft:
    """New values by setting; None: back to the default."""

    values: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class CircuitDraft:
    """Something done to one circuit. for_s: how long it is isolated, in seconds."""

    provider: str
    verb: Verb
    for_s: int = 1800


@dataclass(frozen=True, slots=True)
class GuardDraft:
    """A guard's switch. for_s: after how many seconds it switches back on."""

    guard: str
    enabled: bool
    for_s: int = 600


@dataclass(frozen=True, slots=True)
class UndoDraft:
    """What the change of this version replaced is put back."""

    change: Change


Draft = OrderDraft | SettingsDraft | CircuitDraft | GuardDraft | UndoDraft


def request(draft: Draft, version: int, reason: str, actor: str, *, force: bool = False) -> tuple[str, dict[str, Any]]:
    """Path and body of the change. version: the one that was seen; actor: on whose behalf."""
    path, fields = _target(draft)
    body = {"version": version, "reason": reason, "actor": actor, **fields}
    return path, body | ({"force": True} if force else {})


def preview(draft: Draft, version: int) -> dict[str, Any] | None:
    """The body that asks what the change would do; None where the API has no preview."""
    seen = {"version": version, "reason": "preview"}
    match draft:
        case OrderDraft():
            return {"action": "order", **seen, **_target(draft)[1]}
        case SettingsDraft():
            return {"action": "settings", **seen, **_target(draft)[1]}
        case CircuitDraft(provider, verb):
            return {"action": str(verb), "provider": provider, **_target(draft)[1]}
    return None


def label(draft: Draft | None) -> str:
    """The button's words. Holds checked names and our own words only."""
    match draft:
        case OrderDraft(order):
            return f"Set this order: {order[0]} first"
        case SettingsDraft(values):
            return f"Set {len(values)} setting{'' if len(values) == 1 else 's'}"
        case CircuitDraft(provider, Verb.ISOLATE, for_s):
            return f"Isolate {provider} for {duration(for_s)}"
        case CircuitDraft(provider, verb):
            return f"{str(verb).capitalize()} the circuit of {provider}"
        case GuardDraft(guard, enabled, for_s):
            return f"Switch {guard} on" if enabled else f"Switch {guard} off for {duration(for_s)}"
        case UndoDraft(change):
            return f"Undo version {change.version}"
    return "Nothing chosen yet"


def says(draft: Draft) -> tuple[str, ...]:
    """What the change does, where the API has no preview of it. May hold texts of the API: for inert showing."""
    match draft:
        case GuardDraft(guard, enabled, for_s):
            if enabled:
                return (f"The guard {guard} is switched on.",)
            return (f"The guard {guard} is off for {duration(for_s)}, then it switches back on by itself.",)
        case UndoDraft(change):
            return tuple(f"{name}: back from {new} to {old}." for name, old, new in change.changes)
    return ()


def warnings(draft: Draft, state: ControlState) -> tuple[str, ...]:
    """The runbook's warnings about a draft."""
    match draft:
        case SettingsDraft(values) if _seconds(dict(values).get(TIMEOUT)) > LONG_TIMEOUT_S:
            return (
                "Timeouts above 120 s may impact user experience. Consider whether the provider is appropriate "
                "(runbook §3).",
            )
        case GuardDraft(guard, enabled):
            said = () if enabled else (GUARD_OFF,)
            there = any(each.guard == guard and each.available for each in state.guards)
            return said if there else (*said, f"This service has no {guard} guard: the switch is kept, no more.")
        case CircuitDraft(_, Verb.RESET):
            return (
                "Recommended is to wait for the cooldown. Reset only if the provider is confirmed healthy (runbook §5).",
            )
    return ()


def is_noop(draft: Draft, state: ControlState) -> bool:
    """Whether the draft asks for what is there already."""
    match draft:
        case OrderDraft(order):
            return order == state.order
        case SettingsDraft(values):
            return not values
        case GuardDraft(guard, enabled):
            return any(each.guard == guard and each.enabled == enabled for each in state.guards)
    return False


def settings_draft(typed: Mapping[str, str], state: ControlState) -> SettingsDraft:
    """The settings that were typed: an empty text leaves one as it is, `default` takes it back to its default."""
    present = {setting.name: setting.value for setting in state.settings if setting.fixed is None}
    values: list[tuple[str, str | None]] = []
    for name, text in typed.items():
        value = text.strip()
        if value and name in present and value != present[name]:
            values.append((name, None if value.lower() == "default" else value))
    return SettingsDraft(tuple(values))


def setting_words(name: str) -> str:
    """A setting in words."""
    return SETTING_NAMES.get(name) or name.removeprefix("METIS_LLM_").replace("_", " ").lower().capitalize()


def reason_fault(reason: str) -> str | None:
    """What is wrong with a reason, None if nothing is."""
    if not reason.strip():
        return "Say why, in a few words: it goes into the log."
    if len(reason) > REASON_LENGTH or not reason.isprintable():
        return f"A reason is 1 to {REASON_LENGTH} printable characters."
    return None


def duration(seconds: int) -> str:
    """90 -> "90 s", 600 -> "10 min", 7200 -> "2 h"."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _target(draft: Draft) -> tuple[str, dict[str, Any]]:
    match draft:
        case OrderDraft(order):
            return "/order", {"order": list(order)}
        case SettingsDraft(values):
            return "/settings", {"settings": dict(values)}
        case CircuitDraft(provider, verb, for_s):
            return f"/circuits/{provider}/{verb}", {"for_s": for_s} if verb is Verb.ISOLATE else {}
        case GuardDraft(guard, enabled, for_s):
            return f"/guards/{guard}", {"enabled": enabled} | ({} if enabled else {"for_s": for_s})
        case UndoDraft(change):
            return "/undo", {"change": change.version}


def _seconds(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
