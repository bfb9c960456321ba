"""Links that lead to the Operations page with an action prepared; pressing the button is still the operator's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from dashboard.inert import INVALID_NAME
from dashboard.operations.drafts import Verb
from dashboard.operations.presets import with_first

PAGE = "operations"
WHAT, ORDER, PROVIDER, VERB, PROOF = "ops.what", "ops.order", "ops.provider", "ops.verb", "ops.proof"


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
