"""docs/grafana: every query can be evaluated, and asks for nothing that /metrics does not have."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resilience.breaker import CircuitView
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    FellBack,
    ProvidersInitialized,
    Reason,
    State,
)
from resilience.service.metrics import Metrics
from tests import promtool

BOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "docs" / "grafana" / "metis-llm-resilience.json").read_text("utf-8")
)
VARIABLES = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*"}
OF_THE_SCRAPE = {"job", "instance"}
OF_ALERTS = {"alertname", "alertstate"}


def queries() -> list[str]:
    panels = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
    return panels + [annotation["expr"] for annotation in BOARD["annotations"]["list"]]


def exposed() -> dict[str, set[str]]:
    """Labels by the name of each series, after one event of each kind that makes a series."""
    metrics = Metrics("1", lambda: [CircuitView("alpha", State.CLOSED, None, 0)])
    metrics.observe(ProvidersInitialized(order=("alpha",)))
    metrics.observe(
        CircuitChanged(provider="alpha", from_=State.CLOSED, to=State.OPEN, cause=Cause.THRESHOLD, failures=3)
    )
    metrics.observe(FellBack(request_id="r", from_provider="alpha", to_provider="beta", reason=Reason.TIMEOUT))
    metrics.observe(
        AttemptFinished(
            generation_time_ms=1.0,
            request_id="r",
            provider="alpha",
            model="m",
            attempt=1,
            chain_position=0,
            status=AttemptStatus.SUCCESS,
            prompt_tokens=1,
            completion_tokens=1,
            circuit=State.CLOSED,
        )
    )
    found: dict[str, set[str]] = {"ALERTS": OF_ALERTS}
    for family in metrics.registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each series of a query, with the labels by which it is chosen."""
    for name, chosen in re.findall(r"\b((?:metis_|ALERTS)\w*)(?:\{([^}]*)\})?", query):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', chosen)))


def filled(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_a_query_names_series_and_labels_that_the_service_has(query: str):
    there = exposed()
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|ignoring|on) \(([^)]*)\)", query))))
    named = dict(selectors(query))

    assert named
    for name, chosen in named.items():
        assert chosen <= there[name] | OF_THE_SCRAPE, name
    assert grouped <= set().union(*(there[name] for name in named))
    assert "$" not in filled(query)


def test_legends_show_labels_that_their_query_keeps():
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"]))))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_the_variables_ask_for_what_there_is():
    there = exposed()

    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.search(r"label_values\((\w+)", variable["query"]["query"])
            assert asked is not None
            assert asked[1] in there


def test_no_panel_lies_over_another():
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.skipif(promtool.find() is None, reason=promtool.ABSENT)
def test_promtool_can_read_every_query(tmp_path: Path):
    rules = [{"record": f"query:{number}", "expr": filled(query)} for number, query in enumerate(queries())]
    file = tmp_path / "queries.yaml"
    file.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))

    checked = promtool.run("check", "rules", file)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout
