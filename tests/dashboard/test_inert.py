"""Log text keeps what can be seen and loses what cannot."""

import pytest

from dashboard.inert import INVALID_NAME, chart_text, inert, provider_label


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil.example\x07click\x1b]8;;\x07", "click"),
        ("\x1b]0;title\x1b\\after", "after"),
        ("a\u202egnp.exe\u202c", "agnp.exe"),
        ("a\u2066b\u2069\u200bc\ufeff", "abc"),
        ("a\rb\nc\x00\x85", "abc"),
        ("tab\there", "tab  here"),
        ("⚠️ Falling back, ❌ übel", "⚠️ Falling back, ❌ übel"),
        ("![x](http://evil.example/x.png) <b>", "![x](http://evil.example/x.png) <b>"),
    ],
)
def test_unseen_characters_are_taken_out(text: str, shown: str) -> None:
    assert shown == inert(text)


def test_a_long_line_is_cut_and_says_so() -> None:
    assert inert("x" * 100, limit=10) == "x" * 10 + " … +90 characters"


def test_chart_text_is_escaped() -> None:
    assert chart_text("<a href='x'> & b") == "&lt;a href='x'&gt; &amp; b"


@pytest.mark.parametrize("name", ["Openai", "a b", "<b>", "", "a" * 33, None, 7])
def test_only_a_providers_name_is_a_label(name: object) -> None:
    assert provider_label(name) == INVALID_NAME
    assert provider_label("openai") == "openai"
