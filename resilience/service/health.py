"""GET /api/v53/health: the chain as it is now.

The HTTP status is 200 whenever the process serves, also when no provider can be called: a probe that restarted
it then would clear the circuits and help nobody. Monitors read `status`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import FastAPI

from resilience.breaker import CircuitView
from resilience.client import Client
from resilience.config import Provider
from resilience.events import State
from resilience.link import Link
from resilience.service.version import running_version
from resilience.service.wire import iso


def add_health(app: FastAPI, client: Client, uptime_s: Callable[[], float]) -> None:
    """Add the route over a client's circuits; `uptime_s`: seconds since the service started."""
    version = running_version()

    @app.get("/api/v53/health", response_model=None)
    async def health() -> dict[str, Any]:
        """Status, chain in order, circuits, versions and uptime.

        `order` holds the providers that can be called, `chain` also those without a key.
        """
        links = {link.provider.name: link for link in client.links}
        circuits = {name: link.view for name, link in links.items()}
        primary = client.chain[0].name
        return {
            "status": status(view.state for view in circuits.values()),
            "primary": primary,
            "order": list(circuits),
            "chain": [_link(p, p.name == primary, links.get(p.name)) for p in client.config.providers],
            "circuits": {name: view.state for name, view in circuits.items()},
            "config_version": client.config.version,
            "version": version,
            "uptime_s": round(uptime_s(), 1),
        }


def status(states: Iterable[State]) -> str:
    """One word for monitors: `ok` every circuit CLOSED, `down` every one OPEN, `degraded` anything between."""
    seen = set(states)
    if seen == {State.CLOSED}:
        return "ok"
    return "down" if seen == {State.OPEN} else "degraded"


def _link(provider: Provider, primary: bool, link: Link | None) -> dict[str, Any]:
    refused_at = None if link is None else link.key_refused_at
    return {
        "provider": provider.name,
        "model": provider.model,
        "primary": primary,
        "key": "missing" if link is None else "ok" if refused_at is None else "refused",
        "key_refused_at": iso(refused_at),
        "circuit": None if link is None else _circuit(link.view),
    }


def _circuit(view: CircuitView) -> dict[str, Any]:
    return {"state": view.state, "open_until": iso(view.open_until), "failures": view.failures}
