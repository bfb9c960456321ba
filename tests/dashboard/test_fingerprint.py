import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.fingerprint import Fingerprint, Likeness, agree

DATA = random.Random(3).randbytes(100_000)


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + size]


def of(data: bytes) -> Fingerprint:
    return Fingerprint().extended(data, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, len(DATA)), max_size=8))
def test_bytes_in_pieces_have_the_fingerprint_of_the_whole(cuts: list[int]) -> None:
    fingerprint = Fingerprint()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(DATA)], strict=True):
        fingerprint = fingerprint.extended(DATA[begin:end], begin)

    assert fingerprint == of(DATA)


def test_what_is_covered_already_is_skipped() -> None:
    fingerprint = of(DATA[:5000])

    assert fingerprint.extended(DATA[2000:9000], 2000) == of(DATA[:9000])
    assert fingerprint.extended(DATA[2000:4000], 2000) == fingerprint


@pytest.mark.parametrize("length", [1, 63, 64, 65, 4095, 4096, 4097, 50_000])
def test_a_content_that_has_grown_continues(length: int) -> None:
    fingerprint = of(DATA[:length])

    assert fingerprint.compare(Bytes(DATA[:length])) is Likeness.CONTINUES
    assert fingerprint.compare(Bytes(DATA)) is Likeness.CONTINUES


@pytest.mark.parametrize("length", [64, 100, 4096, 49_999])
def test_the_beginning_of_a_content_is_a_prefix(length: int) -> None:
    assert of(DATA[:50_000]).compare(Bytes(DATA[:length])) is Likeness.PREFIX


def test_too_little_to_tell_is_different() -> None:
    assert of(DATA[:50_000]).compare(Bytes(DATA[:63])) is Likeness.DIFFERENT


@pytest.mark.parametrize("at", [0, 63, 5000, 40_000, 49_999])
def test_a_byte_that_differs_in_a_window_is_seen(at: int) -> None:
    changed = bytearray(DATA)
    changed[at] ^= 1

    assert of(DATA[:50_000]).compare(Bytes(bytes(changed))) is (
        # Between two windows nothing is looked at.
        Likeness.CONTINUES if at == 40_000 else Likeness.DIFFERENT
    )


def test_text_keeps_it() -> None:
    fingerprint = of(DATA[:50_000])

    read_back = Fingerprint.from_text(fingerprint.to_text())

    assert read_back.compare(Bytes(DATA)) is Likeness.CONTINUES
    assert read_back.revived(Bytes(DATA)) == fingerprint
    with pytest.raises(ValueError, match="do not go on"):
        read_back.extended(DATA[50_000:], 50_000)


@pytest.mark.parametrize("text", ["", "not a fingerprint at all", "1 2 3", "x 0 y z:1"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Fingerprint.from_text(text)


def test_contents_agree_by_the_window_before_a_place() -> None:
    changed = DATA[:9999] + b"?" + DATA[10_000:]

    assert agree(Bytes(DATA), Bytes(changed), 9999)
    assert not agree(Bytes(DATA), Bytes(changed), 10_000)
