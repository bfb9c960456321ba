"""Whether a provider's address answers: one GET, and any HTTP answer will do."""

import asyncio
from dataclasses import dataclass

import httpx2

from resilience.attempt import Certificates

LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class Reached:
    """detail: `HTTP 401 in 80 ms`, or why there was no answer; nothing from the answer itself.

    ok: an address answers, with whatever status; a fault of the provider's (5xx) is said in detail.
    """

    ok: bool
    detail: str


async def reach(
    base_url: str, certificates: Certificates, transport: httpx2.AsyncBaseTransport | None = None
) -> Reached:
    """Ask once, for at most LIMIT_S. certificates: loaded once, because that takes longer than many calls."""
    clock = asyncio.get_running_loop().time
    began = clock()
    # Not closed if the transport is a shared one: it is the caller's.
    client = httpx2.AsyncClient(verify=certificates, transport=transport, timeout=LIMIT_S, follow_redirects=False)
    try:
        async with asyncio.timeout(LIMIT_S):
            async with client.stream("GET", base_url) as response:
                detail = f"HTTP {response.status_code} in {(clock() - began) * 1000:.0f} ms"
                fault = ": a fault of the provider" if response.is_server_error else ""
                return Reached(ok=True, detail=detail + fault)
    except TimeoutError:
        return Reached(ok=False, detail=f"no answer within {LIMIT_S:g} s")
    except httpx2.HTTPError as exc:
        if isinstance(exc, httpx2.TimeoutException):
            return Reached(ok=False, detail=f"no answer within {LIMIT_S:g} s")
        return Reached(ok=False, detail=f"no connection ({type(exc).__name__})")
    finally:
        if transport is None:
            await client.aclose()
