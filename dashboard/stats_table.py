"""The stats document as tables on a terminal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.inert import inert

WIDTH = 120
"""Columns of what goes into a file or a pipe."""


def rendered(found: Mapping[str, Any]) -> str:
    """The document of stats.document, as text for this terminal, or for a file."""
    return printed(_parts(found))


def printed(parts: Iterable[str | Table]) -> str:
    """Texts and tables, as text for this terminal, or for a file."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return captured.get()


def _parts(found: Mapping[str, Any]) -> Iterator[str | Table]:
    window = found["window"]
    yield f"{window['since']} to {window['until']} · {found['events']:,} events, {found['rejects']:,} rejects"
    yield _requests(found["requests"])
    yield _providers(found["providers"], found["circuits"])
    if found["fallbacks"]["total"]:
        yield _fallbacks(found["fallbacks"])
    if found["guards"]["guarded"] or found["guards"]["actions"]:
        yield _guards(found["guards"])
        yield _guard_cost(found["guards"])
    transitions = [
        (change["at"], name, change) for name, circuit in found["circuits"].items() for change in circuit["transitions"]
    ]
    if transitions:
        yield _transitions(sorted(transitions, key=lambda item: item[0]))
    if len(found["instances"]) > 1:
        yield _instances(found["instances"])


def _requests(requests: Mapping[str, Any]) -> Table:
    title = "Requests (derived from attempts)" if requests["derived"] else "Requests"
    filled = table(title, "total", "success", "failed", "errors", "fallbacks", "p50", "p95", "wasted")
    filled.add_row(
        *(f"{requests[name]:,}" for name in ("total", "success", "failed")),
        share(requests["error_rate"]),
        share(requests["fallback_rate"]),
        *(seconds(requests[name]) for name in ("p50_ms", "p95_ms", "wasted_ms")),
    )
    return filled


def _providers(providers: Mapping[str, Any], circuits: Mapping[str, Any]) -> Table:
    filled = table("Providers", "provider", "circuit", "attempts", "success", "failed", "rate", "p50", "p95")
    for name in sorted({*providers, *circuits}):
        row = providers.get(name)
        state = circuits.get(name, {}).get("state", "UNKNOWN")
        if row is None:
            filled.add_row(name, state, "0", "0", "0", "–", "–", "–")
            continue
        filled.add_row(
            name,
            state,
            *(f"{row[key]:,}" for key in ("attempts", "success", "failed")),
            share(row["success_rate"]),
            seconds(row["p50_ms"]),
            seconds(row["p95_ms"]),
        )
    return filled


def _fallbacks(fallbacks: Mapping[str, Any]) -> Table:
    filled = table(f"Fallbacks: {fallbacks['total']:,}", "reason or pair", "n")
    for rows in (fallbacks["by_reason"], fallbacks["by_pair"]):
        for name, count in rows.items():
            filled.add_row(name, f"{count:,}")
        filled.add_section()
    return filled


def _guards(guards: Mapping[str, Any]) -> Table:
    filled = table("Guards", "guard", "action", "where", "times", "requests")
    for row in guards["actions"]:
        filled.add_row(row["guard"], row["action"], row["where"] or "–", f"{row['times']:,}", f"{row['requests']:,}")
    if not guards["actions"]:
        filled.add_row("none acted", "–", "–", "0", "0")
    return filled


def _guard_cost(guards: Mapping[str, Any]) -> str:
    if not guards["guarded"]:
        return "  The log does not tell what the guards took."
    took = ", ".join(f"{name} {guards[f'{name}_ms']:,.1f} ms" for name in ("p50", "p95"))
    of_time = f"{share(guards['share_of_time'])} of what callers waited"
    return f"  Guards took {took}, {of_time} (n {guards['guarded']:,}); requests blocked: {guards['blocked']:,}"


def _transitions(rows: list[tuple[str, str, Mapping[str, Any]]]) -> Table:
    shown = rows[-20:]
    title = "Circuit transitions" + (f" (the newest 20 of {len(rows):,})" if len(rows) > len(shown) else "")
    filled = table(title, "at (UTC)", "provider", "from", "to", "cause")
    for at, name, change in shown:
        filled.add_row(at, name, change["from"] or "–", change["to"], change["cause"] or "–")
    return filled


def _instances(rows: Sequence[Mapping[str, Any]]) -> Table:
    filled = table("Instances", "instance", "first (UTC)", "last (UTC)", "events", "skew", "told by")
    for row in rows:
        name = inert(", ".join(row["names"]) or row["source"], 40)
        back = "" if row["set_back_ms"] is None else f", clock set back by {seconds(row['set_back_ms'])}"
        skew = "unknown" if row["skew_ms"] is None else f"{row['skew_ms'] / 1000:+,.2f} s"
        filled.add_row(Text(name), row["first"], row["last"], f"{row['events']:,}", skew, f"{row['skew_basis']}{back}")
    return filled


def table(title: str, *columns: str) -> Table:
    """An empty table; columns of words stand left, of numbers right."""
    found = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    left = {"provider", "circuit", "reason or pair", "at (UTC)", "cause", "number"} | (
        {"from", "to"} if "cause" in columns else set()
    )
    left |= {"instance", "first (UTC)", "last (UTC)", "told by", "guard", "action", "where"}
    for column in columns:
        found.add_column(column, justify="left" if column in left else "right", no_wrap=True)
    return found


def share(value: float | None) -> str:
    """A rate of 0..1 in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def seconds(value_ms: float | None) -> str:
    """Milliseconds in seconds."""
    return "–" if value_ms is None else f"{value_ms / 1000:,.2f} s"
