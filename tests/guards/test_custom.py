"""Patterns of one's own are checked when they are read, and are looked for first."""

import pytest

from resilience.errors import PolicyError
from resilience.guards.custom import NONE, custom
from resilience.guards.pii import find, redacted
from resilience.guards.vault import Vault


def test_patterns_are_parted_by_semicolons_or_lines() -> None:
    found = custom(r"CUSTOMER=KD-\d{6}; PROJECT=(?i)project [a-z]+" + "\n" + r"CASE=\bC=\d+\x3b")

    assert found.names == ("CUSTOMER", "PROJECT", "CASE")
    assert redacted("KD-123456 in Project Falcon, C=12;", found) == "[CUSTOMER] in [PROJECT], [CASE]"
    assert custom(" \n;") == NONE


def test_a_pattern_may_name_any_character() -> None:
    assert redacted("编号四五六", custom(r"NUMBER=编号[\x{4e00}-\x{9fff}]+")) == "[NUMBER]"


@pytest.mark.parametrize("before", ["", "日本 ", "\\n", "\u200b\ud800é "])
def test_a_pattern_finds_its_place_in_any_text(before: str) -> None:
    text = f"{before}Akte Müller-42 von jane@example.com"

    findings = find(text, custom(r"FILE=Akte \pL+-\d+"))

    assert [(one.kind, text[one.start : one.end]) for one in findings] == [
        ("FILE", "Akte Müller-42"),
        ("EMAIL", "jane@example.com"),
    ]


def test_a_custom_value_comes_back_and_its_placeholder_is_left_alone() -> None:
    vault = Vault(custom(r"CUSTOMER=KD-\d+;LOUD=[A-Z]{4,}"))

    hidden = vault.hide("KD-1 SHOUTS [CUSTOMER_9]")

    assert hidden == "[CUSTOMER_1] [LOUD_1] [CUSTOMER_9]"
    assert vault.hide(hidden) == hidden
    assert vault.restore(hidden) == "KD-1 SHOUTS [CUSTOMER_9]"


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("EMAIL=xx+y", "none of EMAIL"),
        ("customer=x", "in capitals"),
        ("A" * 33 + "=x", "in capitals"),
        ("A=xy;A=yz", "each name once"),
        ("no pattern", "NAME=pattern"),
        ("A=", "1 to 500 characters"),
        ("A=" + "x" * 501, "1 to 500 characters"),
        ("A=(", "RE2 can read"),
        (r"A=(x)\1", "RE2 can read"),
        ("A=(?=x)", "RE2 can read"),
        ("A=\udc80xyz", "RE2 can read"),
        ("A=((x{100}){100}){10}", "RE2 can read"),
        ("A=(xy|yz){100}", "200 instructions"),
        ("A=x*", "neither nothing"),
        (r"A=\s", "nor a single character"),
        (";".join(f"A{number}=x{{100}}" for number in range(8)), "600 instructions of RE2 or fewer in all"),
    ],
)
def test_a_pattern_that_breaks_a_rule_is_named_with_it(setting: str, rule: str) -> None:
    with pytest.raises(PolicyError, match=rule) as refused:
        custom(setting, "METIS_LLM_GUARD_PII_PATTERNS")

    assert str(refused.value).startswith("METIS_LLM_GUARD_PII_PATTERNS")


def test_a_match_of_three_characters_is_none() -> None:
    assert redacted("KD-1 KD-", custom(r"CUSTOMER=KD-\d?")) == "[CUSTOMER] KD-"
