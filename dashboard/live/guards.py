"""What the guards did in a window, what they found and what they took.

Guards, actions and parts are the metrics' own words by now; kinds are text from the log, so they are made inert here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.guard_metrics import ACTIONS, OTHER, PARTS
from dashboard.inert import inert
from dashboard.window import Window
from resilience.policy import GUARDS

Row = Mapping[str, Any]

KIND_CHARACTERS = 40
SPARK_POINTS = 40

_WHAT: Mapping[tuple[str, str], str] = {
    ("pii", "redacted"): "personal data and secrets, hidden from the providers",
    ("pii", "flagged"): "personal data that an answer brought by itself",
    ("injection", "blocked"): "injected instructions: the request was stopped",
    ("injection", "flagged"): "perhaps injected instructions: let through",
    ("grounding", "flagged"): "an answer without ground: asked again, or let through",
    ("grounding", "blocked"): "an answer without ground: the caller got an error",
}
_NOT_TOLD = (
    "No request of this window says what guards took, and no guard acted: they were off, or the program that wrote "
    "this log has none. Which of the two, the log does not tell."
)


@dataclass(frozen=True, slots=True)
class GuardNumbers:
    """Rows of the metrics of dashboard.guard_metrics for one window, by the names of their functions."""

    summary: Row
    actions: Sequence[Row] = ()
    findings: Sequence[Row] = ()
    by_bucket: Sequence[Row] = ()
    grounding: Row | None = None


@dataclass(frozen=True, slots=True)
class GuardRow:
    """One guard acting in one way on one part of requests. times: lines in the log; requests: different ones.

    what: in words; kinds: findings by kind, most first; spark: times over the window, oldest first, as shares of the
    highest (0..1).
    """

    guard: str
    action: str
    part: str
    what: str
    times: int
    requests: int
    kinds: tuple[tuple[str, int], ...]
    spark: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GuardPanel:
    """The panel. facts: names and texts; empty: what is said in the place of rows, if there are none."""

    facts: tuple[tuple[str, str], ...]
    rows: tuple[GuardRow, ...]
    empty: str


def guard_panel(numbers: GuardNumbers, window: Window) -> GuardPanel:
    """The panel of a window. What the log does not tell is said to be unknown, never zero."""
    rows = tuple(_row(row, numbers, window) for row in sorted(numbers.actions, key=_place))
    return GuardPanel(_facts(numbers), rows, "" if rows else _empty(numbers.summary))


def _key(row: Row) -> tuple[str, str, str | None]:
    return row["guard"], row["action"], row["guard_where"]


def _place(row: Row) -> tuple[int, ...]:
    """In the contract's order; what is none of its words comes last."""
    return tuple((*words, word).index(word) for word, words in zip(_key(row), (GUARDS, ACTIONS, PARTS), strict=True))


def _row(row: Row, numbers: GuardNumbers, window: Window) -> GuardRow:
    guard, action, part = _key(row)
    found = [each for each in numbers.findings if _key(each) == _key(row)]
    return GuardRow(
        guard="another guard" if guard == OTHER else guard,
        action="acted another way" if action == OTHER else action,
        part="something else" if part == OTHER else part or "not said where",
        what=_WHAT.get((guard, action), "a word that this version does not know"),
        times=row["times"],
        requests=row["requests"],
        kinds=tuple((_kind(each), int(each["n"])) for each in found),
        spark=_spark((each for each in numbers.by_bucket if _key(each) == _key(row)), window),
    )


def _kind(row: Row) -> str:
    if row["kind"] is None:
        return f"{row['kinds']:,} further kind{'' if row['kinds'] == 1 else 's'}"
    return inert(row["kind"], KIND_CHARACTERS).strip() or "without a name"


def _spark(rows: Iterable[Row], window: Window) -> tuple[float, ...]:
    length = (window.end - window.start) / SPARK_POINTS
    sums = [0] * SPARK_POINTS
    for row in rows:
        sums[min(max(int((row["bucket_at"] - window.start) / length), 0), SPARK_POINTS - 1)] += int(row["times"])
    return tuple(round(n / max(*sums, 1), 3) for n in sums)


def _facts(numbers: GuardNumbers) -> tuple[tuple[str, str], ...]:
    summary = numbers.summary
    facts = []
    if summary["guarded"]:
        share = summary["share_of_time"]
        of_time = "" if share is None else f" · {100 * share:.1f} % of what callers waited"
        told = f"n {summary['guarded']:,}"
        if summary["guarded"] < summary["requests"]:
            told += f", {summary['requests'] - summary['guarded']:,} do not say"
        facts.append(
            ("Cost", f"p50 {_ms(summary['p50_ms'])} · p95 {_ms(summary['p95_ms'])} a request{of_time} · {told}")
        )
    elif numbers.actions:
        facts.append(("Cost", "not known: no request of this window says what the guards took"))
    if summary["blocked"]:
        facts.append(("Blocked", f"{_requests(summary['blocked'])}; no rate counts them"))
    found = numbers.grounding
    if found is not None and found["requests"]:
        ends = (
            ("once", "once, and were asked again"),
            ("let_through", "twice, and went through"),
            ("refused", "ended in an error"),
        )
        text = ", ".join(f"{found[name]:,} {words}" for name, words in ends if found[name])
        facts.append(("Grounding", f"answers of {_requests(found['requests'])} broke the contract: {text}"))
    return tuple(facts)


def _empty(summary: Row) -> str:
    if not summary["requests"]:
        return "No line of this window says how a request ended, so whether guards acted is not known."
    return "No guard acted in this window." if summary["guarded"] else _NOT_TOLD


def _requests(n: int) -> str:
    return f"{n:,} request{'' if n == 1 else 's'}"


def _ms(value: float) -> str:
    return f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"
