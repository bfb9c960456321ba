"""Numbers and text between numpy and Arrow, without copying and without pandas.

pyarrow's own conversions (pa.array, pa.scalar, to_numpy) load pandas first, which takes longer than `stats` on a small
log takes altogether.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

TIME = pa.timestamp("us")
SHORTEST_VIEW = 13
"""Shorter texts stand inside their string view, longer ones are pointed at (Arrow columnar format, view layout)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_arrow(values: npt.NDArray[np.integer[Any]], *, known: Flags | None = None) -> Any:
    """An Arrow array of 64-bit, or of 8-bit, integers; NULL where `known` is False."""
    kind = pa.int8() if values.dtype == np.int8 else pa.int64()
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def flags_to_arrow(flags: Flags) -> Any:
    """An Arrow array of booleans."""
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, pa.py_buffer(np.packbits(flags, bitorder="little"))])


def texts(values: Sequence[str]) -> Any:
    """An Arrow array of these texts."""
    encoded = [value.encode() for value in values]
    bounds = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(bounds), pa.py_buffer(b"".join(encoded))]
    )


def to_moment(at: datetime) -> Any:
    """The time as an Arrow scalar, in UTC without a zone."""
    return to_arrow(np.array([microseconds(at)])).cast(TIME)[0]


def microseconds(at: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def to_numbers(array: Any) -> Numbers:
    """The values of an Arrow array of 64-bit integers or times; anything where it is NULL."""
    array = whole(array)
    if not len(array):
        return np.empty(0, np.int64)
    return np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array)]


def to_small_numbers(array: Any) -> npt.NDArray[np.int8]:
    """The values of an Arrow array of 8-bit integers; -1 where it is NULL."""
    array = whole(array)
    if not len(array):
        return np.empty(0, np.int8)
    values = np.frombuffer(array.buffers()[1], np.int8)[array.offset : array.offset + len(array)]
    return np.where(to_flags(array.is_valid()), values, np.int8(-1))


def to_flags(array: Any) -> Flags:
    """The values of an Arrow array of booleans without NULL."""
    array = whole(array)
    if not len(array):
        return np.empty(0, np.bool_)
    bits = np.frombuffer(array.buffers()[1], np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :].view(np.bool_)


def to_bytes(text: Any) -> tuple[Bytes, Numbers]:
    """The bytes of an Arrow array of large strings, and where each begins, with the end of the last."""
    bounds = np.frombuffer(text.buffers()[1], np.int64)[text.offset : text.offset + len(text) + 1]
    return np.frombuffer(text.buffers()[2] or b"", np.uint8), bounds


def word_at(data: Bytes, places: Numbers) -> Words:
    """The eight bytes at each place, as one number each; 0 where the data end before."""
    aligned = data[: len(data) // 8 * 8].view("<u8")
    if not len(aligned):
        return np.zeros(len(places), np.uint64)
    # Two aligned words and a shift: four times as fast as taking words that begin anywhere.
    index, shift = places >> 3, ((places & 7) << 3).astype(np.uint64)
    low, high = aligned.take(index, mode="clip"), aligned.take(index + 1, mode="clip")
    found: Words = (low >> shift) | ((high << (np.uint64(56) - shift)) << np.uint64(8))
    for row in np.flatnonzero(places > len(aligned) * 8 - 8).tolist():  # a few at the very end
        found[row] = int.from_bytes(data[places[row] :][:8].tobytes(), "little") if places[row] <= len(data) - 8 else 0
    return found


def byte_at(data: Bytes, places: Numbers) -> Bytes:
    """The byte at each place; 0 where the data end before."""
    if not len(data):
        return np.zeros(len(places), np.uint8)
    found = data.take(places, mode="clip")
    found[places >= len(data)] = 0
    return found


def views(text: Any, starts: Numbers, ends: Numbers) -> Any:
    """Parts of the text as an Arrow array of string views, none shorter than SHORTEST_VIEW; nothing is copied."""
    data, _ = to_bytes(text)
    layout = np.zeros((len(starts), 4), np.uint32)  # length, first four bytes, buffer, offset in it
    layout[:, 0] = ends - starts
    layout[:, 1] = word_at(data, starts) & np.uint64(0xFFFFFFFF)
    layout[:, 3] = starts
    return pa.Array.from_buffers(pa.string_view(), len(starts), [None, pa.py_buffer(layout), text.buffers()[2]])


def whole(array: Any) -> Any:
    """The array in one piece."""
    if not isinstance(array, pa.ChunkedArray):
        return array
    return array.combine_chunks() if array.num_chunks else pa.nulls(0, array.type)
