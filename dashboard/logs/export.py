"""What is shown, as a file to take away."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from dashboard.logs.search import Line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_text(lines: Iterable[Line], *, separated: bool = False) -> str:
    """The lines as they stand in the log. separated: with `--` between stretches, as grep -A -B writes it."""
    out: list[str] = []
    before = None
    for line in lines:
        if separated and before is not None and line.number > before + 1:
            out.append("--")
        before = line.number
        out.append(line.text)
    return "".join(f"{text}\n" for text in out)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV (RFC 4180), UTF-8 when written; None is empty.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: it may come from a log.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
