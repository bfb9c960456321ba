from collections.abc import Mapping

import pytest

from dashboard.access import least, local, signed_in
from dashboard.control.values import Role

NOW_S = 1_800_000_000.0
OPERATORS = ("sre@example.org", "group:on-call")


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"email": "SRE@example.org"}, Role.OPERATOR),
        ({"email": "dev@example.org", "groups": ["on-call"]}, Role.OPERATOR),
        ({"email": "dev@example.org", "groups": "on-call"}, Role.VIEWER),
        ({"email": "dev@example.org"}, Role.VIEWER),
        ({"email": "sre@example.org", "iat": NOW_S - 3600}, Role.OPERATOR),
        ({"email": "sre@example.org", "iat": NOW_S - 13 * 3600}, Role.NOBODY),
        ({"email": "dev@other.example"}, Role.NOBODY),
        ({"email": "dev@example.org.other.example"}, Role.NOBODY),
        ({"email": "sre@example.org", "email_verified": False}, Role.NOBODY),
        ({"email": ["sre@example.org"]}, Role.NOBODY),
        ({}, Role.NOBODY),
    ],
)
def test_the_claims_give_the_role(claims: Mapping[str, object], role: Role) -> None:
    assert signed_in(claims, OPERATORS, ("@example.org",), NOW_S).role is role


def test_without_viewers_named_whoever_is_signed_in_is_one() -> None:
    assert signed_in({"email": "dev@other.example"}, OPERATORS, (), NOW_S).role is Role.VIEWER


def test_the_actor_is_the_e_mail() -> None:
    assert signed_in({"email": "sre@example.org"}, OPERATORS, (), NOW_S).actor == "sre@example.org"


@pytest.mark.parametrize(
    ("peer", "bound", "headers", "role"),
    [
        ("127.0.0.1", "127.0.0.1", {}, Role.OPERATOR),
        ("::1", "localhost", {}, Role.OPERATOR),
        ("127.0.0.1", "0.0.0.0", {}, Role.VIEWER),
        ("127.0.0.1", None, {}, Role.VIEWER),
        ("192.0.2.7", "127.0.0.1", {}, Role.VIEWER),
        (None, "127.0.0.1", {}, Role.VIEWER),
        ("127.0.0.1", "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, Role.VIEWER),
    ],
)
def test_without_sign_in_only_this_machine_operates(
    peer: str | None, bound: str | None, headers: Mapping[str, str], role: Role
) -> None:
    person = local(peer, bound, headers)

    assert (person.role, bool(person.why)) == (role, role is not Role.OPERATOR)


def test_where_a_sign_in_was_meant_to_be_nobody_is_let_in_without_one() -> None:
    person = local("127.0.0.1", "127.0.0.1", {}, expected=True)

    assert (person.role, person.actor) == (Role.NOBODY, "")
    assert "[auth]" in person.why


def test_the_pages_token_takes_rights_and_gives_none() -> None:
    operator, viewer = local("::1", "::1", {}), local(None, "::1", {})

    assert least(operator, Role.VIEWER).role is Role.VIEWER
    assert least(operator, None).role is Role.OPERATOR
    assert least(viewer, Role.OPERATOR).role is Role.VIEWER
