"""An edit of `.env` says what was meant and leaves the rest alone; a write is whole or not there."""

import os
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from resilience import envfile
from resilience.envfile import EnvFileError, edited, values_in

FILE = """\
# the chain
export METIS_LLM_PROVIDER_ORDER = "openrouter,anthropic"   # cheap first

OPENAI_API_KEY='sk-$#x'
this line is no setting !!
METIS_LLM_CIRCUIT_THRESHOLD=3 # runbook 2
LONG="two
lines"
METIS_LLM_CIRCUIT_THRESHOLD=4
"""


def test_the_last_line_of_a_name_is_the_one_that_is_edited():
    after = edited(FILE, {"METIS_LLM_CIRCUIT_THRESHOLD": "5"})

    assert after == FILE.replace("METIS_LLM_CIRCUIT_THRESHOLD=4", "METIS_LLM_CIRCUIT_THRESHOLD=5")


def test_export_spaces_and_the_comment_of_the_line_stay():
    after = edited(FILE, {"METIS_LLM_PROVIDER_ORDER": "deepseek"})

    assert 'export METIS_LLM_PROVIDER_ORDER = "deepseek"   # cheap first\n' in after


def test_a_removed_name_is_gone_from_every_line_and_an_absent_one_changes_nothing():
    after = edited(FILE, {"METIS_LLM_CIRCUIT_THRESHOLD": None, "METIS_LLM_MAX_RETRIES": None})

    assert after == FILE.replace("METIS_LLM_CIRCUIT_THRESHOLD=3 # runbook 2\n", "").replace(
        "METIS_LLM_CIRCUIT_THRESHOLD=4\n", ""
    )


def test_a_new_name_is_appended_with_the_file_s_own_line_ends():
    assert edited("A=1\r\nB=2", {"C": "3"}) == 'A=1\r\nB=2\r\nC="3"\r\n'
    assert edited("", {"C": "3"}) == 'C="3"\n'


def test_the_same_value_again_leaves_the_text_as_it_is():
    assert edited("A='1'\n", {"A": "1"}) == "A='1'\n"


@pytest.mark.parametrize(
    "value", ["a\nB=evil", 'a"b', "a'b", "a #b", "#a", "$HOME", "`id`", "a\\", "\\'", "", " a ", "é", "\r\n", "'\"\\$"]
)
def test_a_hostile_value_is_read_back_as_it_was_meant(value: str):
    after = edited(FILE, {"LONG": value, "NEW": value})

    assert values_in(after) == values_in(FILE) | {"LONG": value, "NEW": value}
    assert "this line is no setting !!\n" in after


NAMES = st.sampled_from(["A", "B", "METIS_X", "LONG", "C_1"])
LINES = st.lists(
    st.sampled_from(
        [
            "A=1",
            "export B='x'",
            'B = "y" # note',
            "# A=2",
            "",
            "A",
            'LONG="a',
            'b"',
            "junk !",
            "C_1=#",
            "C_1= # n",
            "'A'=3",
            "=",
            "A='",
        ]
    )
    | st.text(max_size=12),
    max_size=8,
)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.dictionaries(NAMES, st.none() | st.text(max_size=20), max_size=3))
def test_any_edit_of_any_file_says_what_was_meant_or_refuses(
    lines: list[str], end: str, changes: dict[str, str | None]
):
    text = end.join(lines)
    wanted = {n: v for n, v in (values_in(text) | changes).items() if v is not None}

    try:
        after = edited(text, changes)
    except EnvFileError:
        return

    assert values_in(after) == wanted


def test_the_library_reads_the_file_as_the_text_was_read(tmp_path: Path):
    path = tmp_path / ".env"
    text = edited("A=1\r\n", {"B": "a\r\nb", "C": "\t$x"})

    envfile.write(path, text)

    assert dotenv_values(path, interpolate=False) == values_in(text)
    assert envfile.read(path) == text


def test_mode_and_link_are_kept_and_nothing_else_is_left(tmp_path: Path):
    real = tmp_path / "real" / "settings"
    real.parent.mkdir()
    real.write_text("A=1\n")
    real.chmod(0o640)
    link = tmp_path / ".env"
    link.symlink_to(real)
    (real.parent / ".settings.new").write_text("half of an earlier wri")

    envfile.write(link, "A=2\n")

    assert link.is_symlink()
    assert real.read_text() == "A=2\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["settings"]


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path):
    envfile.write(tmp_path / ".env", "KEY=secret\n")

    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / ".env"
    path.write_text("A=1\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        envfile.write(path, "A=2\n")

    assert path.read_text() == "A=1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]


def test_text_that_is_no_unicode_is_an_error_before_anything_is_replaced(tmp_path: Path):
    with pytest.raises(UnicodeEncodeError):
        envfile.write(tmp_path / ".env", "A=\ud800\n")

    assert list(tmp_path.iterdir()) == []
