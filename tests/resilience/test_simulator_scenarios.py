"""Scenarios as data: what happens when, and how much is asked."""

import random

import pytest

from resilience.simulator.behaviour import Mix, SimulatorError
from resilience.simulator.faults import FAULTS
from resilience.simulator.profiles import PROFILES
from resilience.simulator.scenario import DAY_S, HEALTHY, Phase, Scenario, Traffic
from resilience.simulator.scenarios import SCENARIOS, named

DOWN = Mix.only("error", status=503)
SLOW = Mix.only("slow")
STEADY = Traffic(rps=2.0)


def test_a_phase_counts_from_its_start_until_before_its_end_and_the_last_one_wins() -> None:
    scenario = Scenario("s", "", 100, STEADY, (Phase("openai", 10, 30, DOWN), Phase("openai", 20, 40, SLOW)))

    mixes = [scenario.mix("openai", at_s) for at_s in (9.9, 10, 19.9, 20, 39.9, 40)]

    assert mixes == [HEALTHY, DOWN, DOWN, SLOW, SLOW, HEALTHY]
    assert scenario.mix("deepseek", 15) == HEALTHY


def test_a_scenario_begins_again_after_its_end() -> None:
    scenario = Scenario("s", "", 100, STEADY, (Phase("openai", 10, 30, DOWN),))

    assert scenario.mix("openai", 315) == DOWN
    assert [scenario.next_change_s(at_s) for at_s in (0, 10, 29, 30, 100, 305)] == [10, 30, 30, 100, 110, 310]


def test_traffic_arrives_at_its_rate_and_in_order() -> None:
    arrivals = list(STEADY.arrivals(random.Random(1), 3600))

    assert arrivals == sorted(arrivals)
    assert len(arrivals) == pytest.approx(7200, rel=0.05)


def test_a_day_with_a_swing_is_busiest_in_the_afternoon() -> None:
    traffic = Traffic(rps=0.2, swing=0.8)

    hours = [int(at_s // 3600) for at_s in traffic.arrivals(random.Random(1), DAY_S)]

    afternoon, night = sum(13 <= hour < 17 for hour in hours), sum(1 <= hour < 5 for hour in hours)
    assert len(hours) == pytest.approx(0.2 * DAY_S, rel=0.05)
    assert afternoon > 5 * night


def test_every_phase_lies_within_its_scenario_and_names_a_provider() -> None:
    outside = [
        (scenario.name, phase)
        for scenario in SCENARIOS.values()
        for phase in scenario.phases
        if not 0 <= phase.start_s < phase.end_s <= scenario.duration_s or phase.provider not in PROFILES
    ]

    assert outside == []


def test_each_fault_is_a_scenario_of_its_own_name() -> None:
    scenario = named("stall")

    assert [scenario.mix("openrouter", at_s) for at_s in (59, 60, 239, 240)] == [
        HEALTHY,
        Mix.only("stall"),
        Mix.only("stall"),
        HEALTHY,
    ]
    assert scenario.mix("anthropic", 100) == HEALTHY
    assert not set(FAULTS) & set(SCENARIOS)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SimulatorError, match=r"scenario must be one of quiet_day, .*, got 'doomsday'"):
        named("doomsday")
