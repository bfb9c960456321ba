"""Incidents of the recordings, against a count by hand and the table of docs/review.md; and their rules, one by one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.alerts.episodes import Episode
from dashboard.alerts.history import Calls
from dashboard.alerts.ledger import Entry
from dashboard.alerts.rulefile import load_rules
from dashboard.incidents import words
from dashboard.incidents.calls import Ended, us
from dashboard.incidents.course import Facts, moments
from dashboard.incidents.finding import grouped, outages
from dashboard.incidents.incident import Group, Incident, Outage
from dashboard.incidents.kept import kept_of
from dashboard.incidents.reading import incidents, past_episodes, ranged
from dashboard.ingest import Ingest
from dashboard.store import Store
from resilience.events import ConfigChanged, Origin, to_line
from resilience.simulator.play import play
from resilience.simulator.recording import structured_lines
from resilience.simulator.samples import DIRECTORY, SAMPLES
from resilience.simulator.scenarios import QUIET_DAY
from tests.dashboard.alert_model import lines_of
from tests.dashboard.incident_model import Trouble, circuit_troubles, clock, row, tenths, together

DOCS = Path(__file__).parents[2] / "docs"
RULES = load_rules()
STRUCTURED = sorted(name for name, arguments in SAMPLES.items() if "--plain" not in arguments)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@cache
def found(path: Path, kept: tuple[Entry, ...] | None = None) -> tuple[Incident, ...]:
    store = Store.open(None)
    Ingest(store, [str(path)], follow=False).run_once()
    answer = incidents(store, RULES, past_episodes(store, RULES), kept)
    store.close()
    return answer


def spelled(incident: Incident) -> tuple[str, ...]:
    course, impact = incident.moments, incident.impact
    return (
        *map(clock, (course.first_bad_at, course.open_at, course.alert_at, course.mitigated_at, course.resolved_at)),
        *map(str, (impact.requests, impact.failed, impact.rescued, impact.slowed)),
        tenths(impact.lost_s),
        str(impact.spared),
        "–" if impact.saved_s is None else tenths(impact.saved_s),
    )


def table(page: str, name: str, columns: int) -> list[tuple[str, ...]]:
    cells = [tuple(cell.strip(" `") for cell in line.split("|")[1:-1]) for line in page.splitlines()]
    return [line[1:] for line in cells if len(line) == columns and line[0] == name]


def documented_alerts(name: str) -> list[Trouble]:
    """The alerts of docs/alerts.md; all recordings are of one day."""
    day = "2026-03-02T"
    rows = table((DOCS / "alerts.md").read_text("utf-8"), name, 6)
    times = [(line[0], *(datetime.fromisoformat(f"{day}{clock}Z") for clock in line[1:4])) for line in rows]
    return [Trouble(pending, resolved, rule, fired) for rule, pending, fired, resolved in times]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_recordings_incidents_are_those_of_the_table(name: str) -> None:
    documented = table((DOCS / "review.md").read_text("utf-8"), name, 14)

    assert [(str(i.number), *spelled(i)) for i in found(DIRECTORY / name)] == documented
    assert documented


@pytest.mark.parametrize("name", STRUCTURED)
def test_a_recordings_incidents_are_those_counted_by_hand(name: str) -> None:
    log = lines_of((DIRECTORY / name).read_text("utf-8"))

    by_hand = [row(log, group) for group in together([*circuit_troubles(log), *documented_alerts(name)])]

    assert [spelled(incident) for incident in found(DIRECTORY / name)] == by_hand


def test_plain_lines_tell_the_same_incident_as_structured_ones() -> None:
    (structured,), (plain,) = found(DIRECTORY / "all_down.log"), found(DIRECTORY / "plain_backend.log")

    for name in ("first_bad_at", "open_at", "alert_at", "resolved_at"):
        assert getattr(plain.moments, name) == getattr(structured.moments, name), name
    assert (plain.impact.failed, plain.impact.spared) == (structured.impact.failed, structured.impact.spared)
    assert plain.impact.derived
    assert plain.impact.saved_s is None  # a plain line does not say who was skipped


def test_a_quiet_day_has_no_incident(tmp_path: Path) -> None:
    log = tmp_path / "quiet_day.log"
    log.write_text("".join(structured_lines(play(QUIET_DAY, seed=7))), "utf-8")

    assert found(log) == ()


def test_a_log_that_ends_in_an_outage_has_an_incident_that_lasts(tmp_path: Path) -> None:
    log = tmp_path / "cut.log"
    lines = (DIRECTORY / "all_down.log").read_text("utf-8").splitlines(keepends=True)
    log.write_text("".join(line for line in lines if line < "2026-03-02T00:12"), "utf-8")

    (incident,) = found(log)

    assert incident.lasts
    assert (incident.moments.resolved_at, incident.moments.mitigated_at, incident.to_resolve) == (None, None, None)
    assert incident.end_at == incident.seen_until
    assert incident.impact.failed > 0


def test_a_log_that_begins_in_an_outage_does_not_know_the_first_failure(tmp_path: Path) -> None:
    log = tmp_path / "tail.log"
    lines = (DIRECTORY / "primary_down.log").read_text("utf-8").splitlines(keepends=True)
    log.write_text("".join(line for line in lines if line > "2026-03-02T00:12:15.2"), "utf-8")

    (incident,) = found(log)

    assert incident.moments.first_bad_at is not None  # the probe's failure is all that this log has
    assert incident.moments.first_bad_at >= datetime(2026, 3, 2, 0, 12, 15, tzinfo=UTC)
    assert incident.moments.resolved_at == datetime(2026, 3, 2, 0, 22, 17, 165000, tzinfo=UTC)


def changed(origin: str, second: int) -> str:
    event = ConfigChanged(version=2, actor="sre", reason="", origin=origin, changes=(("METIS_LLM_X", "1", "2"),))
    return to_line(event, datetime(2026, 3, 2, 0, 6, second, tzinfo=UTC).timestamp(), Origin("metis", "host-1", 7))


def test_the_first_action_is_a_persons(tmp_path: Path) -> None:
    log = tmp_path / "acted.log"
    lines = (DIRECTORY / "primary_down.log").read_text("utf-8").splitlines(keepends=True)
    lines += [changed("timer", 10), changed("api", 20), changed("env_file", 30)]
    log.write_text("".join(sorted(lines, key=lambda line: line[:24])), "utf-8")

    (incident,) = found(log)

    assert incident.moments.action_at == datetime(2026, 3, 2, 0, 6, 20, tzinfo=UTC)
    assert incident.to_act == timedelta(seconds=70)


def of_ledger(kind: str, minute: int, second: int, **more: Any) -> Entry:
    return Entry(kind, datetime(2026, 3, 2, 0, minute, second, tzinfo=UTC), "jane", "mine", **more)  # type: ignore[arg-type]


ACKNOWLEDGED = of_ledger(
    "acknowledge", 5, 50, rule="primary_circuit_open", firing_at=datetime(2026, 3, 2, 0, 5, 10, tzinfo=UTC)
)
SILENCED = of_ledger("silence", 5, 40, id="s1", matcher="warning", until=datetime(2026, 3, 2, 2, tzinfo=UTC))


def test_an_acknowledgement_or_a_silence_is_an_action_and_the_ledger_tells_it() -> None:
    outside = of_ledger("silence", 3, 0, id="s0", matcher="*", until=datetime(2026, 3, 2, 1, tzinfo=UTC))

    (incident,) = found(DIRECTORY / "primary_down.log", (outside, ACKNOWLEDGED, SILENCED))

    assert incident.kept == (SILENCED, ACKNOWLEDGED)
    assert (incident.moments.action_at, incident.to_act) == (SILENCED.at, timedelta(seconds=30))
    assert incident.acted_by_ledger
    facts = {fact.name: fact for fact in words.moment_facts(incident)}
    assert facts["first human action"].value == "2026-03-02 00:05:40.000 UTC (by the ledger of alerts)"


def test_an_action_of_the_log_before_it_comes_first_and_is_the_logs(tmp_path: Path) -> None:
    log = tmp_path / "acted.log"
    lines = (DIRECTORY / "primary_down.log").read_text("utf-8").splitlines(keepends=True)
    log.write_text("".join(sorted([*lines, changed("api", 20)], key=lambda line: line[:24])), "utf-8")
    later = of_ledger("silence", 7, 0, id="s1", matcher="*", until=datetime(2026, 3, 2, 1, tzinfo=UTC))

    (incident,) = found(log, (later,))

    assert incident.moments.action_at == datetime(2026, 3, 2, 0, 6, 20, tzinfo=UTC)
    assert not incident.acted_by_ledger
    assert incident.kept == (later,)


def test_without_a_ledger_nobody_knows_whether_somebody_acknowledged() -> None:
    def first_action(kept: tuple[Entry, ...] | None) -> str:
        (incident,) = found(DIRECTORY / "primary_down.log", kept)
        (fact,) = (fact for fact in words.moment_facts(incident) if fact.name == "first human action")
        assert not fact.known
        return fact.value

    assert first_action(None) == "none in the log, and there is no ledger of alerts"
    assert first_action(()) == "none in log or ledger"


def test_of_what_is_done_after_the_logs_end_only_acknowledgements_of_lasting_alerts_belong() -> None:
    group = Group((episode("errors", 0, None), episode("slow", 0, 50)))
    late, ended, other = (
        Entry("acknowledge", at(200), "jane", "mine", rule="errors", firing_at=at(0)),
        Entry("acknowledge", at(200), "jane", "mine", rule="slow", firing_at=at(0)),
        Entry("silence", at(200), "jane", "mine", id="s1", matcher="*", until=at(900)),
    )

    assert kept_of((late, ended, other), group, at(0), at(100)) == (late,)
    assert moments(group, Facts(acts=(at(200),), orders=ORDERS), RULES, at(100)).action_at == at(200)


def test_a_log_that_falls_silent_is_an_incident_until_the_primary_answers(tmp_path: Path) -> None:
    log = tmp_path / "silent.log"
    lines = (DIRECTORY / "primary_down.log").read_text("utf-8").splitlines(keepends=True)
    before = [line for line in lines if line < "2026-03-02T00:04"]
    after = [line.replace("T00:03", "T00:33") for line in before if line > "2026-03-02T00:03"]
    log.write_text("".join(before + after), "utf-8")

    (incident,) = found(log)

    assert words.name(incident) == "alert: log stale"
    assert (incident.moments.first_bad_at, incident.moments.open_at, incident.impact.failed) == (None, None, 0)
    assert incident.moments.resolved_at == lines_of("".join(after))[0].at


def test_a_range_chosen_by_hand_has_the_numbers_of_that_range() -> None:
    store = Store.open(None)
    Ingest(store, [str(DIRECTORY / "all_down.log")], follow=False).run_once()
    (incident,) = incidents(store, RULES, fired := past_episodes(store, RULES))

    same = ranged(store, RULES, fired, incident.start_at, incident.end_at)
    quiet = ranged(store, RULES, fired, at(-32_400), at(-32_400 + 120))
    store.close()

    assert (same.moments, same.impact, same.causes) == (incident.moments, incident.impact, incident.causes)
    assert (quiet.moments.first_bad_at, quiet.impact.failed, quiet.group) == (None, 0, Group())


# The rules, on small values.


@dataclass
class Call:
    """An attempt (of a provider) or a request that ended."""

    at: datetime
    ok: bool
    s: float
    provider: str = ""


def calls(ended: Iterable[Call]) -> Calls:
    known = list(ended)
    return Calls(
        np.array([us(call.at) for call in known], np.int64),
        np.array([not call.ok for call in known], np.bool_),
        np.array([call.s for call in known], np.float64),
    )


def ended(requests: Sequence[Call] = (), attempts: Sequence[Call] = ()) -> Ended:
    providers = dict.fromkeys(call.provider for call in attempts)
    return Ended(calls(requests), {name: calls(c for c in attempts if c.provider == name) for name in providers})


def interval(state: str, start_s: float, end_s: float, cause: str | None = None, **more: Any) -> Mapping[str, Any]:
    row = {"provider": "openrouter", "state": state, "start_at": at(start_s), "end_at": at(end_s), "cause": cause}
    return row | {"open_until": None, "inferred": False} | more


def test_an_outage_goes_from_open_to_closed_through_all_its_probes() -> None:
    rows = [
        interval("CLOSED", 0, 10, inferred=True),
        interval("OPEN", 10, 70, "threshold", open_until=at(70)),
        interval("HALF_OPEN", 70, 71, "cooldown_elapsed"),
        interval("OPEN", 71, 131, "probe_failed", open_until=at(131)),
        interval("HALF_OPEN", 131, 132, "cooldown_elapsed"),
        interval("CLOSED", 132, 500, "probe_succeeded"),
    ]

    assert outages(rows, at(500)) == (Outage("openrouter", at(10), at(132), proven=True),)


def test_a_circuit_that_nobody_asks_any_more_ends_with_its_cooldown() -> None:
    asked_late = [
        interval("OPEN", 10, 900, "threshold", open_until=at(70)),
        interval("HALF_OPEN", 900, 901, "cooldown_elapsed"),
        interval("CLOSED", 901, 1000, "probe_succeeded"),
    ]

    assert outages(asked_late, at(1000)) == (Outage("openrouter", at(10), at(70)),)


def test_an_isolated_circuit_is_no_outage() -> None:
    rows = [interval("OPEN", 10, 70, "isolated", open_until=at(3600)), interval("CLOSED", 70, 100, "released")]

    assert outages(rows, at(100)) == ()


def test_an_open_circuit_at_the_logs_end_is_an_outage_that_lasts() -> None:
    assert outages([interval("OPEN", 10, 40, "threshold", open_until=at(70))], at(40)) == (
        Outage("openrouter", at(10), None),
    )


def episode(rule: str, start_s: float, end_s: float | None) -> Episode:
    return Episode(rule, at(start_s), at(start_s), None if end_s is None else at(end_s), 1.0)


def test_what_is_five_minutes_apart_or_less_is_one_incident() -> None:
    first, second, third = episode("a", 0, 100), episode("b", 400, 500), episode("c", 801, 900)

    assert grouped([first, second, third], []) == (Group((first, second)), Group((third,)))


def test_nothing_comes_after_what_lasts() -> None:
    lasting, later = episode("a", 0, None), Outage("openrouter", at(5000), at(5001))

    assert grouped([lasting], [later]) == (Group((lasting,), (later,)),)


ORDERS = ((at(-10_000), ("openrouter", "anthropic")),)


def test_a_failure_minutes_before_the_others_is_chance_if_calls_succeeded_between() -> None:
    attempts = (
        Call(at(-300), ok=False, s=1, provider="openrouter"),
        Call(at(-200), ok=True, s=1, provider="openrouter"),
        Call(at(-30), ok=False, s=1, provider="openrouter"),
        Call(at(-20), ok=True, s=1, provider="openrouter"),
        Call(at(0), ok=False, s=1, provider="openrouter"),
    )
    group = Group(outages=(Outage("openrouter", at(0), at(60), proven=True),))

    assert moments(group, Facts(ended(attempts=attempts), orders=ORDERS), RULES, at(100)).first_bad_at == at(-30)


def test_failures_in_a_row_are_one_run_however_thin_the_traffic() -> None:
    attempts = tuple(Call(at(s), ok=s == -2000, s=1, provider="openrouter") for s in (-2000, -600, -300, 0))
    group = Group(outages=(Outage("openrouter", at(0), at(60), proven=True),))

    assert moments(group, Facts(ended(attempts=attempts), orders=ORDERS), RULES, at(100)).first_bad_at == at(-600)


def test_callers_are_fine_again_with_the_first_good_answer_after_the_last_bad_one() -> None:
    requests = (
        Call(at(1), ok=True, s=1),
        Call(at(2), ok=False, s=1),
        Call(at(3), ok=True, s=1),
        Call(at(4), ok=True, s=11),  # answered, but too late
        Call(at(5), ok=True, s=1),
    )
    group = Group(outages=(Outage("openrouter", at(0), at(60), proven=True),))

    course = moments(group, Facts(ended(requests), orders=ORDERS), RULES, at(100))

    assert (course.mitigated_at, course.resolved_at) == (at(5), at(60))


def test_where_nobody_was_hurt_there_is_nothing_to_mitigate() -> None:
    group = Group(outages=(Outage("openrouter", at(0), at(60), proven=True),))
    facts = Facts(ended((Call(at(1), ok=True, s=1),)), orders=ORDERS)

    assert moments(group, facts, RULES, at(100)).mitigated_at is None


def test_a_circuit_closed_by_hand_proves_nothing_until_the_primary_answers() -> None:
    group = Group(outages=(Outage("openrouter", at(0), at(60), proven=False),))
    attempts = (
        Call(at(61), ok=True, s=1, provider="anthropic"),
        Call(at(70), ok=True, s=1, provider="openrouter"),
    )

    assert moments(group, Facts(ended(attempts=attempts), orders=ORDERS), RULES, at(100)).resolved_at == at(70)
    assert moments(group, Facts(orders=ORDERS), RULES, at(100)).resolved_at is None


def test_after_a_change_of_the_order_the_new_primarys_answer_resolves() -> None:
    group = Group(outages=(Outage("openrouter", at(0), at(600)),))
    orders = (*ORDERS, (at(30), ("anthropic", "openrouter")))
    attempts = tuple(Call(at(s), ok=True, s=1, provider="anthropic") for s in (20, 40))

    course = moments(group, Facts(ended(attempts=attempts), acts=(at(30),), orders=orders), RULES, at(1000))

    assert (course.action_at, course.resolved_at) == (at(30), at(40))


def test_times_count_from_the_first_failure_and_acting_from_the_alert() -> None:
    group = Group(
        (Episode("primary_circuit_open", at(10), at(10), at(70), 1.0),), (Outage("openrouter", at(3), at(60)),)
    )
    attempts = (
        Call(at(0), ok=False, s=1, provider="openrouter"),
        Call(at(65), ok=True, s=1, provider="openrouter"),
    )
    facts = Facts(ended((Call(at(1), ok=False, s=1), Call(at(8), ok=True, s=1)), attempts), orders=ORDERS)
    base = found(DIRECTORY / "primary_down.log")[0]

    late = replace(base, moments=moments(group, replace(facts, acts=(at(25),)), RULES, at(100)))
    early = replace(base, moments=moments(group, replace(facts, acts=(at(5),)), RULES, at(100)))

    times = (late.to_detect, late.to_act, late.to_mitigate, late.to_resolve)
    assert times == tuple(timedelta(seconds=s) for s in (10, 15, 8, 65))
    assert early.to_act is None  # somebody acted before any alert


def test_the_table_names_every_recording_and_nothing_else() -> None:
    page = (DOCS / "review.md").read_text("utf-8")

    assert set(re.findall(r"^\| `([a-z_]+\.log)` \|", page, re.MULTILINE)) == set(SAMPLES)
