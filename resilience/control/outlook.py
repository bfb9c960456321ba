"""What a change would lead to: reasons against it, and sentences about the next request."""

import math
from datetime import datetime

from resilience.breaker import CircuitView
from resilience.config import Config
from resilience.control.control import Control
from resilience.control.refusals import RefusalError, UnknownError
from resilience.events import State


async def against_order(control: Control, config: Config) -> list[RefusalError]:
    """Reasons not to make the first of this order the primary; none if it is that already."""
    first = config.providers[0]
    if first.name == control.client.config.providers[0].name:
        return []
    if not first.usable:
        message = f"{first.name} has no key, so {_next(control, config) or 'nobody'} would be the primary"
        return [RefusalError("primary_key_missing", message, forceable=True)]
    reasons = []
    view = _views(control).get(first.name)
    if view is not None and view.state is State.OPEN:
        message = f"{first.name}'s circuit is OPEN{_for_how_long(control, view)}"
        reasons.append(RefusalError("primary_circuit_open", message, forceable=True))
    reached = await control.reach(first.base_url)
    if not reached.ok:
        message = f"{first.name} at {first.base_url}: {reached.detail}"
        reasons.append(RefusalError("primary_unreachable", message, forceable=True))
    return reasons


def against_isolation(control: Control, provider: str) -> list[RefusalError]:
    """Reasons not to isolate a provider."""
    views = _views(control)
    others = [p.name for p in control.client.chain if p.name != provider and views[p.name].state is not State.OPEN]
    if others or provider not in {p.name for p in control.client.chain}:
        return []
    message = f"{provider} is the last that can be called: without it every request fails"
    return [RefusalError("last_usable_provider", message, forceable=True)]


def against_release(control: Control, provider: str) -> list[RefusalError]:
    """Reasons not to release a circuit."""
    view = _views(control)[provider]
    if view.isolated:
        return []
    return [RefusalError("not_isolated", f"{provider}'s circuit is not isolated: it is {view.state}")]


def has_circuit(control: Control, provider: str) -> str:
    """The name of a provider with a circuit. Raises UnknownError."""
    if provider not in control.client.known():
        names = ", ".join(control.client.known())
        raise UnknownError(f"there is no circuit of such a provider; there are {names}")
    return provider


def order_sentences(control: Control, config: Config) -> list[str]:
    """Who would be asked, and which of them would be passed over."""
    views = _views(control)
    target = _next(control, config)
    sentences = ["No provider could be asked now." if target is None else f"The next request goes to {target}."]
    for provider in config.providers:
        if not provider.usable:
            sentences.append(f"{provider.name} has no key and is skipped.")
        elif (view := views.get(provider.name)) is not None and view.state is State.OPEN:
            held = "isolated" if view.isolated else "OPEN"
            sentences.append(f"{provider.name}'s circuit is {held}{_for_how_long(control, view)} more.")
    return sentences


def circuit_sentences(control: Control, provider: str, action: str, for_s: float) -> list[str]:
    """What the action makes of the circuit, and who is asked then."""
    match action:
        case "reset":
            first = f"{provider}'s circuit is CLOSED at once and counts from zero."
        case "isolate":
            first = f"{provider} is not asked for {for_s:g} s, whatever happens."
        case _:
            first = f"The next request that reaches {provider} probes it."
    closed, opened = ({provider}, set[str]()) if action != "isolate" else (set[str](), {provider})
    target = _next(control, control.client.config, closed, opened)
    return [first, "No provider could be asked now." if target is None else f"The next request goes to {target}."]


def _next(
    control: Control,
    config: Config,
    closed: frozenset[str] | set[str] = frozenset(),
    opened: frozenset[str] | set[str] = frozenset(),
) -> str | None:
    views = _views(control)
    for provider in config.providers:
        name = provider.name
        shut = name in views and views[name].state is State.OPEN and name not in closed
        if provider.usable and not shut and name not in opened:
            return name
    return None


def _views(control: Control) -> dict[str, CircuitView]:
    return {name: link.view for name, link in control.client.known().items()}


def _for_how_long(control: Control, view: CircuitView) -> str:
    until: datetime | None = view.open_until
    return "" if until is None else f" for {max(0, math.ceil((until - control.now()).total_seconds()))} s"
