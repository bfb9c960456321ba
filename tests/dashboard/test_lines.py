import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import MAX_LINE_BYTES, LineBatch, LineSplitter

NOW = datetime(2025, 10, 19, 2, 41, 7, tzinfo=UTC)
SAMPLE = "first\nsecond ⚠️ line\r\n\n\r\ncaf\u00e9\rstill\n".encode() + b"bad \xff\xfe bytes \xe2\x82\nlast, unfinished"


def fed(splitter: LineSplitter, *pieces: bytes) -> list[LineBatch]:
    offsets = itertools.accumulate(map(len, pieces), initial=0)
    batches = [splitter.feed(piece, at, read_at=NOW, live=False) for piece, at in zip(pieces, offsets, strict=False)]
    return [batch for batch in batches if batch is not None]


def lines_of(batches: list[LineBatch]) -> list[tuple[int, str]]:
    return [pair for b in batches for pair in zip(b.offsets.tolist(), b.lines.to_pylist(), strict=True)]


def expected(data: bytes) -> list[tuple[int, str]]:
    """The plain way, one line after the other."""
    found, at = [], 0
    for line in data.split(b"\n")[:-1]:
        found.append((at, line.removesuffix(b"\r").decode("utf-8", "replace")))
        at += len(line) + 1
    return found


def test_lines_come_with_the_offset_of_their_first_byte() -> None:
    splitter = LineSplitter("log")

    batches = fed(splitter, b"one\ntwo\r\n\nthree\nunfin")

    assert lines_of(batches) == [(0, "one"), (4, "two"), (9, ""), (10, "three")]
    assert splitter.position == 16


def test_cutting_the_stream_at_any_position_gives_the_same_lines() -> None:
    whole = lines_of(fed(LineSplitter("log"), SAMPLE))

    for cut in range(len(SAMPLE) + 1):
        splitter = LineSplitter("log")

        batches = fed(splitter, SAMPLE[:cut], SAMPLE[cut:])

        assert lines_of(batches) == whole == expected(SAMPLE)
        assert splitter.position == SAMPLE.rfind(b"\n") + 1


def test_byte_by_byte_gives_the_same_lines() -> None:
    pieces = [SAMPLE[i : i + 1] for i in range(len(SAMPLE))]

    assert lines_of(fed(LineSplitter("log"), *pieces)) == expected(SAMPLE)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"x", b"\xff", "é".encode(), b"\xe2\x82", b"\0"])), st.data())
def test_any_bytes_cut_anywhere_give_the_lines_of_the_plain_way(parts: list[bytes], data: st.DataObject) -> None:
    content = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=4)))

    pieces = [content[a:b] for a, b in itertools.pairwise([0, *cuts, len(content)])]

    assert lines_of(fed(LineSplitter("log"), *pieces)) == expected(content)


def test_invalid_utf8_is_replaced_and_moves_no_other_line() -> None:
    batches = fed(LineSplitter("log"), b"caf\xe9 \xf0\x9f\nnext\xff\nthird\n")

    assert lines_of(batches) == [(0, "caf\ufffd \ufffd"), (8, "next\ufffd"), (14, "third")]


@pytest.mark.parametrize("piece_bytes", [10_000_100, 65_536, 1_000_003])
def test_a_line_of_ten_megabytes_is_cut_and_counted(piece_bytes: int) -> None:
    content = b"before\n" + b"x" * 10_000_000 + b"\r\nafter\n"
    pieces = [content[i : i + piece_bytes] for i in range(0, len(content), piece_bytes)]

    batches = fed(LineSplitter("log"), *pieces)

    assert lines_of(batches) == [(0, "before"), (7, "x" * MAX_LINE_BYTES), (10_000_009, "after")]
    assert sum(batch.cut for batch in batches) == 1


def test_an_endless_line_does_not_fill_the_memory() -> None:
    splitter = LineSplitter("log")
    piece = b"x" * MAX_LINE_BYTES

    assert fed(splitter, *[piece] * 64) == []

    assert sum(map(len, splitter._kept)) <= MAX_LINE_BYTES + 1


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(("length", "cut"), [(MAX_LINE_BYTES, 0), (MAX_LINE_BYTES + 1, 1)])
@pytest.mark.parametrize("tail_bytes", [0, 1, 2, 3])
def test_a_line_is_long_by_its_text_alone(line_end: bytes, length: int, cut: int, tail_bytes: int) -> None:
    content = b"y" * length + line_end + b"z\n"
    at = length + len(line_end) - tail_bytes

    batches = fed(LineSplitter("log"), content[:at], content[at:])

    assert lines_of(batches) == [(0, "y" * MAX_LINE_BYTES), (length + len(line_end), "z")]
    assert sum(batch.cut for batch in batches) == cut


def test_a_cut_inside_a_character_leaves_a_replacement() -> None:
    text = b"a" + "⚠".encode() * 400_000

    [batch] = fed(LineSplitter("log"), text + b"\n")

    [line] = batch.lines.to_pylist()
    assert line == text[:MAX_LINE_BYTES].decode("utf-8", "replace")


def test_the_unfinished_end_is_a_line_only_if_asked_for() -> None:
    splitter = LineSplitter("log")

    [batch] = fed(splitter, b"whole\nhalf a li")
    unfinished = splitter.unfinished(read_at=NOW)

    assert batch.lines.to_pylist() == ["whole"]
    assert unfinished is not None
    assert lines_of([unfinished]) == [(6, "half a li")]


def test_the_unfinished_end_comes_again_whole_at_the_same_offset() -> None:
    splitter = LineSplitter("log")
    fed(splitter, b"whole\nhalf a li")
    splitter.unfinished(read_at=NOW)

    batch = splitter.feed(b"ne\n", 15, read_at=NOW, live=True)

    assert batch is not None
    assert lines_of([batch]) == [(6, "half a line")]
    assert splitter.unfinished(read_at=NOW) is None


def test_reading_goes_on_in_the_middle_of_a_file() -> None:
    splitter = LineSplitter("log", position=1000)

    batch = splitter.feed(b"one\ntwo\n", 1000, read_at=NOW, live=True)

    assert batch is not None
    assert lines_of([batch]) == [(1000, "one"), (1004, "two")]
    assert (batch.source, batch.live, batch.read_at) == ("log", True, NOW)


def test_bytes_that_do_not_go_on_are_refused() -> None:
    splitter = LineSplitter("log")
    fed(splitter, b"one\ntw")

    with pytest.raises(ValueError, match="must go on at 6, got 7"):
        splitter.feed(b"o\n", 7, read_at=NOW, live=False)
