"""A log replayed under its own policy gives its own transitions: samples, random incidents, real concurrency."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resilience.breaker import Breaker
from resilience.circuit import Outcome, Permit
from resilience.client import Client
from resilience.config import config_of, settings_of
from resilience.eventlog import EventLog
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    Origin,
    Reason,
    Record,
    ServiceStarted,
    State,
    from_line,
    to_line,
)
from resilience.policy import CircuitPolicy
from resilience.replay.circuits import Reproduction, reproduced
from resilience.replay.life import lives
from resilience.simulator.behaviour import Behaviour, Mix
from resilience.simulator.samples import DIRECTORY, SAMPLES
from tests.resilience.chaos_kit import Crowd, servers
from tests.resilience.chaos_servers import ANY_FAULT, CHAIN
from tests.resilience.random_incidents import incident

HERE = Origin("metis", "tried", 7)
ROUNDING_S = 0.002
STRUCTURED = [name for name, command in SAMPLES.items() if "--plain" not in command]


OFTEN_DOWN = Mix(
    (
        (0.5, Behaviour.of("ok", latency_s=0.06)),
        (0.5, Behaviour.of("error", status=503)),
        *((0.004 * weight, behaviour) for weight, behaviour in ANY_FAULT.parts),
    )
)


def read(path: Path) -> list[Record]:
    with path.open(encoding="utf-8") as log:
        return [record for line in log if (record := from_line(line)) is not None]


def replayed(records: list[Record]) -> Reproduction:
    [life] = lives(records)
    return reproduced(life)


@pytest.mark.parametrize("name", STRUCTURED)
def test_a_sample_log_gives_its_own_transitions(name: str) -> None:
    again = replayed(read(DIRECTORY / name))

    assert again.first_difference is None
    assert again.exact
    assert again.known
    assert len(again.logged) > 5
    assert again.farthest_s <= ROUNDING_S


def test_two_hundred_random_incidents_give_their_own_transitions() -> None:
    first = random.randrange(10**9)
    print(f"seeds {first} to {first + 199}")
    causes: Counter[Cause] = Counter()
    for seed in range(first, first + 200):
        again = replayed(incident(seed, duration_s=120.0, rps=0.4))

        assert again.first_difference is None, f"seed {seed}"
        assert again.farthest_s <= ROUNDING_S, f"seed {seed}"
        causes.update(change.cause for change in again.logged)
    assert {*Cause} - {*causes} <= {Cause.ADOPTED, Cause.PROBE_TIMED_OUT, Cause.RELEASED, Cause.ALL_OPEN}


def test_a_log_recorded_over_real_sockets_under_concurrency_gives_its_own_transitions(tmp_path: Path) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    path = tmp_path / "backend_live.log"
    with servers(dict.fromkeys(CHAIN, OFTEN_DOWN), seed) as remote:
        asyncio.run(_recorded(dict(remote.base_urls), path, seed))

    again = replayed(read(path))

    assert again.first_difference is None
    print(len(again.logged), "transitions")
    assert len(again.logged) > 100
    assert {Cause.THRESHOLD, Cause.PROBE_FAILED, Cause.PROBE_SUCCEEDED, Cause.MANUAL_RESET} <= {
        change.cause for change in again.logged
    }


async def _recorded(base_urls: dict[str, str], path: Path, seed: int) -> None:
    env = {f"{name.upper()}_API_KEY": "k" for name in base_urls}
    env |= {f"METIS_LLM_{name.upper()}_BASE_URL": url for name, url in base_urls.items()}
    env |= {"METIS_LLM_CIRCUIT_THRESHOLD": "2", "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS": "0.1"}
    env |= {"METIS_LLM_CIRCUIT_MAX_COOLDOWN_SECONDS": "0.2", "METIS_LLM_CIRCUIT_RECOVERY_SUCCESSES": "2"}
    env |= {"METIS_LLM_TIMEOUT_SECONDS": "0.4", "METIS_LLM_DEADLINE_SECONDS": "2", "METIS_LLM_RETRY_BASE_DELAY": "0.02"}
    config = config_of(env)
    log = EventLog(path, HERE)
    log.emit(ServiceStarted(version="t", config_version=1, order=config.order, settings=settings_of(config)))
    async with Client(config, log.emit, rng=random.Random(seed)) as client:
        crowd = Crowd(client, streamed=0.3, rng=random.Random(seed))
        hands = asyncio.create_task(_reset_now_and_then(client))
        await crowd.come(800, per_second=300)
        hands.cancel()
    log.close()


async def _reset_now_and_then(client: Client) -> None:
    while True:
        for link in client.links:
            await asyncio.sleep(0.1)
            if link.view.state is not State.CLOSED:
                link.breaker.reset("olga", "a try")


class Scene:
    """A breaker by hand, and the log that its calls leave."""

    def __init__(self, policy: CircuitPolicy) -> None:
        self.now_s = 0.0
        self.started = datetime(2026, 3, 2, tzinfo=UTC)
        self.lines: list[str] = []
        self.breaker = Breaker("openrouter", policy, self.emit, lambda: self.now_s, self.wall)

    def wall(self) -> float:
        return self.started.timestamp() + self.now_s

    def emit(self, event: Event) -> None:
        self.lines.append(to_line(event, self.wall(), HERE))

    def start(self, **settings: str) -> None:
        self.emit(ServiceStarted(version="t", config_version=1, order=("openrouter",), settings=settings))

    def begin(self, request_id: str) -> tuple[Permit, float]:
        permit = self.breaker.acquire(request_id)
        assert isinstance(permit, Permit)
        return permit, self.now_s

    def end(self, call: tuple[Permit, float], reason: Reason | None = None) -> None:
        permit, began_s = call
        failed = reason is not None
        attempt = AttemptFinished(
            generation_time_ms=(self.now_s - began_s) * 1000,
            request_id=permit.request_id,
            provider="openrouter",
            model="m",
            attempt=1,
            chain_position=0,
            status=AttemptStatus.FAILED if failed else AttemptStatus.SUCCESS,
            reason=reason,
            circuit=permit.state,
        )
        self.emit(attempt)
        self.breaker.settle(permit, Outcome.FAILURE if failed else Outcome.SUCCESS)

    def fail(self, *request_ids: str) -> None:
        for request_id in request_ids:
            self.end(self.begin(request_id), Reason.SERVER_ERROR)

    def records(self) -> list[Record]:
        return [record for line in self.lines if (record := from_line(line)) is not None]


def test_a_probe_that_hangs_and_is_found_by_another_call_is_made_again() -> None:
    scene = Scene(CircuitPolicy(threshold=2, cooldown_s=10, probe_timeout_s=30))
    scene.start(
        METIS_LLM_CIRCUIT_THRESHOLD="2", METIS_LLM_CIRCUIT_COOLDOWN_SECONDS="10", METIS_LLM_DEADLINE_SECONDS="30"
    )
    scene.fail("a", "b")
    scene.now_s = 10.0
    scene.begin("hung")
    scene.now_s = 40.0
    scene.breaker.acquire("finder")
    scene.emit(_passed_over("finder"))
    scene.now_s = 60.0
    scene.end(scene.begin("well"))

    again = replayed(scene.records())

    assert again.exact
    assert [change.cause.value for change in again.made] == [
        "threshold",
        "cooldown_elapsed",
        "probe_timed_out",
        "cooldown_elapsed",
        "probe_succeeded",
    ]
    assert again.made[2].trigger_request_ids == ("hung",)


def test_a_late_failure_of_an_earlier_generation_is_dropped_in_the_replay_too() -> None:
    scene = Scene(CircuitPolicy(threshold=2, cooldown_s=10))
    scene.start(METIS_LLM_CIRCUIT_THRESHOLD="2", METIS_LLM_CIRCUIT_COOLDOWN_SECONDS="10")
    late = [scene.begin(f"late{number}") for number in range(3)]
    scene.fail("a", "b")
    scene.now_s = 11.0
    scene.end(scene.begin("probe"))
    for call in late:
        scene.end(call, Reason.SERVER_ERROR)
    scene.fail("c")

    again = replayed(scene.records())

    assert again.exact
    assert [change.to for change in again.made] == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_calls_within_one_millisecond_are_settled_in_the_order_of_the_lines() -> None:
    scene = Scene(CircuitPolicy(threshold=2, cooldown_s=10))
    scene.start(METIS_LLM_CIRCUIT_THRESHOLD="2", METIS_LLM_CIRCUIT_COOLDOWN_SECONDS="10")
    calls = [scene.begin(name) for name in "abc"]
    scene.now_s = 0.0004
    for call, reason in zip(calls, (Reason.SERVER_ERROR, None, Reason.SERVER_ERROR), strict=True):
        scene.end(call, reason)
    scene.fail("d")

    again = replayed(scene.records())

    assert again.exact
    assert again.made[0].trigger_request_ids == ("c", "d")


def test_a_probe_still_under_way_at_the_logs_end_is_taken_from_its_transition() -> None:
    scene = Scene(CircuitPolicy(threshold=1, cooldown_s=10))
    scene.start(METIS_LLM_CIRCUIT_THRESHOLD="1", METIS_LLM_CIRCUIT_COOLDOWN_SECONDS="10")
    scene.fail("a")
    scene.now_s = 10.0
    scene.begin("probe")

    again = replayed(scene.records())

    assert again.exact
    assert again.made[-1].trigger_request_ids == ("probe",)


def test_an_open_circuit_of_an_earlier_process_is_gone_on_with() -> None:
    first, second = Scene(CircuitPolicy(threshold=1)), Scene(CircuitPolicy(threshold=1))
    first.start(METIS_LLM_CIRCUIT_THRESHOLD="1")
    first.fail("a")
    kept = first.breaker.kept()
    assert kept is not None
    second.start(METIS_LLM_CIRCUIT_THRESHOLD="1")
    second.now_s = 1.0
    second.breaker.adopt(kept)
    second.now_s = 61.0
    second.fail("probe")

    found = [reproduced(life) for life in lives([*first.records(), *second.records()])]

    assert [again.exact for again in found] == [True, True]
    assert [change.cause for change in found[1].made] == [Cause.ADOPTED, Cause.COOLDOWN_ELAPSED, Cause.PROBE_FAILED]
    assert found[1].made[0].trigger_request_ids == ("a",)


def test_processes_that_share_a_log_are_replayed_one_by_one() -> None:
    ours = read(DIRECTORY / "flapping.log")
    theirs = [replace(record, origin=replace(record.origin, pid=2)) for record in read(DIRECTORY / "all_down.log")]
    both = sorted([*ours, *theirs], key=lambda record: record.at)

    found = [reproduced(life) for life in lives(both)]

    assert [again.exact for again in found] == [True, True]


def test_without_its_beginning_a_log_is_compared_from_where_its_circuits_are_known() -> None:
    records = read(DIRECTORY / "flapping.log")
    changes = [place for place, record in enumerate(records) if isinstance(record.event, CircuitChanged)]

    again = replayed(records[changes[0] + 1 :])

    assert again.exact
    assert again.left_out + len(again.logged) == len(changes) - 1
    assert 0 < again.left_out < 10
    assert not again.known


def test_another_policy_than_the_logs_own_does_not_give_its_transitions() -> None:
    records = read(DIRECTORY / "flapping.log")
    [start] = [record for record in records if type(record.event) is ServiceStarted]
    other = replace(start.event, settings={"METIS_LLM_CIRCUIT_THRESHOLD": "4"})  # type: ignore[call-arg]

    again = replayed([replace(start, event=other), *records[1:]])

    assert not again.exact
    difference = again.first_difference
    assert difference is not None
    assert difference[0] != difference[1]


def test_a_change_of_settings_in_the_log_counts_from_its_line_on() -> None:
    scene = Scene(CircuitPolicy(threshold=3))
    scene.start()
    scene.fail("a")
    changes = (("METIS_LLM_CIRCUIT_THRESHOLD", "3", "2"), ("OPENROUTER_API_KEY", "not set", "set"))
    scene.breaker.obey(CircuitPolicy(threshold=2, probe_timeout_s=120))
    scene.emit(ConfigChanged(version=2, actor="olga", reason="why", origin="api", changes=changes))
    scene.fail("b")

    again = replayed(scene.records())

    assert again.exact
    assert again.made[0].trigger_request_ids == ("a", "b")


def test_a_refusal_that_the_times_are_too_coarse_for_stays_a_refusal() -> None:
    scene = Scene(CircuitPolicy(threshold=1, cooldown_s=10))
    scene.start(METIS_LLM_CIRCUIT_THRESHOLD="1", METIS_LLM_CIRCUIT_COOLDOWN_SECONDS="10")
    scene.now_s = 0.0009
    scene.fail("a")
    scene.now_s = 10.0005
    scene.breaker.acquire("refused")
    scene.emit(_passed_over("refused"))
    scene.now_s = 10.0012
    probe = scene.begin("probe")
    scene.now_s = 10.5
    scene.end(probe)

    again = replayed(scene.records())

    assert again.exact
    assert [change.cause for change in again.made] == [Cause.THRESHOLD, Cause.COOLDOWN_ELAPSED, Cause.PROBE_SUCCEEDED]


def _passed_over(request_id: str) -> FellBack:
    return FellBack(
        request_id=request_id, from_provider="openrouter", to_provider="anthropic", reason=Reason.CIRCUIT_OPEN
    )
