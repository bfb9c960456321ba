"""Who may do what on the pages, from what the sign-in says, or from where somebody sits without one.

With OpenID Connect (Streamlit's `[auth]` secrets) e-mails, domains and groups of the settings give the role. Without it
there is one mode, for a machine of one's own: an operator is who comes from this machine to a page bound to it.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.control.values import Role

LOCAL = "local"
_FORWARDING = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks at a page. actor: the name that changes are made under; why: why there is no more than this role."""

    actor: str
    role: Role
    why: str = ""


NO_SIGN_IN = (
    "people are named (METIS_DASHBOARD_OPERATORS, METIS_DASHBOARD_VIEWERS) or there are secrets that cannot be read, "
    "and no [auth] section of .streamlit/secrets.toml lets anybody sign in"
)

SIGNED_IN_FOR_S = 12 * 3600.0
"""A shift. Streamlit's cookie lasts 30 days and nobody asks the provider again: who has left would stay an operator."""


def signed_in(claims: Mapping[str, Any], operators: Iterable[str], viewers: Iterable[str], now_s: float) -> Person:
    """The person of an identity token's claims. operators, viewers: e-mails, "@domain" or "group:name".

    now_s: seconds since the epoch; a token issued more than SIGNED_IN_FOR_S before counts for nothing.

    An e-mail that its provider calls unverified counts for nothing. Without any viewers named, whoever is signed in is
    one.
    """
    email = claims.get("email")
    if not isinstance(email, str) or "@" not in email or claims.get("email_verified") in (False, "false"):
        return Person("", Role.NOBODY, "the sign-in gives no verified e-mail address")
    issued_s = claims.get("iat")
    if isinstance(issued_s, int | float) and now_s - issued_s > SIGNED_IN_FOR_S:
        return Person("", Role.NOBODY, f"the sign-in is more than {SIGNED_IN_FOR_S / 3600:g} h old: sign in again")
    email = email.strip()[:100]
    known = {email.casefold(), "@" + email.casefold().rpartition("@")[2]}
    groups = claims.get("groups")
    if isinstance(groups, list | tuple):
        known |= {f"group:{group}".casefold() for group in groups if isinstance(group, str)}
    listed = [name.casefold() for name in viewers]
    if known & {name.casefold() for name in operators}:
        return Person(email, Role.OPERATOR)
    if not listed or known & set(listed):
        return Person(email, Role.VIEWER, "this account is not among METIS_DASHBOARD_OPERATORS")
    return Person(
        email, Role.NOBODY, "this account is in neither METIS_DASHBOARD_OPERATORS nor METIS_DASHBOARD_VIEWERS"
    )


def local(peer: str | None, bound: str | None, headers: Mapping[str, str], *, expected: bool = False) -> Person:
    """The person of a page without sign-in.

    peer: the address of the connection; bound: the one that the server listens on; headers: of the request, to
    see whether somebody passed it on; expected: whether a sign-in was meant to be there. Secrets that are lost or
    mistyped must not make an operator of whoever a proxy lets through.
    """
    if expected:
        return Person("", Role.NOBODY, NO_SIGN_IN)
    if not _is_loopback(bound):
        return Person(LOCAL, Role.VIEWER, "the dashboard listens beyond this machine and has no sign-in")
    if not _is_loopback(peer):
        return Person(LOCAL, Role.VIEWER, "the connection does not come from this machine, and there is no sign-in")
    if any(name.lower() in _FORWARDING for name in headers):
        return Person(LOCAL, Role.VIEWER, "the connection was passed on by a proxy, and there is no sign-in")
    return Person(LOCAL, Role.OPERATOR)


def least(person: Person, token_role: Role | None) -> Person:
    """The person with no more rights than the page's own token has; None: not known."""
    if person.role is Role.OPERATOR and token_role is Role.VIEWER:
        return Person(person.actor, Role.VIEWER, "the dashboard's own token (METIS_CONTROL_TOKEN) is a viewer's")
    return person


def _is_loopback(address: str | None) -> bool:
    if address == "localhost":
        return True
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
