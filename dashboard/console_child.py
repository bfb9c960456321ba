"""The process that answers one question of the SQL console and ends. Run as a file, by console.py, and by nobody else.

It has no environment, no file of ours open, and an engine in memory without access to anything outside it. What it is
told and what it answers goes through its standard input and output:

    in   one line of JSON: sql, tables (columns by name), rows, characters, memory_mb, data_mb, cpu_s
    out  one line of JSON: {"needs": {table: [columns]}} or {"error": text}
    in   for each of these tables, in order, an Arrow stream
    out  one line of JSON: {"columns": [...], "rows": [[...]], "more": bool} or {"error": text}

The kernel's limits hold whatever the engine does: no byte is written to any file, memory and processor time are bounded,
and whoever started the process kills it when the time is over. An engine's own limits are not enough: a function such
as repeat() neither hears an interrupt nor counts towards the engine's memory.
"""

import json
import resource
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree"})
"""Functions that stand where a table does. All others read files, the network, or the engine itself."""
FORBIDDEN = frozenset(
    {
        "combine",
        "create_sort_key",
        "current_setting",
        "currval",
        "finalize",
        "getenv",
        "getvariable",
        "in_search_path",
        "index_key",
        "invoke",
        "json_execute_serialized_sql",
        "json_serialize_plan",
        "nextval",
        "pg_sleep",
        "query",
        "query_table",
        "setseed",
        "setval",
        "sleep_ms",
        "stats",
        "to_aggregate_state",
        "vector_type",
        "which_secret",
        "write_log",
    }
)
FORBIDDEN_PREFIXES = ("__", "duckdb_", "has_", "inet_", "pg_", "pragma_", "read_")
"""Functions that ask after the engine or its surroundings, or run text as SQL."""

_PARTS = frozenset(
    {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
    | {"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "SHOW_REF"}
)
"""Kinds of queries and of what may follow FROM."""

Tables = Mapping[str, list[str]]


class RefusedError(Exception):
    """The statement may not run here; the message says why."""


def needs(connection: duckdb.DuckDBPyConnection, sql: str, tables: Tables) -> dict[str, list[str]]:
    """The tables that a statement reads, each with the columns that it may ask for.

    Raises: RefusedError unless it is one SELECT over these tables and over functions that only compute.
    """
    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree["error"]:
        if "SELECT" in tree["error_message"]:
            raise RefusedError("only a SELECT can be asked here; nothing can be changed, attached, loaded or set")
        raise RefusedError(f"this is not SQL that can be read: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise RefusedError(f"one statement at a time, got {len(tree['statements'])}")
    nodes = list(_nodes(tree["statements"]))
    own = {entry["key"].lower() for node in nodes for entry in _map(node)}
    read: set[str] = set()
    names: set[str] = set()
    everything = False
    for node in nodes:
        _check_part(node)
        if "function_name" in node:
            _check_function(node)
        if node.get("type") == "TABLE_FUNCTION" and node["function"]["function_name"].lower() not in TABLE_FUNCTIONS:
            allowed = ", ".join(sorted(TABLE_FUNCTIONS))
            raise RefusedError(f"{node['function']['function_name']}() is not available: only {allowed} give rows here")
        if node.get("type") == "BASE_TABLE":
            read.add(_table(node, own, tables))
        everything = everything or node.get("type") == "STAR" or node.get("ref_type") == "NATURAL"
        names |= {part.lower() for part in node.get("column_names", ())}
        names |= {part.lower() for part in node.get("using_columns", ())}
    aliases = {str(node.get("alias", "")).lower() for node in nodes if node.get("type") in _PARTS}
    everything = everything or bool(names & ((aliases | read) - {""}))  # a table's name alone means its whole row
    # A name that WITH gives may hide a table of the same name, or be made from it: what is sent too much does no harm.
    wanted = [table for table in tables if table in read]
    return {table: [c for c in tables[table] if everything or c in names] or tables[table][:1] for table in wanted}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    left = [tree]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            yield part
            left.extend(part.values())
        elif isinstance(part, list):
            left.extend(part)


def _map(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The names that WITH gives."""
    found = node.get("cte_map")
    return found["map"] if isinstance(found, dict) else []


def _check_part(node: dict[str, Any]) -> None:
    kind = str(node.get("type"))
    if ("sample" in node or kind.endswith("_NODE")) and kind not in _PARTS:
        # Among them what WITH can hold beside a SELECT: DELETE, INSERT, UPDATE, MERGE.
        raise RefusedError(f"only a SELECT can be asked here, and this holds a part that is none ({kind})")
    if node.get("type") == "SHOW_REF" and not (node.get("query") and node.get("show_type") in ("DESCRIBE", "SUMMARY")):
        raise RefusedError("SHOW is not available here; DESCRIBE and SUMMARIZE of a table are")


def _check_function(node: dict[str, Any]) -> None:
    name = node["function_name"].lower()
    path = node.get("qualified_name", {}).get("path", [name])
    if name in FORBIDDEN or name.startswith(FORBIDDEN_PREFIXES) or len(path) > 1:
        raise RefusedError(f"{'.'.join(path)}() is not available: it reaches beyond the events")


def _table(node: dict[str, Any], own: set[str], tables: Tables) -> str:
    path = node["qualified_name"]["path"]
    name = ".".join(path).lower()
    if name not in tables and name not in own:
        raise RefusedError(f"there is no table {'.'.join(path)!r}; there are {', '.join(tables)}")
    return name


def limit(memory_mb: int, data_mb: int, cpu_s: int) -> None:
    """Has the kernel stop what the engine would not.

    memory_mb: of the engine; data_mb: of the tables that it is given; cpu_s: of the processor, should nobody be left
    who could kill this process.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    address_space = (1536 + 2 * memory_mb + 2 * data_mb) * 1024 * 1024  # libraries and stacks of threads included
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))


def engine(memory_mb: int) -> duckdb.DuckDBPyConnection:
    """An engine in memory that reads and writes nothing outside, and whose settings cannot be changed."""
    return duckdb.connect(
        config={
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "enable_external_access": "false",
            "max_expression_depth": "250",
            "memory_limit": f"{memory_mb}MB",
            "python_enable_replacements": "false",
            "temp_directory": "",
            "threads": "2",
        }
    )


def answer(connection: duckdb.DuckDBPyConnection, sql: str, rows: int, characters: int) -> dict[str, Any]:
    """The first `rows` rows, long texts cut to `characters`, and whether there are more."""
    found = connection.execute(sql)
    columns = [column[0] for column in found.description or ()]
    values = found.fetchmany(rows + 1)  # the engine goes no further than it must
    return {
        "columns": columns,
        "rows": [[_plain(value, characters) for value in row] for row in values[:rows]],
        "more": len(values) > rows,
    }


def _plain(value: Any, characters: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and value - value == 0:  # no infinity
        return value
    text = str(value)
    return text if len(text) <= characters else f"{text[:characters]} … +{len(text) - characters:,} characters"


def _say(said: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Answers the question on standard input."""
    asked = json.loads(sys.stdin.buffer.readline())
    limit(asked["memory_mb"], asked["data_mb"], asked["cpu_s"])
    try:
        connection = engine(asked["memory_mb"])
        wanted = needs(connection, asked["sql"], asked["tables"])
        _say({"needs": wanted})
        if wanted:
            import pyarrow.ipc  # here: a question without tables has its answer sooner

            for table in wanted:
                connection.register(table, pyarrow.ipc.open_stream(sys.stdin.buffer).read_all())
        connection.execute("SET lock_configuration = true")
        _say(answer(connection, asked["sql"], asked["rows"], asked["characters"]))
    except RefusedError as exc:
        _say({"error": str(exc)})
    except (MemoryError, duckdb.OutOfMemoryException):
        _say({"error": "the answer needs more memory than a question may take: aggregate, or narrow the range"})
    except RecursionError:
        _say({"error": "the statement is nested too deeply"})
    except duckdb.Error as exc:
        _say({"error": str(exc)[:2000]})
    except Exception as exc:  # noqa: BLE001 (the edge of the process: whatever it is, the reader is told)
        _say({"error": f"{type(exc).__name__}: {exc}"[:2000]})


if __name__ == "__main__":
    main()
