"""The timeline: what happened in order, each with its line; and what is left out of a very long one."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from dashboard.alerts.ledger import Entry as Kept
from dashboard.alerts.rulefile import load_rules
from dashboard.incidents.evidence import AROUND, Evidence, LogLine
from dashboard.incidents.reading import incidents, past_episodes
from dashboard.incidents.timeline import Entry, Step, fewer
from dashboard.ingest import Ingest
from dashboard.report.content import Report, report
from dashboard.store import Store
from resilience.simulator.samples import DIRECTORY

RULES = load_rules()
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


KEPT = (
    Kept(
        "acknowledge",
        datetime(2026, 3, 2, 0, 5, 50, tzinfo=UTC),
        "jane\u202e",
        "mine",
        rule="primary_circuit_open",
        firing_at=datetime(2026, 3, 2, 0, 5, 10, tzinfo=UTC),
    ),
    Kept("end_silence", datetime(2026, 3, 2, 0, 6, tzinfo=UTC), "jane", "no need", id="of before"),
)


@pytest.fixture(scope="module")
def shown() -> Report:
    store = Store.open(None)
    Ingest(store, [str(DIRECTORY / "primary_down.log")], follow=False).run_once()
    (incident,) = incidents(store, RULES, past_episodes(store, RULES), KEPT)
    found = report(store, RULES, incident)
    store.close()
    return found


LINES = (DIRECTORY / "primary_down.log").read_text("utf-8").splitlines()


def test_every_transition_of_the_log_is_a_step_with_its_line(shown: Report) -> None:
    steps = [entry for entry in shown.entries if entry.step is Step.CIRCUIT]

    own = [line.text for entry in steps for line in shown.evidence.around(entry.place) if line.place == entry.place]
    assert own == [line for line in LINES if "BREAKER_TRANSITION" in line]


def test_a_step_has_the_lines_that_stand_around_its_own(shown: Report) -> None:
    for entry in shown.entries:
        if entry.place is not None:
            near = [line.text for line in shown.evidence.around(entry.place)]
            middle = LINES.index(next(x.text for x in shown.evidence.around(entry.place) if x.place == entry.place))
            assert near == LINES[max(0, middle - AROUND) : middle + AROUND + 1], entry


def test_fallbacks_are_told_in_bursts_that_hold_them_all(shown: Report) -> None:
    bursts = [entry for entry in shown.entries if entry.step is Step.FALLBACK]

    hops = [line for line in LINES if '"event":"FALLBACK"' in line and line[:24] <= "2026-03-02T00:27:10.000Z"]
    assert sum(int(entry.text.split()[0]) for entry in bursts) == len(hops)


def test_what_the_ledger_tells_is_a_step_of_its_own_without_a_line(shown: Report) -> None:
    told = [entry for entry in shown.entries if entry.step is Step.LEDGER]

    assert [(entry.text, entry.place) for entry in told] == [
        ("jane: acknowledged Primary's circuit open, firing since 2026-03-02 00:05:10 (mine)", None),
        ("jane: ended the silence of alerts (no need)", None),
    ]


def test_steps_come_in_order_of_time(shown: Report) -> None:
    assert all(before.at <= after.at for before, after in pairwise(shown.entries))
    assert shown.entries[0].step is Step.BAD


def test_what_a_grep_finds_is_in_the_evidence(shown: Report) -> None:
    start, end = "2026-03-02T00:05:01.023Z", "2026-03-02T00:27:10.000Z"
    hits = [n for n, line in enumerate(LINES) if "ERROR" in line and start <= line[:24] <= end]
    wanted = {near for n in hits for near in range(n - AROUND, n + AROUND + 1)}

    assert {LINES[n] for n in wanted} <= {line.text for line in shown.evidence.lines}


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def test_of_a_long_incident_the_later_transitions_are_left_out_and_counted() -> None:
    entries = (*(Entry(at(n), Step.CIRCUIT, str(n)) for n in range(10)), Entry(at(99), Step.RESOLVED, "over"))

    kept = fewer(entries, 5)

    assert [entry.text for entry in kept] == [
        *("0", "1", "2", "3"),
        "from here on, 6 transitions and bursts of fallbacks are left out",
        "over",
    ]
    assert fewer(entries, 11) == entries


def test_blocks_are_parted_where_lines_are_missing() -> None:
    lines = tuple(
        LogLine((source, n * 10), n, at(n), False, "x", True) for source, n in (("a", 1), ("a", 2), ("a", 9), ("b", 10))
    )

    assert [[line.number for line in block] for block in Evidence(lines).blocks()] == [[1, 2], [9], [10]]


def test_neighbours_are_of_the_same_file_and_near() -> None:
    lines = tuple(
        LogLine((source, n), n, at(n), False, "x", True) for source, n in (("a", 1), ("a", 3), ("a", 30), ("b", 3))
    )

    assert [line.number for line in Evidence(lines).around(("a", 1))] == [1, 3]
    assert Evidence(lines).around(("a", 2)) == ()
    assert Evidence(lines).around(None) == ()
