"""The metrics as SQL for DuckDB, written once by Ibis and kept in metrics.sql.

Ibis takes a second to load and a third of a second to turn all metrics into SQL; a page that refreshes four times a
second, and a command that should answer at once, cannot wait for that. The SQL depends on nothing but the expressions:

    python -m dashboard.queries        writes metrics.sql anew; a test says when it must be

Where a metric has a time or a width, its SQL has a parameter: $start, $end, $bucket_s, $at.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.columns import EVENTS, KINDS, TABLES
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
    "MAP(VARCHAR, INTEGER)": "map<string, int32>",
}


def statement(
    metric: str, window: Window | None = None, at: datetime | None = None, *, structured: bool = False
) -> tuple[str, dict[str, Any]]:
    """SQL and parameters of a metric, by the name of its function.

    structured: the shorter SQL, right where no event is plain and every source says its requests.
    Raises: KeyError for a name that is none, ValueError without the window or the moment that the metric takes.
    """
    sql = _statements()[metric, structured]
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
    from dashboard import kinds, metrics

    head = "-- Written by `python -m dashboard.queries` from dashboard/metrics.py; not to be edited.\n\n"
    parts = []
    for name in sorted(set(metrics.__all__) - {"Window", "WindowError", "raw_lines"}):
        metric = getattr(metrics, name)
        parts.append(f"-- {name}\n{_sql(metric)};\n")
        with kinds.structured_only():
            parts.append(f"-- {name} structured\n{_sql(metric)};\n")
    return head + "\n".join(parts)


def _sql(metric: "Callable[..., ir.Table]") -> str:
    import ibis
    from sqlglot.optimizer import merge_subqueries, optimize, pushdown_projections, qualify

    events = table("events", EVENTS)
    arguments: list[Any] = (
        [] if metric.__name__ == "order_now" else [Window(_STAND_INS["start"], _STAND_INS["end"], _STAND_IN_S)]
    )
    arguments += [_STAND_INS["at"]] if metric.__name__ in OF_A_MOMENT else []
    sql = str(ibis.to_sql(_on_tables_of_kinds(metric(events, *arguments), events), dialect="duckdb"))
    # Columns that nobody asks for cost planning time.
    schema: dict[str, object] = {TABLES[kind]: dict(columns) for kind, columns in KINDS.items()}
    rules = (qualify.qualify, pushdown_projections.pushdown_projections, merge_subqueries.merge_subqueries)
    sql = optimize(sql, schema, dialect="duckdb", rules=rules).sql("duckdb", pretty=True)
    for parameter, at in _STAND_INS.items():
        spelled = f"MAKE_TIMESTAMP({at.year}, {at.month}, {at.day}, {at.hour}, {at.minute}, {at.second:.1f})"
        sql = sql.replace(spelled, f"CAST(${parameter} AS TIMESTAMP)")
    sql = re.sub(r"(ibis_table_unnest(?:_[a-z]+)?)_[a-z0-9]{26}", r"\1", sql)  # names that Ibis draws by chance
    return sql.replace(f"INTERVAL '{_STAND_IN_S}' SECOND", "TO_SECONDS($bucket_s)")


def _on_tables_of_kinds(expression: "ir.Table", events: "ir.Table") -> "ir.Table":
    """The expression with the tables of the kinds in the place of `events`, wherever it asks for one kind."""
    from ibis.expr import operations

    def in_place(node: Any, changed: Any) -> Any:
        if isinstance(node, operations.Filter) and node.parent == events.op():
            (name,) = (predicate.right.value for predicate in node.predicates)
            return _of_kind(name).op()
        return node.__recreate__(changed) if changed else node

    result: ir.Table = expression.op().replace(in_place).to_expr()
    return result


def _of_kind(name: str) -> "ir.Table":
    """What kinds.of_kind gives, from the table of the kind."""
    import ibis

    from dashboard.kinds import of_kind

    kind = name if name in KINDS else ""
    rows = table(TABLES[kind], KINDS[kind])
    missing = {column: ibis.null(_TYPES[EVENTS[column]]) for column in EVENTS if column not in rows.columns}
    if kind:
        return rows.mutate(**missing | {"event": ibis.literal(kind)}).select(list(EVENTS))
    return of_kind(rows.mutate(**missing).select(list(EVENTS)), name)


@cache
def _statements() -> Mapping[tuple[str, bool], str]:
    """SQL by metric, and whether it is for structured logs only."""
    parts = re.split(r"^-- ([a-z_]+)( structured)?\n", FILE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {
        (name, bool(structured)): sql.strip().removesuffix(";")
        for name, structured, sql in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


if __name__ == "__main__":
    FILE.write_text(compiled(), "utf-8")
