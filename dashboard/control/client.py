"""Requests to the control API, with short timeouts; whatever goes wrong comes back as a value.

The token goes to the configured address and nowhere else: no redirects, no proxies from the environment. Nothing here
may be called where a page would have to wait for it (latest.py, and the pool in dashboard/state.py).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx2

from dashboard.control import reading
from dashboard.control.values import Check, ControlState, Done, Preview, Problem, Unreachable

BASE = "/api/v53/control"
CONNECT_S, READ_S = 1.0, 3.0
ASKING_S = 6.0
"""For what makes the service ask providers, which it bounds to 3 s itself: an order's change, its preview, the checks."""
LARGEST_BYTES = 2_000_000

Answer = TypeVar("Answer")


class ControlClient:
    """The control API at one address. Safe for many threads."""

    def __init__(self, url: str, token: str | None = None, transport: httpx2.BaseTransport | None = None) -> None:
        """url: of the service, without a slash at its end; token: sent with every request, if there is one."""
        headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        self._url = url
        self._client = httpx2.Client(headers=headers, trust_env=False, follow_redirects=False, transport=transport)

    def state(self) -> ControlState | Problem:
        """How the chain is set now, and what was changed lately."""
        return self._ask("GET", "/state", READ_S, reading.state)

    def checks(self) -> tuple[Check, ...] | Problem:
        """The runbook's diagnostics, made now."""
        return self._ask("GET", "/checks", ASKING_S, reading.checks)

    def preview(self, body: Mapping[str, Any]) -> Preview | Problem:
        """What a change would do. body: the change's, with its action."""
        return self._ask("POST", "/preview", ASKING_S, reading.preview, body)

    def change(self, path: str, body: Mapping[str, Any], idempotency_key: str) -> Done | Problem:
        """Makes a change; the same key and body again make it once.

        path: below the API's base, such as /order. An answer that does not come is Unreachable with `unsure`.
        """
        return self._ask("POST", path, ASKING_S, reading.done, body, {"idempotency-key": idempotency_key})

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(
        self,
        method: str,
        path: str,
        read_s: float,
        read: Callable[..., Answer],
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer | Problem:
        changes = headers is not None
        timeout = httpx2.Timeout(read_s, connect=CONNECT_S)
        try:
            with self._client.stream(
                method, self._url + BASE + path, json=body, headers=headers, timeout=timeout
            ) as answer:
                content = _content(answer)
        except httpx2.ConnectError:
            return Unreachable("no connection: nothing listens there, or it cannot be reached")
        except httpx2.ConnectTimeout:
            return Unreachable(f"no connection within {CONNECT_S:g} s")
        except httpx2.TimeoutException:
            return Unreachable(f"no answer within {read_s:g} s", unsure=changes)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            return Unreachable(f"the connection broke ({type(exc).__name__})", unsure=changes)
        if not answer.is_success:
            return reading.problem(answer.status_code, content, answer.headers.get("retry-after"))
        try:
            if not changes:
                return read(content)
            return read(content, replayed=answer.headers.get("idempotent-replayed") == "true")
        except reading.ReadingError as exc:
            return Unreachable(f"the answer is not the control API's: {exc}", unsure=changes)


def _content(answer: httpx2.Response) -> Any:
    """The body's JSON, None where it is none or too large."""
    parts, size = [], 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > LARGEST_BYTES:
            return None
        parts.append(part)
    try:
        return json.loads(b"".join(parts))
    except (ValueError, RecursionError):
        return None
