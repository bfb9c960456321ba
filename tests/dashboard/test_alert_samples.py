"""The recorded incidents fire the alerts that their scenarios imply, at the times that docs/alerts.md says."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dashboard.alerts.episodes import Episode, episodes
from dashboard.alerts.evaluate import Change, Evaluation
from dashboard.alerts.reading import read_history
from dashboard.alerts.rulefile import load_rules
from dashboard.ingest import Ingest
from dashboard.store import Store
from resilience.simulator.play import play
from resilience.simulator.recording import structured_lines
from resilience.simulator.samples import DIRECTORY, SAMPLES
from resilience.simulator.scenarios import QUIET_DAY
from tests.dashboard.alert_model import lines_of, phases, value_at

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text("utf-8")
RULES = load_rules()


def evaluated(path: Path) -> tuple[Evaluation, tuple[Change, ...]]:
    """The whole log at once, up to the moment after its end."""
    store = Store.open(None)
    Ingest(store, [str(path)], follow=False).run_once()
    extent = store.extent()
    assert extent is not None
    evaluation = Evaluation(RULES)
    moments = evaluation.moments(extent[0], extent[1] + timedelta(seconds=RULES.interval_s))
    found = evaluation.advanced(read_history(store, RULES, moments), moments)
    store.close()
    return found


def rows(found: tuple[Episode, ...]) -> list[tuple[str, ...]]:
    """As the table of docs/alerts.md spells them."""
    return [
        (
            episode.rule,
            f"{episode.pending_at:%H:%M:%S}",
            f"{episode.firing_at:%H:%M:%S}",
            "lasts" if episode.resolved_at is None else f"{episode.resolved_at:%H:%M:%S}",
        )
        for episode in found
    ]


def documented(name: str) -> list[tuple[str, ...]]:
    """The table's rows of one recording."""
    cells = [tuple(cell.strip(" `") for cell in line.split("|")[1:-1]) for line in PAGE.splitlines()]
    return [row[1:5] for row in cells if len(row) == 6 and row[0] == name]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_recorded_incident_fires_the_alerts_of_the_table(name: str) -> None:
    _, changes = evaluated(DIRECTORY / name)

    assert sorted(rows(episodes(changes))) == sorted(documented(name))


@pytest.mark.parametrize("name", ["all_down.log", "flapping.log", "primary_down.log", "rate_limited.log"])
def test_every_phase_of_a_recorded_incident_is_that_of_a_count_by_hand(name: str) -> None:
    log = lines_of((DIRECTORY / name).read_text("utf-8"))
    _, changes = evaluated(DIRECTORY / name)

    moments = [log[0].at + timedelta(seconds=RULES.interval_s * number) for number in range(180)]
    for rule in RULES.rules:
        values = [value_at(rule, log, at) for at in moments]
        assert _phases(changes, rule.name, moments) == phases(rule, values, RULES.interval_s), rule.name


def _phases(changes: tuple[Change, ...], rule: str, moments: list[datetime]) -> list[str]:
    """The phase at each moment, from the changes."""
    own = [change for change in changes if change.rule == rule]
    found = []
    for at in moments:
        before = [change.alert.phase for change in own if change.at <= at]
        found.append(str(before[-1]) if before else "no_data")
    return found


def test_a_quiet_day_fires_nothing(tmp_path: Path) -> None:
    log = tmp_path / "quiet_day.log"
    log.write_text("".join(structured_lines(play(QUIET_DAY, seed=7))), "utf-8")

    _, changes = evaluated(log)

    assert episodes(changes) == ()


def test_the_table_names_every_recording_and_nothing_else() -> None:
    named = set(re.findall(r"^\| `([a-z_]+\.log)` \|", PAGE, re.MULTILINE))

    assert named == set(SAMPLES)


def test_a_log_that_never_says_its_order_tells_the_same_however_far_one_looks(tmp_path: Path) -> None:
    lines = (DIRECTORY / "all_down.log").read_text("utf-8").splitlines(keepends=True)
    log = tmp_path / "cut.log"
    log.write_text("".join(line for line in lines if "INITIALIZED" not in line and "SERVICE_" not in line), "utf-8")
    store = Store.open(None)
    Ingest(store, [str(log)], follow=False).run_once()
    extent = store.extent()
    assert extent is not None
    early, late = extent[0] + timedelta(minutes=7), extent[1]

    def alerts_at(until: datetime, looked_at: datetime) -> list[object]:
        evaluation = Evaluation(RULES)
        moments = evaluation.moments(extent[0], looked_at)
        evaluation, _ = evaluation.advanced(read_history(store, RULES, moments), [at for at in moments if at <= until])
        return list(evaluation.alerts.values())

    assert alerts_at(early, looked_at=late) == alerts_at(early, looked_at=early)
    store.close()
