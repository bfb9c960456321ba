"""Posting a message: one try, bounded in time, its outcome as a value that shows no secret."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx2

from dashboard.inert import inert
from dashboard.notify.channel import Message

LIMIT_S = 10.0
"""For the whole try, however its bytes come."""
LONGEST_RETRY_AFTER_S = 600.0
_READ_BYTES, _SHOWN = 4_000, 200
_AGAIN = frozenset({408, 425, 429})

# The client logs each request's address at INFO, and that is a secret here.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Outcome:
    """sent: the receiver has it; again: worth another try, after wait_s if the receiver says so; words: for people."""

    sent: bool
    again: bool = False
    wait_s: float | None = None
    words: str = ""


def post(message: Message, limit_s: float = LIMIT_S) -> Outcome:
    """Posts it once. Never raises for what a network or a receiver does."""
    return anyio.run(_post, message, limit_s)


async def _post(message: Message, limit_s: float) -> Outcome:
    body = json.dumps(message.body, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "user-agent": "metis-dashboard"}
    try:
        with anyio.fail_after(limit_s):
            async with (
                httpx2.AsyncClient(follow_redirects=False, timeout=limit_s) as client,
                client.stream("POST", message.url, content=body, headers=headers) as response,
            ):
                if response.is_success:
                    return Outcome(sent=True)
                said = await _beginning(response)
    except TimeoutError:
        return Outcome(sent=False, again=True, words=f"no answer within {limit_s:g} s")
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as exc:
        return Outcome(sent=False, again=True, words=f"{type(exc).__name__}")  # its text may hold the address
    words = f"answered {response.status_code}"
    if said:
        words += f" ({_shown(said, message.secrets)})"
    again = response.status_code in _AGAIN or response.status_code >= 500
    wait_s = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)) if again else None
    return Outcome(sent=False, again=again, wait_s=wait_s, words=words)


async def _beginning(response: httpx2.Response) -> str:
    said = b""
    async for part in response.aiter_bytes():
        said += part
        if len(said) >= _READ_BYTES:
            break
    return said.decode("utf-8", "replace")


def _shown(text: str, secrets: Sequence[str]) -> str:
    text = inert(text, _READ_BYTES)  # first: an unseen character inside a secret would hide it from the next lines
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return inert(text, _SHOWN)


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """How long the receiver asks to wait, at most LONGEST_RETRY_AFTER_S; None if it does not say so clearly."""
    if text is None:
        return None
    try:
        # Retry-After may be a date: RFC 9110, 10.2.3.
        seconds = float(text) if text.strip().isdecimal() else (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)
