"""The what-if document as tables on a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from dashboard.stats_table import printed, table
from dashboard.whatif.words import calls, compared, doubts, head, seconds, share


def rendered(found: Mapping[str, Any]) -> str:
    """The document of whatif_command.document, as text for this terminal, or for a file."""
    return printed(_parts(found))


def _parts(found: Mapping[str, Any]) -> Iterator[str | Table]:
    yield head(found)
    yield from _doubts(found)
    if "sweep" in found:
        yield _sweep(found)
    else:
        yield _compared(found)
        yield calls(found["calls"])
    yield "An interval holds nine of ten draws; docs/whatif.md says how often it held the truth."


def _doubts(found: Mapping[str, Any]) -> Iterator[str]:
    yield from doubts(found)
    again = found["reproduction"]
    if again is not None:
        how = "comes out exactly" if again["exact"] else "does NOT come out exactly"
        yield f"Replayed under its own policy, each of {again['transitions']} circuit transitions {how}."


def _compared(found: Mapping[str, Any]) -> Table:
    result = table(f"What if · {found['draws']} draws", "number", "was", "would be", "from", "to", "difference")
    for row in compared(found):
        result.add_row(*row)
    return result


def _sweep(found: Mapping[str, Any]) -> Table:
    names = list(found["sweep"][0]["settings"])
    heads = (name.removeprefix("circuit_").removesuffix("_seconds") for name in names)
    columns = (*heads, "success", "from", "to", "fallbacks", "p95", "from", "to", "openings", "unknown")
    result = table(f"Sweep · {found['draws']} draws a point", *columns)
    reality = found["reality"]
    was = (share(reality["success_rate"]), "", "", share(reality["fallback_rate"]), seconds(reality["p95_ms"]), "", "")
    result.add_row(*("was" if place == 0 else "" for place, _ in enumerate(names)), *was, f"{reality['openings']}", "")
    for cell in found["sweep"]:
        told = cell["predicted"]
        result.add_row(
            *cell["settings"].values(),
            *(share(told["success_rate"][key]) for key in ("middle", "low", "high")),
            share(told["fallback_rate"]["middle"]),
            *(seconds(told["p95_ms"][key]) for key in ("middle", "low", "high")),
            f"{told['openings']['middle']:g}",
            share(cell["calls"]["unknown"]),
        )
    return result
