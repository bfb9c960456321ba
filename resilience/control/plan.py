"""What a change would make of the settings: the new text and the new settings as a whole, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from resilience.config import ORDER, Config
from resilience.control.refusals import InvalidError, RefusalError, UnknownError
from resilience.control.settings import IN_ENVIRONMENT
from resilience.control.source import SETTABLE, Source, is_secret
from resilience.control.state import Entry, State
from resilience.envfile import EnvFileError, edited
from resilience.policy import GUARDS

GUARD_PREFIX = "guard "


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that may be made. switched: the guards that it turns, by name, True for on."""

    kind: str
    source: Source
    config: Config
    switched: Mapping[str, bool]
    for_s: float = 0.0
    undoes: int | None = None
    warnings: tuple[str, ...] = ()


def settings_draft(disk: Source, running: Config, settings: Mapping[str, str | None]) -> Draft:
    """New values of settings; None or empty for the default. Raises InvalidError, RefusalError."""
    changes: dict[str, str | None] = {}
    for name, value in settings.items():
        if name not in SETTABLE:
            rule = "one of the settings that the state lists; keys and addresses change in the file alone"
            raise InvalidError(f"settings must name {rule}, got {name[:60]!r}", name[:60])
        text = (value or "").strip()
        if not (text.isascii() and text.isprintable() and len(text) <= 100):
            raise InvalidError(f"{name} must be printable ASCII, at most 100 long, got {text[:100]!r}", name)
        changes[name] = text or None
    return _drafted("settings", disk, running, changes)


def order_draft(disk: Source, running: Config, order: list[str]) -> Draft:
    """Another order. Raises InvalidError, RefusalError."""
    for name in order:
        if "," in name or not name.strip():
            raise InvalidError(f"{ORDER} must hold one name per entry, got {name[:60]!r}", ORDER)
    return _drafted("order", disk, running, {ORDER: ",".join(order)})


def guard_draft(source: Source, running: Config, guard: str, *, enabled: bool, for_s: float) -> Draft:
    """A guard on, or off for so long; `source` is the one in force. Raises UnknownError."""
    if guard not in GUARDS:
        raise UnknownError(f"there is no such guard; there are {', '.join(GUARDS)}")
    return Draft("guard", source, running, {guard: enabled}, for_s)


def undo_draft(state: State, disk: Source, source: Source, running: Config, version: int, for_s: float) -> Draft:
    """What the change of that version replaced. Raises UnknownError, RefusalError."""
    entry = next((entry for entry in state.history if entry.version == version and entry.kind != "circuit"), None)
    if entry is None:
        raise UnknownError(f"the history has no change of version {version}")
    if entry.kind == "env_file" or not entry.before:
        raise RefusalError("changed_since", f"change {version} was made by hand in the file: put it back there")
    if (name := _changed_since(entry, state, disk)) is not None:
        raise RefusalError("changed_since", f"{name} has been changed since version {version}: nothing is put back")
    switched = {
        name.removeprefix(GUARD_PREFIX): value == "on"
        for name, value in entry.before.items()
        if name.startswith(GUARD_PREFIX)
    }
    settings = {name: value for name, value in entry.before.items() if not name.startswith(GUARD_PREFIX)}
    if not settings:
        return Draft("undo", source, running, switched, for_s, version)
    draft = _drafted("undo", disk, running, settings)
    return Draft("undo", draft.source, draft.config, switched, for_s, version, draft.warnings)


def undoable(entry: Entry, state: State, running: Source) -> bool:
    """Whether the change can be put back now."""
    return (
        entry.kind in ("order", "settings", "guard", "undo")
        and bool(entry.before)
        and _changed_since(entry, state, running) is None
        and not any(name in running.environ for name in entry.before)
    )


def before_and_after(
    draft: Draft, state: State, running: Source
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """What can be put back later: of each name that the draft changes, what was and what will be."""
    names = [name for name in (*SETTABLE, ORDER) if running.in_file.get(name) != draft.source.in_file.get(name)]
    before = {name: running.in_file.get(name) for name in names if not is_secret(name)}
    after = {name: draft.source.in_file.get(name) for name in names if not is_secret(name)}
    for guard, enabled in draft.switched.items():
        before[GUARD_PREFIX + guard] = _word(guard not in state.switches)
        after[GUARD_PREFIX + guard] = _word(enabled)
    return before, after


def _drafted(kind: str, disk: Source, running: Config, changes: Mapping[str, str | None]) -> Draft:
    for name in changes:
        if name in disk.environ:
            raise RefusalError("fixed_by_environment", f"{name} is {IN_ENVIRONMENT}: change it there, and restart")
    try:
        source = Source(edited(disk.text, changes), disk.environ)
    except EnvFileError as exc:
        raise InvalidError(str(exc), next(iter(changes), None)) from exc
    config = source.config(running)
    return Draft(kind, source, config, {}, warnings=tuple(w for w in config.warnings if w not in running.warnings))


def _changed_since(entry: Entry, state: State, disk: Source) -> str | None:
    for name, value in entry.after.items():
        guard = name.removeprefix(GUARD_PREFIX)
        now = _word(guard not in state.switches) if name.startswith(GUARD_PREFIX) else disk.in_file.get(name)
        if now != value:
            return name
    return None


def _word(enabled: bool) -> str:
    return "on" if enabled else "off"
