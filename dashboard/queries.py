"""The metrics as SQL for DuckDB, written once by Ibis and kept in metrics.sql.

Ibis takes a second to load and a third of a second to turn all metrics into SQL; a page that refreshes four times a
second, and a command that should answer at once, cannot wait for that. The SQL depends on nothing but the expressions:

    python -m dashboard.queries        writes metrics.sql anew; a test says when it must be

Where a metric has a time or a width, its SQL has a parameter: $start, $end, $bucket_s, $at.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.columns import EVENTS, LINES
from dashboard.window import Window

if TYPE_CHECKING:
    import ibis.expr.types as ir

FILE = Path(__file__).with_name("metrics.sql")
OF_A_MOMENT = ("circuit_intervals", "order_now")
"""Metrics that take a moment as well as, or instead of, a window."""

_STAND_INS = {
    "start": datetime(1971, 2, 3, 4, 5, 6, tzinfo=UTC),
    "end": datetime(1972, 2, 3, 4, 5, 6, tzinfo=UTC),
    "at": datetime(1973, 2, 3, 4, 5, 6, tzinfo=UTC),
}
_STAND_IN_S = 7919
_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "DOUBLE": "float64",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
    "VARCHAR[]": "array<string>",
}


def statement(metric: str, window: Window | None = None, at: datetime | None = None) -> tuple[str, dict[str, Any]]:
    """SQL and parameters of a metric, by the name of its function.

    Raises: KeyError for a name that is none, ValueError without the window or the moment that the metric takes.
    """
    sql = _statements()[metric]
    given: dict[str, Any] = {}
    if window is not None:
        given |= {"start": _naive(window.start), "end": _naive(window.end), "bucket_s": window.bucket_s}
    if at is not None:
        given |= {"at": _naive(at)}
    needed = set(re.findall(r"\$([a-z_]+)", sql))
    if missing := needed - given.keys():
        raise ValueError(f"{metric} needs {', '.join(sorted(missing))}")
    return sql, {name: given[name] for name in needed}


def table(name: str, columns: Mapping[str, str]) -> "ir.Table":
    """The Ibis table of one of the store's tables."""
    import ibis

    return ibis.table({column: _TYPES[kind] for column, kind in columns.items()}, name=name)


def compiled() -> str:
    """What metrics.sql should hold."""
    import ibis

    from dashboard import metrics

    events = table("events", EVENTS)
    window = Window(_STAND_INS["start"], _STAND_INS["end"], _STAND_IN_S)
    parts = []
    for name in sorted(set(metrics.__all__) - {"Window", "WindowError", "raw_lines"}):
        arguments = [] if name == "order_now" else [window]
        arguments += [_STAND_INS["at"]] if name in OF_A_MOMENT else []
        sql = str(ibis.to_sql(getattr(metrics, name)(events, *arguments), dialect="duckdb"))
        for parameter, at in _STAND_INS.items():
            spelled = f"MAKE_TIMESTAMP({at.year}, {at.month}, {at.day}, {at.hour}, {at.minute}, {at.second:.1f})"
            sql = sql.replace(spelled, f"CAST(${parameter} AS TIMESTAMP)")
        sql = sql.replace(f"INTERVAL '{_STAND_IN_S}' SECOND", "TO_SECONDS($bucket_s)")
        parts.append(f"-- {name}\n{sql};\n")
    return "-- Written by `python -m dashboard.queries` from dashboard/metrics.py; not to be edited.\n\n" + "\n".join(parts)


@cache
def _statements() -> Mapping[str, str]:
    parts = re.split(r"^-- ([a-z_]+)\n", FILE.read_text("utf-8"), flags=re.MULTILINE)
    return {name: sql.strip().removesuffix(";") for name, sql in zip(parts[1::2], parts[2::2], strict=True)}


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


if __name__ == "__main__":
    FILE.write_text(compiled(), "utf-8")
