"""The chain as the page lists it: from the service while it answers, from the log while it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.control.values import Circuit, ControlState, Provider
from dashboard.inert import inert, provider_label
from dashboard.live.circuits import UNKNOWN, CircuitNow
from dashboard.live.words import CAUSES


@dataclass(frozen=True, slots=True)
class Link:
    """One provider. until: when its OPEN ends or its next probe is due; note: cause, who and why, inert."""

    provider: str
    state: str
    since: datetime | None
    until: datetime | None
    isolated: bool
    note: str
    key: str


def from_service(state: ControlState) -> tuple[Link, ...]:
    """All providers the service knows, those of the order first."""
    return tuple(map(_of_provider, state.providers))


def from_log(order: Sequence[str], circuits: Mapping[str, CircuitNow]) -> tuple[Link, ...]:
    """The chain as the log tells it, in its order."""
    found = []
    for name in order:
        circuit = circuits.get(name)
        if circuit is None:
            found.append(Link(provider_label(name), UNKNOWN, None, None, False, "", ""))
            continue
        note = circuit.cause + (", inferred" if circuit.inferred else "")
        isolated = circuit.cause == CAUSES["isolated"]
        found.append(
            Link(provider_label(name), circuit.state, circuit.since, circuit.probe_at, isolated, note.strip(", "), "")
        )
    return tuple(found)


def _of_provider(row: Provider) -> Link:
    key = {"ok": "", "missing": "no key", "refused": "key refused"}[row.key]
    circuit = row.circuit
    if circuit is None:
        return Link(row.provider, UNKNOWN, None, None, False, "", key)
    isolated = circuit.isolated_until is not None
    until = circuit.isolated_until or circuit.open_until
    return Link(row.provider, circuit.state, circuit.since, until, isolated, _note(circuit), key)


def _note(circuit: Circuit) -> str:
    said = [CAUSES.get(circuit.cause or "", "")]
    if circuit.cause == "threshold":
        said = [f"{circuit.failures} failures in a row"]
    if circuit.actor:
        said.append(f"by {circuit.actor}")
    if circuit.reason:
        said.append(f"“{circuit.reason}”")
    return inert(", ".join(part for part in said if part), 160)
