"""The what-if document as tables on a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from dashboard.stats_table import printed, seconds, share, table

_ROWS = {
    "success_rate": ("success rate", share),
    "fallback_rate": ("requests with a fallback", share),
    "p95_ms": ("p95 of the wait", seconds),
    "wasted_s": ("wasted in all", lambda value: "–" if value is None else f"{value:,.1f} s"),
    "openings": ("openings of circuits", lambda value: "–" if value is None else f"{value:g}"),
}


def rendered(found: Mapping[str, Any]) -> str:
    """The document of whatif_command.document, as text for this terminal, or for a file."""
    return printed(_parts(found))


def _parts(found: Mapping[str, Any]) -> Iterator[str | Table]:
    window, reality = found["window"], found["reality"]
    stretch = "".join(f" {word} {at}" for word, at in window.items() if at)
    yield f"{reality['requests']:,} requests of {found['processes']} process(es){stretch} · {_policy(found['policy'])}"
    yield from _doubts(found)
    if "sweep" in found:
        yield _sweep(found)
    else:
        yield _compared(found)
        yield _calls(found["calls"])
    yield "An interval holds nine of ten draws; docs/whatif.md says how often it held the truth."


def _policy(policy: Mapping[str, Any]) -> str:
    words = [f"{name}={value}" for name, value in policy["changes"].items()]
    if policy["order"]:
        words.append(f"order {','.join(policy['order'])}")
    return ", ".join(words) or "their own policy"


def _doubts(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["settings_known"]:
        yield "The log does not say its settings: the defaults stand in for them."
    if found["left_out"]:
        yield f"{found['left_out']:,} requests are left out: the log lacks their beginning."
    again = found["reproduction"]
    if again is not None:
        how = "comes out exactly" if again["exact"] else "does NOT come out exactly"
        yield f"Replayed under its own policy, each of {again['transitions']} circuit transitions {how}."


def _compared(found: Mapping[str, Any]) -> Table:
    result = table(f"What if · {found['draws']} draws", "number", "was", "would be", "from", "to")
    for name, (words, shown) in _ROWS.items():
        told = found["predicted"][name]
        result.add_row(words, shown(found["reality"][name]), *(shown(told[key]) for key in ("middle", "low", "high")))
    return result


def _calls(calls: Mapping[str, Any]) -> str:
    return (
        f"Calls whose outcome really happened: {share(calls['happened'])}, drawn from calls near in time: "
        f"{share(calls['drawn'])}, unknown: {share(calls['unknown'])}."
    )


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
