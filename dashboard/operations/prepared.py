"""Links that lead to the Operations page with an action prepared; pressing the button is still the operator's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from dashboard.alerts.rule import Rules, Step
from dashboard.inert import INVALID_NAME
from dashboard.operations.drafts import Verb
from dashboard.operations.presets import PRESETS, with_first

PAGE = "operations"
WHAT, ORDER, PROVIDER, VERB, PROOF = "ops.what", "ops.order", "ops.provider", "ops.verb", "ops.proof"
CHECKS = "ops.checks"
KNOWN_GOOD = "Known good (emergency)"


@dataclass(frozen=True, slots=True)
class Link:
    """A way to an action. href: relative to the pages' root."""

    label: str
    href: str
    title: str


def links(states: Mapping[str, str]) -> dict[str, tuple[Link, ...]]:
    """For each provider of the chain, the ways to its actions. states: the circuits', in the chain's order."""
    order = [name for name in states if name != INVALID_NAME]
    return {name: _links(name, order, states[name]) for name in order}


def steps(rules: Rules, states: Mapping[str, str]) -> dict[str, Link]:
    """For each rule that has a step of the runbook, the way to it. states: the circuits', in the chain's order."""
    found = {rule.name: _step(rule.step, states) for rule in rules.rules}
    return {name: link for name, link in found.items() if link is not None}


def _step(step: Step, states: Mapping[str, str]) -> Link | None:
    order = [name for name in states if name != INVALID_NAME]
    match step:
        case Step.CHECKS:
            return Link("Run the checks…", _href({CHECKS: "1"}), "Prepare: the runbook's checks")
        case Step.TIMEOUT:
            return Link("Settings…", _href({WHAT: "Settings"}), "Prepare: the settings, such as the timeout")
        case Step.RESET:
            tripped = [name for name in order if states[name] in ("OPEN", "HALF_OPEN")]
            query = {WHAT: "Circuit", VERB: str(Verb.RESET)} | ({PROVIDER: tripped[0]} if tripped else {})
            title = f"Prepare: reset the circuit of {tripped[0]}" if tripped else "Prepare: reset a circuit"
            return Link("Reset…", _href(query), title)
        case Step.ORDER:
            return _order(order, states)
    return None


def _order(order: Sequence[str], states: Mapping[str, str]) -> Link:
    """A provider with a CLOSED circuit first, the runbook's known good ones before others; else its emergency order."""
    known = [name for name in PRESETS[KNOWN_GOOD] if name in order]
    well = [name for name in dict.fromkeys([*known, *order]) if name != order[0] and states[name] == "CLOSED"]
    if not well:
        emergency = _href({WHAT: "Order", ORDER: ",".join(PRESETS[KNOWN_GOOD])})
        return Link("Known good order…", emergency, f"Prepare: the runbook's order, {KNOWN_GOOD}")
    first = _href({WHAT: "Order", ORDER: ",".join(with_first(well[0], order))})
    return Link(f"Make {well[0]} first…", first, f"Prepare: {well[0]} first in the chain")


def _links(provider: str, order: Sequence[str], state: str) -> tuple[Link, ...]:
    verb = Verb.ISOLATE if state not in ("OPEN", "HALF_OPEN") else Verb.RESET
    circuit = _href({WHAT: "Circuit", PROVIDER: provider, VERB: str(verb)})
    found = [Link(f"{str(verb).capitalize()}…", circuit, f"Prepare: {verb} the circuit of {provider}")]
    if provider != order[0]:
        first = _href({WHAT: "Order", ORDER: ",".join(with_first(provider, order))})
        found.insert(0, Link("Make first…", first, f"Prepare: {provider} first in the chain"))
    return tuple(found)


def _href(query: Mapping[str, str]) -> str:
    return f"{PAGE}?{urlencode(query, safe=',')}"
