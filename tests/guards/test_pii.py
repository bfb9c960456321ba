"""What is personal is found by shape and checksum; what only looks like it stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience.guards.findings import Finding
from resilience.guards.pii import find, redacted

FOUND = {
    "EMAIL": [
        "jane.doe@example.com",
        "o'neil+x@mail.example.co.uk",
        "JANE@EXAMPLE.ORG",
        "jürgen@müller.de",
        "a@xn--80ak6aa92e.com",
    ],
    "IBAN": [
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "fr1420041010050500013m02606",
        "NL91-ABNA-0417-1643-00",
    ],
    "CARD": ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004", "3782 822463 10005", "6011000990139424"],
    "SSN": ["219-45-6789", "219 45 6789", "219.45.6789"],
    "IP": ["8.8.4.4", "10.1.2.3", "10.1.0.0/16", "2a00:1450:4001:81b::200e", "::ffff:10.1.2.3", "fe80::/10"],
    "PHONE": [
        "+49 30 901820",
        "+1 (212) 555-0123",
        "+44 20 7946 0018",
        "(212) 555-0123",
        "030 901 82 00",
        "0049 30 9018200",
    ],
    "JWT": ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJlLWhlcmU"],
    "SECRET": [
        "sk-or-v1-0123456789abcdef0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    ],
}
EACH = [
    (kind, value)
    for kind, values in FOUND.items()
    for value in values
    if value not in ("o'neil+x@mail.example.co.uk", "0049 30 9018200")
]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(finding.kind, text[finding.start : finding.end]) for finding in find(text)]


@pytest.mark.parametrize(("kind", "value"), EACH)
@pytest.mark.parametrize(
    "around", ["{}", "see {}, please", '{{"value": "{}"}}', "x\n{}\ny", "<{}>", "x={};y=1", "日本{}日本"]
)
def test_personal_data_is_found_whatever_stands_around_it(kind: str, value: str, around: str) -> None:
    text = around.format(value)

    assert kinds(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112 and 4111111111111112",  # wrong checksums
        "DE89 3704 0044 0532 0130 01, GB82 WEST 1234 5698 7654 33",
        "000-12-3456, 666-12-3456, 900-12-3456, 219-00-6789, 219-45-0000",
        "Boston, MA 02110-1301 on 2026-03-02 10:00:01.250",
        "bind 127.0.0.1:8080 or [::1]:80 or 0.0.0.0, mask 255.255.255.0, example 192.0.2.10",
        "release 9.25.68.80, section 3.9.4.7, Chrome/91.0.148.17",
        "std::vector, add::f, x[::2], y[10::2], 12:34:56, aa:bb:cc:dd:ee:ff",
        "order number 9979361573, ISBN 978-3-16-148410-0, population 290,044,777, part no. 604-84-2409A",
        "the range 10.0.0.0/8 is private; pip install pypi-referencing, npm_config_registry=x, page_token: following",
        '{"text": 6685702, "calls": 66857021}, call about order 668-5702-1 on my phone, order number 3618494773',
        "git@github.com:someone/thing.git, left-pad@9.6.9, @app.route, user@localhost",
        "prompt_tokens=100000 max_tokens: 400000 token=None password=os.environ['PASSWORD'] api_key=get_key()",
        "a basic understanding of bearer securities",
        "the risk-averse desk-research-notes, 3f1c9a77-9d50-45e5-87aa-8cf37f4bd052",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call me at 668 5702", "668 5702"),
        ("My mobile number is 3618494773.", "3618494773"),
        ("668 5702 office", "668 5702"),
        ("I got no messages to 668 5702", "668 5702"),
        ("Phone: 238.815.0550x492", "238.815.0550x492"),
        ("my SSN is 219456789", "219456789"),
    ],
)
def test_a_word_nearby_tells_what_a_number_is(text: str, value: str) -> None:
    assert [found for _, found in kinds(text)] == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"password": "correct horse"}', None),  # a sentence, not a password
        ('{"password": "c0rrect:horse"}', "c0rrect:horse"),
        ("password=hunter22, then", "hunter22"),
        ("DB_PASSWORD='s3cr3t;x'", "s3cr3t;x"),
        ('password: "$ecret-this.one"', "$ecret-this.one"),
        ("password=${DB_PASSWORD} secret=<your-secret>", None),
        ("postgres://app:p@ss!word@db.internal:5432/prod", "p@ss!word"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("SecretAccessKey: ZLqw0JX3VVAp2Dts6RZ8nwcRCFS2oJ/J", "ZLqw0JX3VVAp2Dts6RZ8nwcRCFS2oJ/J"),
    ],
)
def test_a_secret_is_its_value_alone(text: str, value: str | None) -> None:
    assert kinds(text) == ([("SECRET", value)] if value else [])


def test_a_private_key_goes_as_a_whole_even_broken_off_or_in_json() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n+49 30 901820\n-----END RSA PRIVATE KEY-----"

    assert redacted(f"a {key} b {key[:50]}") == "a [SECRET] b [SECRET]"
    assert redacted(key.replace("\n", "\\n") + '"}') == '[SECRET]"}'


def test_digits_of_other_scripts_and_invisible_characters_hide_nothing() -> None:
    assert (
        redacted("４１１１ １１１１ １１１１ １１１１, 4111\u200b111\u00ad111111111, jane＠example．com, \u200bx")
        == "[CARD], [CARD], [EMAIL], \u200bx"
    )


def test_nothing_is_found_in_a_placeholder_that_stands_there() -> None:
    text = "api_key=[SECRET] [EMAIL_1]@example.com postgres://a:[SECRET_2]@db [phone_3]"

    assert find(text) == ()


SIGNS = st.sampled_from(list('[]\\@ -.=10+xé\u200b\ud800\n"'))
VALUES = st.sampled_from(
    [
        "a@b.co",
        "+49 30 901820",
        "4111111111111111",
        "219-45-6789",
        "10.1.2.3",
        "DE89370400440532013000",
        "ghp_abcdefghijkl",
    ]
)
BEGINNINGS = st.sampled_from(["password=", "://a:", "Bearer ", "eyJabcdef.abcdef", "[EMAIL_1]", "\\u0040"])
PIECES = st.one_of(SIGNS, VALUES, BEGINNINGS)
TEXTS = st.one_of(st.text(st.characters()), st.lists(PIECES, max_size=12).map("".join))


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redacted(text)

    assert redacted(once) == once


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_findings_stand_in_order_in_the_text_and_apart(text: str) -> None:
    findings = find(text)

    ends = [0, *(finding.end for finding in findings)]
    assert all(end <= one.start < one.end <= len(text) for end, one in zip(ends, findings, strict=False))


def test_neighbours_are_all_found_at_once() -> None:
    text = "+49 30 901820/+49 30 901821,jane@example.com,joe@example.com 8.8.4.4,8.8.8.8"

    assert [kind for kind, _ in kinds(text)] == ["PHONE", "PHONE", "EMAIL", "EMAIL", "IP", "IP"]


def test_a_finding_is_a_value() -> None:
    assert find("to jane@example.com") == (Finding("EMAIL", 3, 19),)
