"""GET /checks: the questions of the runbook's diagnoses, asked now."""

import asyncio
from typing import Any

from resilience.control.control import Control
from resilience.events import State


async def checks_document(control: Control) -> dict[str, Any]:
    """Backend, settings file, and per provider key, circuit and address; the addresses are asked at the same time."""
    live, known = control.client.live, control.client.known()
    problem = control.problem
    checks: list[dict[str, Any]] = [
        _check("backend", ok=True, detail=f"serves version {live.version} of the settings"),
        _check("settings file", ok=problem is None, detail="in force" if problem is None else problem[0]),
    ]
    for provider in live.config.providers:
        link = known.get(provider.name)
        refused_at = None if link is None else link.key_refused_at
        if not provider.usable:
            checks.append(_check(f"key {provider.name}", ok=None, detail="not set: the provider is skipped"))
        elif refused_at is not None:
            detail = f"refused since {refused_at:%Y-%m-%dT%H:%M:%SZ}: check that it has not expired"
            checks.append(_check(f"key {provider.name}", ok=False, detail=detail))
        else:
            checks.append(_check(f"key {provider.name}", ok=True, detail="set, and not refused"))
        if link is not None:
            state = link.view.state
            checks.append(_check(f"circuit {provider.name}", ok=state is not State.OPEN, detail=str(state)))
    providers = live.config.providers
    reached = await asyncio.gather(*(control.reach(provider.base_url) for provider in providers))
    for provider, answer in zip(providers, reached, strict=True):
        checks.append(_check(f"reach {provider.name}", ok=answer.ok, detail=answer.detail))
    return {"checks": checks}


def _check(name: str, *, ok: bool | None, detail: str) -> dict[str, Any]:
    return {"check": name, "ok": ok, "detail": detail}
