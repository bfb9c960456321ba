"""What-if on the dashboard's side: numbers, intervals, sweeps, options, the command."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.__main__ import main
from dashboard.ingest import Ingest
from dashboard.stats import document as stats
from dashboard.store import Store
from dashboard.whatif.options import axes_of, changes_of, order_of, variable_of
from dashboard.whatif.prediction import MOST_REQUESTS, WhatIfError, interval, predicted, reality
from dashboard.whatif.reading import recorded_lives, recorded_pasts
from dashboard.whatif.sweep import swept
from resilience.replay import Past, ReplayError, lives, past
from tests.resilience.test_replay_circuits import DIRECTORY, read

ALL_DOWN = str(DIRECTORY / "all_down.log")


def sample(name: str) -> Past:
    [life] = lives(read(DIRECTORY / name))
    return past(life)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["whatif", *words])


@pytest.fixture(scope="module")
def all_down() -> Past:
    return sample("all_down.log")


def test_under_its_own_policy_a_log_gives_reality_back(all_down: Past) -> None:
    found = predicted([all_down], {}, draws=3)

    assert found.happened == 1.0
    assert (found.drawn, found.unknown, found.left_out) == (0.0, 0.0, 0)
    for name, told in found.numbers.items():
        real = pytest.approx(getattr(found.reality, name), rel=1e-4)
        assert (told.low, told.middle, told.high) == (real, real, real), name


def test_reality_is_what_stats_counts(all_down: Past) -> None:
    store = Store.open(None)
    Ingest(store, [ALL_DOWN], follow=False).run_once()
    told = stats(store)["requests"]
    store.close()

    real = reality([all_down])

    assert real.requests == told["total"]
    assert real.success_rate == pytest.approx(1 - told["error_rate"], abs=1e-6)
    assert real.fallback_rate == pytest.approx(told["fallback_rate"], abs=1e-6)
    assert real.p95_ms == pytest.approx(told["p95_ms"], abs=1e-3)
    assert real.wasted_s == pytest.approx(told["wasted_ms"] / 1000, abs=1e-3)


def test_a_shorter_cooldown_probes_a_dead_chain_more_often(all_down: Past) -> None:
    found = predicted([all_down], changes_of(["cooldown=10", "circuit_max_cooldown_seconds=10"]), draws=5)

    openings = found.numbers["openings"]
    assert openings.low is not None
    assert openings.low > found.reality.openings
    assert found.drawn > 0


def test_an_interval_holds_nine_of_ten_draws() -> None:
    assert interval([float(value) for value in range(1, 21)]) == interval([*range(1, 21)])
    assert (interval([*range(1, 21)]).low, interval([*range(1, 21)]).high) == (1.0, 20.0)
    assert (interval([*range(1, 100)]).low, interval([*range(1, 100)]).high) == (5.0, 95.0)
    assert interval([None, None]).middle is None


def test_more_work_than_a_what_if_does_is_refused_and_nothing_is_sampled_away(all_down: Past) -> None:
    draws = MOST_REQUESTS // len(all_down.requests) + 1

    with pytest.raises(WhatIfError, match=r"at most 200,000 requests times draws, got 908 times 221"):
        predicted([all_down], {}, draws=draws)
    with pytest.raises(WhatIfError, match="requests times draws times points"):
        swept([all_down], axes_of(["threshold=1,2", "cooldown=10,20"]), {}, draws=draws // 3)


def test_a_sweep_goes_over_every_pair_and_meets_the_same_draws(all_down: Past) -> None:
    cells = swept([all_down], axes_of(["threshold=2,3", "cooldown=30,60"]), {}, draws=2)

    assert [cell.values for cell in cells] == [("2", "30"), ("2", "60"), ("3", "30"), ("3", "60")]
    own = cells[-1].prediction  # the defaults, under which it was recorded
    assert own.happened == 1.0
    alone = predicted([all_down], changes_of(["threshold=2", "cooldown=30"]), draws=2)
    assert cells[0].prediction == alone


def test_settings_go_by_the_runbooks_names_and_by_short_ones() -> None:
    for name in ("METIS_LLM_CIRCUIT_THRESHOLD", "circuit_threshold", "threshold", "CIRCUIT_THRESHOLD"):
        assert variable_of(name) == "METIS_LLM_CIRCUIT_THRESHOLD"
    assert changes_of(["timeout_seconds=20", "max_retries=1", "retry_base_delay=0.5"]) == {
        "METIS_LLM_TIMEOUT_SECONDS": "20",
        "METIS_LLM_MAX_RETRIES": "1",
        "METIS_LLM_RETRY_BASE_DELAY": "0.5",
    }


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: changes_of(["treshold=5"]), "a setting must be one of .*got 'treshold'"),
        (lambda: changes_of(["threshold"]), "a setting is NAME=VALUE, got 'threshold'"),
        (lambda: changes_of(["port=5"]), "got 'port'"),
        (lambda: axes_of(["threshold=1", "cooldown=1", "retries=1"]), "one or two different settings"),
        (lambda: axes_of(["threshold=1", "circuit_threshold=2"]), "one or two different settings"),
        (lambda: axes_of(["threshold=1,2,3,4,5,6,7,8,9"]), "1 to 8 values"),
        (lambda: order_of("anthropic,nobody", ["anthropic"]), "providers of the log .anthropic., each once"),
        (lambda: order_of("anthropic,claude", ["anthropic"]), "each once"),
        (lambda: order_of(" , ", ["anthropic"]), "the order must name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_rule(call, rule: str) -> None:
    with pytest.raises(WhatIfError, match=rule):
        call()


def test_a_value_out_of_range_meets_the_backends_own_rule(all_down: Past) -> None:
    with pytest.raises(ReplayError, match="METIS_LLM_MAX_RETRIES must be a whole number from 0 to 20, got '21'"):
        predicted([all_down], changes_of(["retries=21"]))


def test_a_store_gives_the_same_pasts_as_the_file(tmp_path: Path) -> None:
    lines = Path(ALL_DOWN).read_bytes().splitlines(keepends=True)
    (tmp_path / "app.log.1").write_bytes(b"".join(lines[:1500]))
    (tmp_path / "app.log").write_bytes(b"".join(lines[1500:]) + b"a line of another program\n")
    store = Store.open(None)
    Ingest(store, [str(tmp_path / "app.log"), str(tmp_path / "app.log.1")], follow=False).run_once()

    found = recorded_pasts(recorded_lives(store))
    store.close()

    assert found == [sample("all_down.log")]


def test_the_command_says_what_was_and_what_would_be() -> None:
    result = run(
        ALL_DOWN, "--set", "circuit_threshold=5", "--order", "anthropic,openrouter,deepseek,openai", "--draws", "2"
    )

    assert result.exit_code == 0, result.output
    for words in (
        "905 requests",
        "circuit_threshold=5, order anthropic,openrouter",
        "would be",
        "success rate",
        "unknown",
    ):
        assert words in result.output
    assert "each of 36 circuit transitions comes out exactly" in result.output


def test_the_json_holds_the_same_as_values_and_a_seed_repeats_it() -> None:
    words = (ALL_DOWN, "--set", "threshold=2", "--set", "cooldown=20", "--draws", "2", "--seed", "5", "--json")

    first, second = run(*words), run(*words)

    found = json.loads(first.output)
    assert first.output == second.output
    assert found["policy"] == {"changes": {"circuit_threshold": "2", "circuit_cooldown_seconds": "20"}, "order": []}
    assert found["reproduction"] == {"transitions": 36, "exact": True, "left_out": 0}
    assert set(found["predicted"]["p95_ms"]) == {"low", "middle", "high"}
    assert sum(found["calls"].values()) == pytest.approx(1.0, abs=1e-5)


def test_the_command_sweeps_a_part_of_the_log() -> None:
    result = run(ALL_DOWN, "--sweep", "threshold=2,4", "--since", "20m", "--until", "10m", "--draws", "1", "--json")

    found = json.loads(result.output)
    assert [cell["settings"] for cell in found["sweep"]] == [{"circuit_threshold": "2"}, {"circuit_threshold": "4"}]
    assert found["reproduction"] is None
    assert 100 < found["reality"]["requests"] < 500
    assert "was" in run(ALL_DOWN, "--sweep", "threshold=2,4", "--since", "5m", "--draws", "1").output


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("nowhere.log",), "nowhere.log must be a log file"),
        ((ALL_DOWN, "--set", "threshold=0"), "METIS_LLM_CIRCUIT_THRESHOLD must be a whole number from 1 to 1000"),
        ((ALL_DOWN, "--set", "nothing=0"), "a setting must be one of"),
        ((ALL_DOWN, "--order", "nobody"), "providers of the log"),
        ((ALL_DOWN, "--since", "soon"), "--since must be a UTC time"),
        ((ALL_DOWN, "--draws", "1000"), "at most 200,000 requests times draws"),
        ((str(DIRECTORY / "plain_backend.log"),), "plain lines tell of none"),
    ],
)
def test_a_mistake_ends_the_command_with_one_sentence(words: tuple[str, ...], rule: str) -> None:
    result = run(*words)

    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert rule in result.output


def test_a_log_that_does_not_say_its_settings_is_told_apart(tmp_path: Path) -> None:
    older = tmp_path / "older.log"
    older.write_text(Path(ALL_DOWN).read_text(encoding="utf-8").replace(',"settings":{}', ""), encoding="utf-8")

    result = run(str(older), "--draws", "1")

    assert "The log does not say its settings: the defaults stand in for them." in result.output
