"""The outermost layer of every request: its id, and the net under it.

Plain ASGI, because it runs for each request and each streamed piece.
"""

import logging
import re
import traceback
from collections.abc import Callable, Iterable
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resilience.guards import pii
from resilience.service.problems import INTERNAL

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_logger = logging.getLogger("resilience.service")


class Gate:
    """Gives each request its id (`scope["state"]["request_id"]`, header x-request-id) and ends faults of ours.

    The caller's own x-request-id is kept if it is 1 to 64 letters, digits, dots, dashes or underscores and no secret;
    anything else is replaced. An exception becomes a 500 without details; its traceback goes to the log of this process
    after `redact`. A response that had begun is cut off, so that the caller cannot take it for a whole one.
    """

    def __init__(self, app: ASGIApp, redact: Callable[[str], str]) -> None:
        self._app = app
        self._redact = redact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        if request_id is None or self._redact(request_id) != request_id:
            request_id = f"req-{uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        id_header = (b"x-request-id", request_id.encode())
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], id_header]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:  # noqa: BLE001 (the last resort of the process)
            _logger.error("request %s failed\n%s", request_id, self._redact(traceback.format_exc()))
            if not started:
                await INTERNAL.response()(scope, receive, send_with_id)


def redaction(secrets: Iterable[str | None]) -> Callable[[str], str]:
    """A function that replaces each of `secrets` in a text by `***`, and what looks like one or like personal data."""
    # Longest first: one key may be the beginning of another.
    known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "***")
        return pii.redacted(text)

    return redact


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return None
