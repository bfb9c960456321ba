"""The evaluation counts as it says, and refuses data that it cannot read."""

from typing import Any

import pytest

from resilience.guards.evaluation import cost
from resilience.guards.evaluation.pii import evaluate


@pytest.fixture(autouse=True)
def free_of_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs have tests of their own; a fuzz here would only take time."""
    monkeypatch.setattr(cost, "median_ms", lambda call, texts: 1.5)
    monkeypatch.setattr(cost, "growth", lambda call, texts: 1.0)
    monkeypatch.setattr(cost, "worst", lambda call: cost.Worst(60.0, "x"))


def row(text: str, src: str = "mine", **places: str) -> dict[str, Any]:
    spans = [{"t": kind, "s": text.index(value), "e": text.index(value) + len(value)} for kind, value in places.items()]
    return {"text": text, "spans": spans, "src": src}


def test_recall_and_precision_are_counted_by_kind() -> None:
    report = evaluate(
        [
            row("jane@example.com or call 668 5702", EMAIL="jane@example.com", PHONE="668 5702"),
            row("joe at example.com", EMAIL="joe at example.com"),
            row("Jane has 219-45-6789", PERSON="Jane"),
            row("nothing here", src="neg-text"),
            row("call 668 5703", src="neg-text"),
        ]
    )

    table = {line[0]: line[1:] for line in report.rows}
    assert table["EMAIL"] == (2, 0.5, 1.0, "")
    assert table["PHONE"] == (1, 1.0, 0.5, "")
    assert table["SSN"] == (0, "", 0.0, "")
    assert table["PERSON: not looked for"] == (1, "", "", "")
    assert table["flagged of neg-text"] == (2, "", "", 0.5)
    assert table["median ms for 2 KB"] == ("", "", "", 1.5)
    met = {target.name: target.met for target in report.targets}
    assert met["EMAIL recall"] is False
    assert met["PHONE recall"] is True
    assert met["JWT recall"] is None
    assert met["clean texts flagged"] is False
    assert met["worst ms for 20 KB"] is False


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"spans": []}, "row 2: text must be a string, got NoneType"),
        ({"text": "a"}, "row 2: spans must be a list"),
        ({"text": "a", "spans": ["EMAIL"]}, "row 2: each of spans must be an object with a kind t"),
        (
            {"text": "a", "spans": [{"t": "EMAIL", "s": 0, "e": 2}]},
            "row 2: s and e of spans must be places in the text, 0 <= s < e <= 1",
        ),
    ],
)
def test_a_row_of_another_shape_is_named(bad: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError) as refused:
        evaluate([row("a"), bad])

    assert str(refused.value).startswith(rule)


def test_without_rows_nothing_is_known() -> None:
    assert {target.met for target in evaluate([]).targets} == {None}
