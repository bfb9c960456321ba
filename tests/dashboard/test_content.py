import gzip
import random
from pathlib import Path

import pytest

from dashboard.content import GzipContent, PlainContent, UnreadableError, open_content

DATA = random.Random(1).randbytes(150_000).hex().encode()


def content_of(tmp_path: Path, data: bytes, name: str = "log") -> PlainContent | GzipContent:
    path = tmp_path / name
    path.write_bytes(data)
    return open_content(path)


@pytest.mark.parametrize("packed", [False, True])
def test_any_part_can_be_read_in_any_order(tmp_path: Path, packed: bool) -> None:
    content = content_of(tmp_path, gzip.compress(DATA) if packed else DATA)
    rng = random.Random(2)

    for _ in range(300):
        offset = rng.choice([0, rng.randrange(len(DATA) + 5000)])
        size = rng.choice([1, 64, 4096, rng.randrange(200_000)])

        assert content.read_at(offset, size) == DATA[offset : offset + size]

    content.close()


def test_forward_reading_with_a_look_back_unpacks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = content_of(tmp_path, gzip.compress(DATA))
    monkeypatch.setattr(GzipContent, "_restart", lambda _: pytest.fail("unpacked again"))

    for offset in range(0, len(DATA), 10_000):
        content.read_at(max(offset - 4096, 0), min(offset, 4096))
        content.read_at(offset, 10_000)

    content.close()


def test_an_archive_that_grows_can_be_read_on(tmp_path: Path) -> None:
    packed = gzip.compress(DATA)
    path = tmp_path / "log.gz"
    path.write_bytes(b"")
    content = open_content(path)
    read = b""

    for begin in range(0, len(packed), 7000):
        with path.open("ab") as file:
            file.write(packed[begin : begin + 7000])
        read += content.read_at(len(read), len(DATA))

    assert read == DATA
    assert content.ended
    content.close()


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(DATA))
    packed[-8] ^= 1
    content = content_of(tmp_path, bytes(packed))

    content.read_at(0, len(DATA) + 1)

    assert "incorrect data check" in content.damage
    content.close()


@pytest.mark.parametrize(
    ("data", "name"), [(b"\x28\xb5\x2f\xfd....", "zstd"), (b"\xfd7zXZ\x00..", "xz"), (b"BZh91AY", "bzip2")]
)
def test_other_archives_are_refused_by_name(tmp_path: Path, data: bytes, name: str) -> None:
    with pytest.raises(UnreadableError, match=f"compressed with {name}"):
        content_of(tmp_path, data)
