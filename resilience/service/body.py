"""A request's body: read, checked, and turned into a value, or refused with what to change."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from resilience.breaker import Emit
from resilience.errors import RequestError
from resilience.events import Reason, RequestFinished, RequestStatus
from resilience.service.problems import UnsupportedMediaTypeError

MAX_BODY_BYTES = 2 * 1024 * 1024

Model = TypeVar("Model", bound=BaseModel)


@contextmanager
def admission(emit: Emit, request_id: str) -> Iterator[None]:
    """Log a request that the block refuses with a 4xx: it never reaches the chain, which logs all others."""
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        yield
    except (RequestError, HTTPException):
        emit(
            RequestFinished(
                request_id=request_id,
                status=RequestStatus.REJECTED,
                provider=None,
                attempts=0,
                fallbacks=0,
                total_ms=(clock() - began) * 1000,
                wasted_ms=0.0,
                reason=Reason.BAD_REQUEST,
            )
        )
        raise


async def read_body(request: Request, model: type[Model], most_bytes: int = MAX_BODY_BYTES) -> Model:
    """The body as a `model`. Raises RequestError, UnsupportedMediaTypeError, and HTTPException 413."""
    raw = await _read(request, most_bytes)
    # Only this type: a page of another origin cannot send it without asking first (CORS).
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaTypeError("send the body as JSON, with the header content-type: application/json")
    try:
        # Not json.loads: this parser limits depth and digits, and refuses lone surrogates.
        return model.model_validate_json(raw)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        place = path_text(error["loc"])
        raise RequestError(f"{place or 'the body'}: {error['msg']}", param=place or None) from None


async def _read(request: Request, most_bytes: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        raise HTTPException(413)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most_bytes:
            raise HTTPException(413)
    return bytes(raw)


def path_text(path: Sequence[str | int]) -> str:
    """Where in the body, as a caller writes it: `messages[0].content`; the branches of unions are left out."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier() and step not in _UNION_BRANCHES:
            text += f".{step}" if text else step
    return text


# Pydantic puts the branch of a union into the path: content.str, content.list[TextPart].
_UNION_BRANCHES = {"str", "TextPart"}


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI entry of a route that reads its body with `read_body`."""
    schema = model.model_json_schema()
    # Inlined, because `#/$defs` would mean the root of the OpenAPI document.
    inlined = _inlined(schema, schema.get("$defs", {}))
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": inlined}}}}


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(value, definitions) for name, value in schema.items() if name != "$defs"}
