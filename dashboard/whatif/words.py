"""A what-if's document in words: rows beside reality, what to doubt, what nobody can know."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

MUCH_UNKNOWN = 0.03
"""From here on a prediction is a question rather than an answer (docs/whatif.md)."""
CANNOT = (
    "Not in any number: that a provider may fare worse when it is called more (rate limits), and that callers may ask "
    "again when they get no answer.",
    "A call that was not made is drawn from the provider's calls within 300 s of it; farther away it is unknown, and so "
    "is what a call would have brought that was given up sooner than under the new limit.",
    "The interval holds nine of ten draws. Played against 200 known incidents it held the truth in 92 to 98 of 100.",
)
_NEW_ORDER = (
    "Another order asks providers that the log hardly called: fallbacks and openings are then hardly better than a guess. "
    "Trust the width of the interval."
)


def share(value: float | None) -> str:
    """A rate of 0..1 in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def seconds(value_ms: float | None) -> str:
    """Milliseconds in seconds."""
    return "–" if value_ms is None else f"{value_ms / 1000:,.2f} s"


def _seconds(value_s: float | None) -> str:
    return "–" if value_s is None else f"{value_s:,.1f} s"


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _moved(value: float, places: int, unit: str) -> str:
    text = f"{value:+,.{places}f}"
    return f"{text} {unit}".strip() if float(text.replace(",", "")) else "none"


@dataclass(frozen=True, slots=True)
class Number:
    """A number of Summary: its words, and how a value and a difference are told."""

    words: str
    shown: Callable[[float | None], str]
    moved: Callable[[float], str]


NUMBERS: Mapping[str, Number] = {
    "success_rate": Number("success rate", share, lambda value: _moved(100 * value, 1, "points")),
    "fallback_rate": Number("requests with a fallback", share, lambda value: _moved(100 * value, 1, "points")),
    "p95_ms": Number("p95 of the wait", seconds, lambda value: _moved(value / 1000, 2, "s")),
    "wasted_s": Number("wasted in all", _seconds, lambda value: _moved(value, 1, "s")),
    "openings": Number("openings of circuits", _count, lambda value: _moved(value, 0, "")),
}


def head(found: Document) -> str:
    """What was replayed, in one line."""
    window, processes = found["window"], found["processes"]
    stretch = "".join(f" {word} {at}" for word, at in window.items() if at)
    of = f"{processes} process{'' if processes == 1 else 'es'}"
    return f"{found['reality']['requests']:,} requests of {of}{stretch} · {policy(found['policy'])} · {found['draws']} draws"


def policy(told: Mapping[str, Any]) -> str:
    """Settings and order of a document, in words."""
    words = [f"{name}={value}" for name, value in told["changes"].items()]
    if told["order"]:
        words.append(f"order {','.join(told['order'])}")
    return ", ".join(words) or "their own policy"


def doubts(found: Document) -> Iterator[str]:
    """What makes the numbers less than they seem."""
    if not found["settings_known"]:
        yield "The log does not say its settings: the defaults stand in for them."
    if found["quiet"]:
        yield f"Not played but counted as they were: {found['quiet']:,} requests answered at once, far from any trouble."
    if found["left_out"]:
        yield f"{found['left_out']:,} requests are left out: the log lacks their beginning."
    unknown = max(cell["calls"]["unknown"] for cell in found.get("sweep", [found]))
    if unknown > MUCH_UNKNOWN:
        most = "up to " if "sweep" in found else ""
        yield f"{most}{share(unknown)} of the calls are unknown: read this as a question, not as an answer.".capitalize()
    if found["policy"]["order"]:
        yield _NEW_ORDER


def compared(found: Document) -> list[tuple[str, ...]]:
    """Rows of number, was, would be, from, to, difference."""
    rows = []
    for name, number in NUMBERS.items():
        was, told = found["reality"][name], found["predicted"][name]
        values = (was, told["middle"], told["low"], told["high"])
        moved = "–" if was is None or told["middle"] is None else number.moved(told["middle"] - was)
        rows.append((number.words, *map(number.shown, values), moved))
    return rows


def calls(told: Mapping[str, float]) -> str:
    """Where the outcomes of the calls come from."""
    return (
        f"Calls whose outcome really happened: {share(told['happened'])}, drawn from calls near in time: "
        f"{share(told['drawn'])}, unknown: {share(told['unknown'])}."
    )


def swept(found: Document, own: Mapping[str, str]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of a sweep, what really happened first. own: the settings in force, by short name."""
    names = list(found["sweep"][0]["settings"])
    columns = [name.removeprefix("circuit_").removesuffix("_seconds") for name in names]
    reality = found["reality"]
    was = [share(reality["success_rate"]), share(reality["fallback_rate"]), seconds(reality["p95_ms"])]
    rows = [["was", *[""] * (len(names) - 1), *was, _seconds(reality["wasted_s"]), f"{reality['openings']}", ""]]
    for cell in found["sweep"]:
        told = cell["predicted"]
        mark = " ◆" if is_own(cell["settings"], own) else ""
        *firsts, last = cell["settings"].values()
        rows.append(
            [*firsts, f"{last}{mark}"]
            + [ranged(told[name], number.shown) for name, number in NUMBERS.items()]
            + [share(cell["calls"]["unknown"])]
        )
    return [*columns, "success", "fallbacks", "p95", "wasted", "openings", "unknown"], rows


def is_own(settings: Mapping[str, str], own: Mapping[str, str]) -> bool:
    """Whether these are the values in force."""
    return all(_same(value, own.get(name, "")) for name, value in settings.items())


def _same(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def ranged(told: Mapping[str, float | None], shown: Callable[[float | None], str]) -> str:
    """The middle, and the interval where it has a width."""
    low, middle, high = (shown(told[key]) for key in ("low", "middle", "high"))
    text = middle if low == high else f"{middle} ({low} to {high})"
    return text.replace(" ", "\u00a0")  # a narrow table scrolls rather than breaks it
