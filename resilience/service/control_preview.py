"""What a change would lead to, in words; nothing is changed."""

from typing import Any

from resilience.control import outlook
from resilience.control.control import Control
from resilience.control.plan import Draft, order_draft, settings_draft
from resilience.control.refusals import InvalidError, RefusalError, StaleError
from resilience.service.control_bodies import PreviewBody


async def previewed(control: Control, body: PreviewBody) -> dict[str, Any]:
    """Sentences, warnings and refusals of the change. Raises InvalidError, UnknownError."""
    refusals: list[RefusalError | StaleError] = []
    sentences: list[str] = []
    warnings: tuple[str, ...] = ()
    if body.version is not None and body.version != control.state.version:
        refusals.append(StaleError(body.version, control.state.version, control.state.after(body.version)))
    try:
        if body.action in ("order", "settings"):
            draft = _drafted(control, body)
            warnings = draft.warnings
            sentences = outlook.order_sentences(control, draft.config)
            if body.action == "order":
                refusals += await outlook.against_order(control, draft.config)
        else:
            if body.provider is None:
                raise InvalidError("provider must name whose circuit, got nothing", "provider")
            provider = outlook.has_circuit(control, body.provider)
            sentences = outlook.circuit_sentences(control, provider, body.action, body.for_s)
            if body.action == "isolate":
                refusals += outlook.against_isolation(control, provider)
            if body.action == "release":
                refusals += outlook.against_release(control, provider)
    except RefusalError as exc:
        refusals.append(exc)
    return {
        "sentences": sentences,
        "warnings": list(warnings),
        "refusals": [
            {"code": exc.code, "message": str(exc), "forceable": exc.forceable}
            if isinstance(exc, RefusalError)
            else {"code": "stale_version", "message": str(exc), "forceable": False}
            for exc in refusals
        ],
    }


def _drafted(control: Control, body: PreviewBody) -> Draft:
    if body.action == "order":
        if body.order is None:
            raise InvalidError("order must be a list of names, got nothing", "order")
        return order_draft(control.disk, control.client.config, body.order)
    if body.settings is None:
        raise InvalidError("settings must be an object of names and values, got nothing", "settings")
    return settings_draft(control.disk, control.client.config, body.settings)
