"""/api/v53/control: the routes. What a change is, resilience.control decides; docs/control.md is the contract."""

import hashlib
import re
from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.security import HTTPBearer

from resilience.control import outlook
from resilience.control.control import Ask, Control, Done
from resilience.control.plan import Draft, guard_draft, order_draft, settings_draft, undo_draft
from resilience.control.refusals import InvalidError, RefusalError
from resilience.guards.guarding import redacted, without_secrets
from resilience.service.body import json_body, read_body
from resilience.service.control_bodies import (
    Change,
    CircuitBody,
    GuardBody,
    IsolateBody,
    OrderBody,
    PreviewBody,
    SettingsBody,
    UndoBody,
)
from resilience.service.control_checks import checks_document
from resilience.service.control_door import Door, Visitor
from resilience.service.control_preview import previewed
from resilience.service.control_problems import MAX_BODY_BYTES, told
from resilience.service.control_view import state_document
from resilience.service.wire import SafeJSONResponse
from resilience.tokens import Role

AnyChange = TypeVar("AnyChange", bound=Change)

PREFIX = "/api/v53/control"
_KEY = re.compile(r"[A-Za-z0-9_-]{8,128}")
_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": f"^{_KEY.pattern}$"},
}


def add_control(app: FastAPI, control: Control, door: Door) -> None:
    """Add the routes over `control`, for those whom `door` lets in."""
    # For the OpenAPI document; the door looks at the header itself.
    bearer = Depends(HTTPBearer(auto_error=False, scheme_name="control token"))
    router = APIRouter(prefix=PREFIX, dependencies=[bearer])

    async def asked(request: Request, model: type[AnyChange]) -> tuple[AnyChange, Ask]:
        """What a change asks for, and who asks."""
        visitor = door.admit(request, Role.OPERATOR)
        body = await read_body(request, model, MAX_BODY_BYTES)
        return body, _ask(request, visitor, body)

    @router.get("/state", response_model=None)
    async def state(request: Request) -> Response:
        """Order, circuits, settings, switches and the last changes."""
        return SafeJSONResponse(state_document(control, door.admit(request, Role.VIEWER)))

    @router.get("/checks", response_model=None)
    async def checks(request: Request) -> Response:
        """The runbook's diagnoses, made now; takes at most some seconds."""
        door.admit(request, Role.VIEWER)
        return SafeJSONResponse(await checks_document(control))

    @router.post("/order", openapi_extra=_change_of(OrderBody), response_model=None)
    async def order(request: Request) -> Response:
        """Change the order of the chain."""
        with told(control):
            body, ask = await asked(request, OrderBody)

            async def draft() -> Draft:
                made = order_draft(control.disk, control.client.config, body.order)
                return _forced(made, await outlook.against_order(control, made.config), force=body.force)

            return _answer(await control.change(ask, draft))

    @router.post("/settings", openapi_extra=_change_of(SettingsBody), response_model=None)
    async def settings(request: Request) -> Response:
        """Change settings."""
        with told(control):
            body, ask = await asked(request, SettingsBody)

            async def draft() -> Draft:
                return settings_draft(control.disk, control.client.config, body.settings)

            return _answer(await control.change(ask, draft))

    @router.post("/guards/{guard}", openapi_extra=_change_of(GuardBody), response_model=None)
    async def guards(request: Request, guard: str) -> Response:
        """Switch a guard off for a time, or on again."""
        with told(control):
            body, ask = await asked(request, GuardBody)

            async def draft() -> Draft:
                source, config = control.source, control.client.config
                return guard_draft(source, config, guard, enabled=body.enabled, for_s=body.for_s)

            return _answer(await control.change(ask, draft))

    @router.post("/undo", openapi_extra=_change_of(UndoBody), response_model=None)
    async def undo(request: Request) -> Response:
        """Put back what a change replaced."""
        with told(control):
            body, ask = await asked(request, UndoBody)

            async def draft() -> Draft:
                config = control.client.config
                return undo_draft(control.state, control.disk, control.source, config, body.change, GUARD_OFF_S)

            return _answer(await control.change(ask, draft))

    @router.post("/circuits/{provider}/reset", openapi_extra=_change_of(CircuitBody), response_model=None)
    async def reset(request: Request, provider: str) -> Response:
        """Close a circuit now."""
        with told(control):
            _, ask = await asked(request, CircuitBody)
            outlook.has_circuit(control, provider)

            async def action() -> tuple[str, ...]:
                closed = control.client.known()[provider].breaker.reset(ask.who, ask.reason, ask.request_id)
                return () if closed else ("it was CLOSED already: nothing is changed but that it counts from zero",)

            return _answer(await control.act(ask, provider, action))

    @router.post("/circuits/{provider}/isolate", openapi_extra=_change_of(IsolateBody), response_model=None)
    async def isolate(request: Request, provider: str) -> Response:
        """Hold a circuit open for a time."""
        with told(control):
            body, ask = await asked(request, IsolateBody)
            outlook.has_circuit(control, provider)

            async def action() -> tuple[str, ...]:
                warnings = _unless_forced(outlook.against_isolation(control, provider), force=body.force)
                control.client.known()[provider].breaker.isolate(body.for_s, ask.who, ask.reason, ask.request_id)
                return warnings

            return _answer(await control.act(ask, provider, action))

    @router.post("/circuits/{provider}/release", openapi_extra=_change_of(CircuitBody), response_model=None)
    async def release(request: Request, provider: str) -> Response:
        """End an isolation: the next request probes."""
        with told(control):
            _, ask = await asked(request, CircuitBody)
            outlook.has_circuit(control, provider)

            async def action() -> tuple[str, ...]:
                _unless_forced(outlook.against_release(control, provider), force=False)
                control.client.known()[provider].breaker.release(ask.who, ask.reason, ask.request_id)
                return ()

            return _answer(await control.act(ask, provider, action))

    @router.post("/preview", openapi_extra=json_body(PreviewBody), response_model=None)
    async def preview(request: Request) -> Response:
        """What a change would lead to; nothing is changed."""
        with told(control):
            door.admit(request, Role.OPERATOR)
            body = await read_body(request, PreviewBody, MAX_BODY_BYTES)
            return SafeJSONResponse(await previewed(control, body))

    app.include_router(router)


GUARD_OFF_S = 600.0
"""For how long a guard is off that an undo switches off."""


def _ask(request: Request, visitor: Visitor, body: Change) -> Ask:
    key = request.headers.get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        rule = "8 to 128 letters, digits, _ and -"
        raise InvalidError(f"Idempotency-Key must be {rule}, got {len(key)} characters", "idempotency-key")
    said = f"{request.url.path}\n{body.model_dump_json()}"
    return Ask(
        version=body.version,
        reason=redacted(body.reason),
        name=visitor.name,
        request_id=request.state.request_id,
        actor=body.actor and without_secrets(body.actor),
        key=key,
        digest=hashlib.sha256(said.encode()).hexdigest(),
    )


def _forced(draft: Draft, reasons: list[RefusalError], *, force: bool) -> Draft:
    warnings = _unless_forced(reasons, force=force)
    return replace(draft, warnings=(*draft.warnings, *warnings))


def _unless_forced(reasons: list[RefusalError], *, force: bool) -> tuple[str, ...]:
    for reason in reasons:
        if not (force and reason.forceable):
            raise reason
    return tuple(f"forced: {reason}" for reason in reasons)


def _answer(done: Done) -> Response:
    return SafeJSONResponse(dict(done.body), headers={"idempotent-replayed": "true"} if done.replayed else {})


def _change_of(model: type[Change]) -> dict[str, Any]:
    return {**json_body(model), "parameters": [_KEY_PARAMETER]}
