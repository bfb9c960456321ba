"""Somebody else's changes: which version a form rests on, and what has happened since."""

from collections.abc import Iterable

from dashboard.control.values import Change, Stale


def seen_version(seen: int | None, current: int, *, dirty: bool) -> int:
    """The version that a form rests on. One that somebody is filling in keeps its own until they have seen the rest."""
    return seen if dirty and seen is not None else current


def since(version: int, changes: Iterable[Change], stale: Stale | None = None) -> tuple[Change, ...]:
    """What was changed after `version`, newest first. stale: a conflict that the service told of, asked first."""
    if stale is not None and stale.between:
        return tuple(change for change in stale.between if change.version > version)
    return tuple(change for change in changes if change.version > version)


def spelled(changes: Iterable[Change]) -> str:
    """One line per change: version, when, who, what, why. Hostile text: for st.code."""
    lines = []
    for change in changes:
        when = "at an unknown time" if change.at is None else f"{change.at:%Y-%m-%d %H:%M:%S} UTC"
        what = "; ".join(f"{name}: {old} → {new}" for name, old, new in change.changes) or change.kind
        lines.append(f"version {change.version}  {when}  {change.actor}  {what}  ({change.reason})")
    return "\n".join(lines)
