"""Who may see and change the settings: a token, or without any tokens whoever sits at this machine."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.requests import Request

from resilience.config import Config
from resilience.service.problems import Problem, ProblemError
from resilience.tokens import VARIABLE, Role, owner

FAILURES_PER_MINUTE = 10
MOST_PEERS = 1024
"""Peers whose failed tokens are remembered; the oldest is forgotten for a new one."""

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who was let in."""

    name: str
    role: Role


class Door:
    """Lets requests in, or raises ProblemError. config: the one in force now; wall: seconds since the epoch."""

    def __init__(
        self, config: Callable[[], Config], wall: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._wall = wall
        self._clock = clock
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def admit(self, request: Request, role: Role) -> Visitor:
        """Who asks, if they may do what this role may."""
        if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise _refused("cross_origin", "pages of a browser cannot use the control API: call it from a program")
        visitor = self._by_token(request) if self._config().tokens else _by_place(request)
        if role is Role.OPERATOR and visitor.role is not Role.OPERATOR:
            raise _refused("operator_only", f"{visitor.name} is a viewer: this takes an operator's token")
        return visitor

    def _by_token(self, request: Request) -> Visitor:
        peer = request.client.host if request.client else ""
        now = self._clock()
        failures = [at for at in self._failures.get(peer, ()) if now - at < 60]
        if len(failures) >= FAILURES_PER_MINUTE:
            wait = {"retry-after": str(max(1, math.ceil(60 - (now - failures[0]))))}
            message = "too many wrong tokens from this address: wait"
            raise ProblemError(Problem(429, message, "invalid_request_error", code="too_many_failures", headers=wait))
        sent = request.headers.getlist("authorization")
        if not sent:
            raise _unknown()
        scheme, _, token = sent[0].partition(" ")
        today = datetime.fromtimestamp(self._wall(), UTC).date()
        found = owner(self._config().tokens, token.strip(), today) if scheme.lower() == "bearer" else None
        if found is None or len(sent) > 1:
            self._failures[peer] = [*failures, now]
            self._failures.move_to_end(peer)
            if len(self._failures) > MOST_PEERS:
                self._failures.popitem(last=False)
            raise _unknown()
        return Visitor(found.name, found.role)


def is_loopback(host: str) -> bool:
    """Whether an address or name means this machine and no other."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _by_place(request: Request) -> Visitor:
    if request.client is None or not is_loopback(request.client.host):
        raise _refused("loopback_only", f"without {VARIABLE} the control API answers this machine only")
    try:
        # A page of another site may have made its name mean this machine; the name still shows.
        here = is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or "")
    except ValueError:
        here = False
    if not here or any(name in request.headers for name in _FORWARDED):
        rule = "the control API must be asked for by a loopback name or address, and directly"
        raise _refused("loopback_only", f"without {VARIABLE} {rule}")
    return Visitor("local", Role.OPERATOR)


def _unknown() -> ProblemError:
    message = "send a valid token as `authorization: Bearer TOKEN`"
    headers = {"www-authenticate": "Bearer"}
    return ProblemError(Problem(401, message, "invalid_request_error", code="unauthorized", headers=headers))


def _refused(code: str, message: str) -> ProblemError:
    return ProblemError(Problem(403, message, "invalid_request_error", code=code))
