"""JSON as it leaves the service."""

import json
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse

from resilience.events import utc_text


def json_bytes(value: Any) -> bytes:
    """Compact ASCII JSON: half of a surrogate pair, as a provider may send it, cannot break the encoding."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def cost_headers(attempts: int, fallbacks: int) -> dict[str, str]:
    """What a request took, for every response that came from the chain."""
    return {"x-metis-attempts": str(attempts), "x-metis-fallbacks": str(fallbacks)}


def iso(at: datetime | None) -> str | None:
    """A time as the service writes it: UTC, milliseconds, Z."""
    return None if at is None else utc_text(at)


class SafeJSONResponse(JSONResponse):
    """A JSON response that can carry any text of a provider."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return json_bytes(content)
