"""GET /state: everything that the page of the operators shows, as one document."""

from typing import Any

from resilience.breaker import CircuitView
from resilience.config import Provider, available, provider_of
from resilience.control.control import Control
from resilience.control.plan import undoable
from resilience.control.settings import shown
from resilience.control.state import Entry
from resilience.errors import ConfigError
from resilience.events import Cause, State
from resilience.link import Link
from resilience.policy import GUARDS
from resilience.service.control_door import Visitor
from resilience.service.wire import iso


def state_document(control: Control, visitor: Visitor) -> dict[str, Any]:
    """The state as docs/control.md describes it."""
    live, known = control.client.live, control.client.known()
    primary = live.providers[0].name
    names = _names(control)
    providers = [*live.config.providers, *_outside(control, names)]
    problem = control.problem
    return {
        "version": live.version,
        "role": visitor.role,
        "name": visitor.name,
        "order": list(live.config.order),
        "primary": primary,
        "providers": [_provider(p, known.get(p.name), primary=p.name == primary) for p in providers],
        "available": names,
        "settings": [
            {name: getattr(setting, name) for name in setting.__slots__}
            for setting in shown(control.source, live.config)
        ],
        "guards": [_guard(control, name) for name in GUARDS],
        "changes": [entry_document(control, entry) for entry in control.state.history],
        "env_file": {
            "path": str(control.place.env_file),
            "problem": None if problem is None else problem[0],
            "at": None if problem is None else iso(problem[1]),
        },
        "needs_restart": control.needs_restart,
    }


def entry_document(control: Control, entry: Entry) -> dict[str, Any]:
    """One change of the history."""
    return {
        "version": entry.version,
        "at": iso(entry.at),
        "actor": entry.actor,
        "reason": entry.reason,
        "origin": entry.origin,
        "kind": entry.kind,
        "changes": [list(change) for change in entry.changes],
        "undoable": undoable(entry, control.state, control.disk),
        "undoes": entry.undoes,
    }


def _names(control: Control) -> list[str]:
    # A dash and an underscore are the same in a variable's name: the spelling that is in use counts.
    by_variable = {name.replace("-", "_"): name for name in available(control.source.values)}
    in_use = (*control.client.known(), *control.client.config.order)
    by_variable |= {name.replace("-", "_"): name for name in in_use if name.replace("-", "_") in by_variable}
    return list(by_variable.values())


def _outside(control: Control, names: list[str]) -> list[Provider]:
    found = []
    for name in names:
        if name not in control.client.config.order:
            try:
                provider = provider_of(name, control.source.values)
            except ConfigError:  # half configured, and not in use
                continue
            if provider.usable:
                found.append(provider)
    return found


def _provider(provider: Provider, link: Link | None, *, primary: bool) -> dict[str, Any]:
    refused_at = None if link is None else link.key_refused_at
    key = "missing" if not provider.usable else "ok" if refused_at is None else "refused"
    return {
        "provider": provider.name,
        "model": provider.model,
        "base_url": provider.base_url,
        "primary": primary,
        "key": key,
        "key_refused_at": iso(refused_at) if key == "refused" else None,
        "circuit": None if link is None else _circuit(link.view),
    }


def _circuit(view: CircuitView) -> dict[str, Any]:
    last = view.last
    by_time = last is not None and view.state is State.HALF_OPEN and last.event.to is State.OPEN
    return {
        "state": view.state,
        "cause": None if last is None else Cause.COOLDOWN_ELAPSED if by_time else last.event.cause,
        "since": None if last is None else iso(last.event.open_until if by_time else last.at),
        "open_until": iso(view.open_until),
        "failures": view.failures,
        "trigger_request_ids": [] if last is None else list(last.event.trigger_request_ids),
        "actor": None if last is None else last.event.actor,
        "reason": None if last is None else last.event.reason,
        "isolated_until": iso(view.open_until) if view.isolated else None,
    }


def _guard(control: Control, name: str) -> dict[str, Any]:
    switch = control.state.switches.get(name)
    return {
        "guard": name,
        "enabled": switch is None,
        "until": None if switch is None else iso(switch.until),
        "actor": None if switch is None else switch.actor,
        "reason": None if switch is None else switch.reason,
        "available": True,
    }
