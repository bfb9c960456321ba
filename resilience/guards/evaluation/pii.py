"""How much personal data is found, how much is wrongly found, and what the search costs.

Rows: {"text": str, "spans": [{"t": kind, "s": start, "e": end}, ...], "src": where it comes from}. A span counts as found if a
finding of its kind overlaps it; a finding is right if it overlaps a span of its kind. Texts without spans from sources called neg...
are the clean ones, of which hardly any may be flagged; other texts without spans may be near misses: they count for the precision.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from resilience.guards.evaluation import cost
from resilience.guards.evaluation.report import Report, Target
from resilience.guards.findings import KINDS, Finding
from resilience.guards.pii import find
from resilience.guards.vault import Vault

RECALL_LOW = {"EMAIL": 0.98, "IBAN": 0.98, "SSN": 0.98, "JWT": 0.98, "CARD": 0.97, "PHONE": 0.85, "SECRET": 0.95}
PRECISION_LOW = {"PHONE": 0.85}
FLAGGED_HIGH = 0.01
MEDIAN_MS_HIGH, GROWTH_HIGH, WORST_MS_HIGH = 3.0, 2.0, 50.0


def evaluate(rows: Sequence[Mapping[str, Any]]) -> Report:
    """Recall and precision by kind, flagged texts by source, and costs.

    Columns: what, count (spans, or texts), recall, precision (0 to 1), figure (a ratio, or milliseconds).
    Raises: ValueError for a row of another shape.
    """
    for number, row in enumerate(rows, start=1):
        _check(number, row)
    wanted, found, right, given = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    texts, flagged = Counter[str](), Counter[str]()
    for row in rows:
        findings = find(row["text"])
        spans = [Finding(span["t"], span["s"], span["e"]) for span in row["spans"]]
        wanted.update(span.kind for span in spans)
        found.update(span.kind for span in spans if _meets(span, findings))
        given.update(finding.kind for finding in findings)
        right.update(finding.kind for finding in findings if _meets(finding, spans))
        source = str(row.get("src", "neg"))
        if not spans:
            texts[source] += 1
            flagged[source] += bool(findings)
    clean = [source for source in texts if source.startswith("neg")]
    recall = {kind: _ratio(found[kind], wanted[kind]) for kind in KINDS}
    precision = {kind: _ratio(right[kind], given[kind]) for kind in KINDS}
    flagged_ratio = _ratio(sum(flagged[source] for source in clean), sum(texts[source] for source in clean))
    costs = _costs([row["text"] for row in rows])
    return Report(
        title="Personal data and secrets",
        columns=("what", "count", "recall", "precision", "figure"),
        rows=(
            *(
                (kind, wanted[kind], _shown(recall[kind]), _shown(precision[kind]), "")
                for kind in KINDS
                if wanted[kind] or given[kind]
            ),
            *((f"{kind}: not looked for", wanted[kind], "", "", "") for kind in sorted(wanted.keys() - set(KINDS))),
            *(
                (f"flagged of {source}", texts[source], "", "", flagged[source] / texts[source])
                for source in sorted(texts)
            ),
            *((target.name, "", "", "", _shown(target.value)) for target in costs),
        ),
        targets=(
            *(Target(f"{kind} recall", recall[kind], low=low) for kind, low in RECALL_LOW.items()),
            *(Target(f"{kind} precision", precision[kind], low=low) for kind, low in PRECISION_LOW.items()),
            Target("clean texts flagged", flagged_ratio, high=FLAGGED_HIGH),
            *costs,
        ),
    )


def _costs(texts: Sequence[str]) -> tuple[Target, ...]:
    """What hiding costs: it searches a text until nothing more is found."""
    if not any(texts):
        return ()
    return (
        Target("median ms for 2 KB", cost.median_ms(_hide, texts), high=MEDIAN_MS_HIGH),
        Target("cost per character, 200 KB to 20 KB", cost.growth(_hide, texts), high=GROWTH_HIGH),
        Target("worst ms for 20 KB", cost.worst(_hide).ms, high=WORST_MS_HIGH),
    )


def _hide(text: str) -> str:
    return Vault().hide(text)


def _meets(one: Finding, others: Sequence[Finding]) -> bool:
    return any(one.kind == other.kind and one.start < other.end and other.start < one.end for other in others)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _shown(value: float | None) -> float | str:
    return "" if value is None else value


def _check(number: int, row: Mapping[str, Any]) -> None:
    text, spans = row.get("text"), row.get("spans")
    if not isinstance(text, str):
        raise ValueError(f"row {number}: text must be a string, got {type(text).__name__}")
    if not isinstance(spans, list):
        raise ValueError(f"row {number}: spans must be a list, got {type(spans).__name__}")
    for span in spans:
        if not isinstance(span, Mapping) or not isinstance(span.get("t"), str):
            raise ValueError(f"row {number}: each of spans must be an object with a kind t, got {span!r:.80}")
        start, end = span.get("s"), span.get("e")
        if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
            raise ValueError(
                f"row {number}: s and e of spans must be places in the text, 0 <= s < e <= {len(text)}, got {start!r}, {end!r}"
            )
