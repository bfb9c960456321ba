"""Settings: names, defaults, aliases, and one clear message for each broken rule."""

import re
from pathlib import Path

import pytest

from resilience.config import CHOICES, KNOWN, NUMBERS, Config, config_of, load, settings_of
from resilience.errors import ConfigError
from resilience.policy import CircuitPolicy, DeadlinePolicy, GuardPolicy, RetryPolicy
from tests.resilience.scripted import KEYS


def settings(**values: str) -> Config:
    return load(None, KEYS | values)


def test_defaults_are_the_runbooks() -> None:
    config = settings()

    assert config.order == ("openrouter", "anthropic", "deepseek", "openai")
    assert config.deadline == DeadlinePolicy(attempt_s=45, request_s=120, connect_s=5)
    assert config.retry == RetryPolicy(max_retries=3, base_delay_s=1.0)
    assert config.circuit == CircuitPolicy(threshold=3, cooldown_s=60, probe_timeout_s=120)
    assert config.warnings == ()


def test_the_runbooks_own_order_counts_claude_and_anthropic_once_with_a_warning() -> None:
    config = settings(METIS_LLM_PROVIDER_ORDER="deepseek,anthropic,openrouter,claude")

    assert config.order == ("deepseek", "anthropic", "openrouter")
    assert len(config.warnings) == 1
    assert "METIS_LLM_PROVIDER_ORDER" in config.warnings[0]


def test_a_quoted_value_with_a_comment_reads_as_in_the_runbook(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('METIS_LLM_TIMEOUT_SECONDS="90"              # Per-provider timeout\nOPENAI_API_KEY=k\n')

    assert load(file, {}).deadline.attempt_s == 90


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("METIS_LLM_CIRCUIT_THRESHOLD=5\nOPENAI_API_KEY=k\n")

    assert load(file, {"METIS_LLM_CIRCUIT_THRESHOLD": "7"}).circuit.threshold == 7


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("METIS_LLM_PROVIDER_ORDER", "", "at least one provider"),
        ("METIS_LLM_PROVIDER_ORDER", " , ", "at least one provider"),
        ("METIS_LLM_PROVIDER_ORDER", "openrouter,gemini", "must name openrouter, anthropic, deepseek, openai"),
        ("METIS_LLM_PROVIDER_ORDER", "openrouter,a b", "names of a-z"),
        ("METIS_LLM_PROVIDER_ORDER", "failed-over", "names of a-z"),
        ("METIS_LLM_TIMEOUT_SECONDS", "0", "a number from"),
        ("METIS_LLM_TIMEOUT_SECONDS", "nan", "a number from"),
        ("METIS_LLM_TIMEOUT_SECONDS", "soon", "a number"),
        ("METIS_LLM_DEADLINE_SECONDS", "-1", "a number from"),
        ("METIS_LLM_MAX_RETRIES", "2.5", "a whole number"),
        ("METIS_LLM_MAX_RETRIES", "-1", "a whole number from 0"),
        ("METIS_LLM_CIRCUIT_THRESHOLD", "0", "a whole number from 1"),
        ("METIS_LLM_CIRCUIT_COOLDOWN_SECONDS", "inf", "a number from"),
        ("METIS_LLM_OPENAI_BASE_URL", "ftp://x", "an http or https address"),
        ("METIS_LLM_OPENAI_MODEL", "a\nb", "printable"),
        ("OPENAI_API_KEY", "your_openai_key", "a real key"),
        ("METIS_PORT", "http", "a port"),
        ("METIS_LLM_STREAM_MODE", "fast", "live or safe"),
        ("METIS_LLM_ALL_OPEN", "pray", "fail or probe"),
        ("METIS_LLM_CONTENT_FILTER_FALLBACK", "maybe", "off or on"),
        ("METIS_LLM_MAX_QUEUE", "-1", "a whole number from 0"),
    ],
)
def test_a_broken_rule_is_told_with_variable_rule_and_value(variable: str, value: str, rule: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(**{variable: value})

    message = str(caught.value)
    assert variable in message
    assert rule in message
    assert repr(value.split(",")[-1]).strip("' ") in message
    assert "\n" not in message


def test_a_key_is_never_shown() -> None:
    secret = "sk-secret with space"

    with pytest.raises(ConfigError) as caught:
        settings(OPENAI_API_KEY=secret)

    assert "OPENAI_API_KEY" in str(caught.value)
    assert secret not in str(caught.value)
    assert KEYS["OPENROUTER_API_KEY"] not in repr(settings())


def test_a_further_provider_is_added_by_settings_alone() -> None:
    config = settings(
        METIS_LLM_PROVIDER_ORDER="local-llm,openai",
        METIS_LLM_LOCAL_LLM_BASE_URL="http://127.0.0.1:8080/v1/",
        METIS_LLM_LOCAL_LLM_MODEL="llama",
    )

    first = config.providers[0]
    assert (first.name, first.kind, first.base_url, first.model, first.usable) == (
        "local-llm",
        "openai",
        "http://127.0.0.1:8080/v1",
        "llama",
        True,
    )


def test_an_empty_key_skips_the_provider_with_a_warning() -> None:
    config = settings(ANTHROPIC_API_KEY="")

    assert [p.name for p in config.providers if not p.usable] == ["anthropic"]
    assert config.warnings == ("ANTHROPIC_API_KEY is not set: provider anthropic is skipped",)


def test_no_key_at_all_is_an_error_that_names_the_variables() -> None:
    with pytest.raises(ConfigError, match="OPENROUTER_API_KEY, ANTHROPIC_API_KEY, DEEPSEEK_API_KEY, OPENAI_API_KEY"):
        load(None, {})


@pytest.mark.parametrize("limit", ["TIMEOUT", "FIRST_TOKEN_TIMEOUT", "STALL_TIMEOUT", "CONNECT_TIMEOUT"])
def test_a_long_timeout_warns(limit: str) -> None:
    long = {"METIS_LLM_DEADLINE_SECONDS": "300"}  # so long that it cuts no timeout
    [warning] = settings(**{f"METIS_LLM_{limit}_SECONDS": "121"}, **long).warnings

    assert f"METIS_LLM_{limit}_SECONDS is 121" in warning
    assert settings(**{f"METIS_LLM_{limit}_SECONDS": "120"}, **long).warnings == ()


def test_a_timeout_that_the_deadline_cuts_warns_and_says_which_deadline_does_not() -> None:
    [warning] = settings(METIS_LLM_TIMEOUT_SECONDS="90").warnings

    assert "METIS_LLM_DEADLINE_SECONDS leaves a provider 60 s" in warning
    assert "set the deadline to 180" in warning
    assert settings(METIS_LLM_TIMEOUT_SECONDS="90", METIS_LLM_DEADLINE_SECONDS="180").warnings == ()
    assert settings(METIS_LLM_TIMEOUT_SECONDS="60").warnings == ()


def test_docs_and_example_name_the_settings_that_the_code_reads() -> None:
    root = Path(__file__).parents[2]
    code = "".join(path.read_text() for path in (root / "resilience").rglob("*.py"))
    read = set(re.findall(r"\bMETIS_[A-Z_]*[A-Z]\b", code))
    read -= {"METIS_LLM_LOCAL_LLM_BASE_URL"}
    page = (root / "docs" / "settings.md").read_text()
    table = set(re.findall(r"^\| `(METIS_[A-Z_]+)`", page, re.MULTILINE))
    example = set(re.findall(r"^(METIS_[A-Z_]+)=", (root / ".env.example").read_text(), re.MULTILINE))

    assert read <= table | {f"METIS_LLM_{name.upper()}_{what}" for name in KNOWN for what in ("BASE_URL", "MODEL")}
    assert example <= table
    for name, known in KNOWN.items():
        assert f"| {name} | `{name.upper()}_API_KEY` | `{known.base_url}` | `{known.model}` |" in page


def test_a_longer_timeout_lengthens_the_wait_for_the_first_token_too() -> None:
    assert settings(METIS_LLM_TIMEOUT_SECONDS="90").deadline.first_token_s == 90
    both = settings(METIS_LLM_TIMEOUT_SECONDS="90", METIS_LLM_FIRST_TOKEN_TIMEOUT_SECONDS="10")
    assert both.deadline.first_token_s == 10


def test_settings_at_their_defaults_are_not_told() -> None:
    assert settings_of(load(None, KEYS)) == {}
    assert settings_of(load(None, KEYS | {"METIS_LLM_TIMEOUT_SECONDS": "20"})) == {"METIS_LLM_TIMEOUT_SECONDS": "20"}


def test_the_settings_that_are_told_make_the_same_configuration_again() -> None:
    chosen = {number.variable: "7" if number.whole else f"{7.125 + place}" for place, number in enumerate(NUMBERS)}
    chosen |= {
        number.variable: f"{0.25 + place / 1000}"
        for place, number in enumerate(NUMBERS)
        if number.policy is GuardPolicy
    }
    chosen |= {name: str(list(words)[-1]) for name, words in CHOICES.items()}
    config = config_of(KEYS | chosen)

    assert settings_of(config) == chosen
    assert config_of(KEYS | settings_of(config)) == config
