"""The usual beginnings of lines, told by their bytes, against the queries that read any beginning."""

import random
from datetime import UTC, datetime

import numpy as np
import pytest

from dashboard import heads
from dashboard.heads import read_heads
from dashboard.lines import LineBatch, LineSplitter
from dashboard.parsing_queries import prepared_queries
from dashboard.prefixes import Prefixes, usual_prefixes
from tests.composed_log import composed_lines

FIELDS = ("at", "timed", "level", "object_at")
PYTHON = "2026-02-28 23:59:59,999 WARNING:app.cache:hit ratio 0.5 {not an object}"
SPELLED = "0123456789 :-.,TZ+[]{}\"'eINFOx\x00\u00e9"


def batch_of(lines: list[str]) -> LineBatch:
    batch = LineSplitter("s").feed(
        "".join(f"{line}\n" for line in lines).encode(), 0, read_at=datetime.now(UTC), live=True
    )
    assert batch is not None
    return batch


def damaged(line: str, rng: random.Random) -> str:
    """The line with one or two letters of its beginning lost, added or exchanged."""
    for _ in range(rng.choice((1, 1, 2))):
        place = rng.randrange(min(len(line), 70) + 1)
        line = line[:place] + rng.choice(("", rng.choice(SPELLED))) + line[place + rng.randrange(2) :]
    return line[: rng.randrange(len(line) + 1)] if rng.random() < 0.1 else line


@pytest.mark.parametrize("seed", range(3))
def test_a_beginning_told_by_its_bytes_is_what_the_queries_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    usual = [PYTHON, *(line.rstrip("\n") for line in composed_lines())]
    batch = batch_of([damaged(rng.choice(usual), rng).replace("\n", "") for _ in range(6000)] + usual)

    with prepared_queries() as queries:
        found = read_heads(queries, batch)
        nothing = Prefixes(*(np.zeros(0, kind) for kind in (np.int64, np.int64, np.int8, np.int64)))
        monkeypatch.setattr(heads, "usual_prefixes", lambda *_: (nothing, nothing))
        expected = read_heads(queries, batch)

    for field in FIELDS:
        differs = np.flatnonzero(
            (getattr(found, field) != getattr(expected, field)) & (expected.timed if field == "at" else True)
        )
        assert [(batch.lines[row].as_py(), field) for row in differs[:3].tolist()] == []


def test_the_usual_beginnings_are_told_by_their_bytes() -> None:
    lines = [PYTHON, *(line.rstrip("\n") for line in composed_lines() if line.startswith("2") and "{" in line)]
    batch = batch_of(lines)
    bounds = np.frombuffer(batch.lines.buffers()[1], np.int64)
    data = np.frombuffer(batch.lines.buffers()[2], np.uint8)

    core, python = usual_prefixes(data, bounds[:-1], bounds[1:])

    assert python.rows.tolist() == [0]
    assert datetime.fromtimestamp(python.at[0] / 1e6, UTC).isoformat() == "2026-02-28T23:59:59.999000+00:00"
    assert len(core.rows) > 0.9 * (len(lines) - 1)
