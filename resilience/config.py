"""Settings: `.env` and the environment become one frozen Config.

The names, defaults and meanings are the runbook's; docs/settings.md lists them all. The environment wins over
`.env`. Whatever breaks a rule raises ConfigError, one sentence that names variable, rule and value; keys are
never shown.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from resilience import envfile
from resilience.errors import ConfigError, PolicyError
from resilience.events import PROVIDER_NAME
from resilience.policy import (
    AllOpen,
    ChainPolicy,
    CircuitPolicy,
    DeadlinePolicy,
    GuardPolicy,
    LoadPolicy,
    OnUngrounded,
    RetryPolicy,
    StreamMode,
)
from resilience.tokens import VARIABLE as TOKENS
from resilience.tokens import Token, tokens_in

ORDER = "METIS_LLM_PROVIDER_ORDER"
PATTERNS = "METIS_LLM_GUARD_PII_PATTERNS"
DEFAULT_ORDER = "openrouter,anthropic,deepseek,openai"
ALIASES: Mapping[str, str] = {"claude": "anthropic"}
LONG_TIMEOUT_S = 120.0
"""The runbook: timeouts above 120 s may hurt the user's experience."""


@dataclass(frozen=True, slots=True)
class _Known:
    kind: str
    base_url: str
    model: str


KNOWN: Mapping[str, _Known] = {
    "openrouter": _Known("openai", "https://openrouter.ai/api/v1", "x-ai/grok-4-fast"),
    "anthropic": _Known("anthropic", "https://api.anthropic.com", "claude-sonnet-5-5"),
    "deepseek": _Known("openai", "https://api.deepseek.com/v1", "deepseek-chat"),
    "openai": _Known("openai", "https://api.openai.com/v1", "gpt-5.4-mini"),
}


@dataclass(frozen=True, slots=True)
class Provider:
    """One link of the chain. kind: its wire format, `openai` or `anthropic`; api_key None: none configured."""

    name: str
    kind: str
    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)

    @property
    def usable(self) -> bool:
        """Whether it can be called: the four known ones need a key, an added one may do without."""
        return self.api_key is not None or self.name not in KNOWN


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a service, `providers` in the order of the chain.

    guards_off: those of policy.GUARDS that are switched off; no setting can do that, only the control API, for a while.
    """

    providers: tuple[Provider, ...]
    circuit: CircuitPolicy = CircuitPolicy()
    retry: RetryPolicy = RetryPolicy()
    deadline: DeadlinePolicy = DeadlinePolicy()
    load: LoadPolicy = LoadPolicy()
    choices: ChainPolicy = ChainPolicy()
    guards: GuardPolicy = GuardPolicy()
    guards_off: frozenset[str] = frozenset()
    log_path: Path = Path("backend_live.log")
    host: str = "127.0.0.1"
    port: int = 8000
    tokens: tuple[Token, ...] = ()
    version: int = 1
    warnings: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the chain, primary first."""
        return tuple(provider.name for provider in self.providers)


def load(env_file: Path | None = Path(".env"), environ: Mapping[str, str] = os.environ) -> Config:
    """Settings of `env_file` (if it exists) and the environment. Raises ConfigError."""
    values: dict[str, str] = {}
    if env_file is not None and env_file.is_file():
        try:
            values = envfile.values_in(envfile.read(env_file))
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{env_file}: cannot be read as settings: {exc}") from exc
    return config_of(values | dict(environ))


@dataclass(frozen=True, slots=True)
class _Number:
    """A numeric setting and the policy field that it fills."""

    variable: str
    policy: type[CircuitPolicy] | type[RetryPolicy] | type[DeadlinePolicy] | type[LoadPolicy] | type[GuardPolicy]
    field: str
    whole: bool = False


NUMBERS = (
    _Number("METIS_LLM_TIMEOUT_SECONDS", DeadlinePolicy, "attempt_s"),
    _Number("METIS_LLM_DEADLINE_SECONDS", DeadlinePolicy, "request_s"),
    _Number("METIS_LLM_CONNECT_TIMEOUT_SECONDS", DeadlinePolicy, "connect_s"),
    _Number("METIS_LLM_FIRST_TOKEN_TIMEOUT_SECONDS", DeadlinePolicy, "first_token_s"),
    _Number("METIS_LLM_STALL_TIMEOUT_SECONDS", DeadlinePolicy, "stall_s"),
    _Number("METIS_LLM_MAX_RETRIES", RetryPolicy, "max_retries", whole=True),
    _Number("METIS_LLM_RETRY_BASE_DELAY", RetryPolicy, "base_delay_s"),
    _Number("METIS_LLM_CIRCUIT_THRESHOLD", CircuitPolicy, "threshold", whole=True),
    _Number("METIS_LLM_CIRCUIT_COOLDOWN_SECONDS", CircuitPolicy, "cooldown_s"),
    _Number("METIS_LLM_CIRCUIT_MAX_COOLDOWN_SECONDS", CircuitPolicy, "max_cooldown_s"),
    _Number("METIS_LLM_CIRCUIT_RECOVERY_SUCCESSES", CircuitPolicy, "recovery_successes", whole=True),
    _Number("METIS_LLM_MAX_CONCURRENCY", LoadPolicy, "concurrency", whole=True),
    _Number("METIS_LLM_MAX_QUEUE", LoadPolicy, "queue", whole=True),
    _Number("METIS_LLM_GUARD_INPUT_FLAG", GuardPolicy, "flag_input"),
    _Number("METIS_LLM_GUARD_INPUT_BLOCK", GuardPolicy, "block_input"),
    _Number("METIS_LLM_GUARD_CONTEXT_FLAG", GuardPolicy, "flag_context"),
)


class _Switch(StrEnum):
    OFF = "off"
    ON = "on"


CHOICES: Mapping[str, type[StrEnum]] = {
    "METIS_LLM_STREAM_MODE": StreamMode,
    "METIS_LLM_ALL_OPEN": AllOpen,
    "METIS_LLM_CONTENT_FILTER_FALLBACK": _Switch,
    "METIS_LLM_GUARD_UNGROUNDED": OnUngrounded,
}
"""Settings that are one of a few words, the first the default."""


SECTIONS: Mapping[type, str] = {
    CircuitPolicy: "circuit",
    RetryPolicy: "retry",
    DeadlinePolicy: "deadline",
    LoadPolicy: "load",
    GuardPolicy: "guards",
}
"""Where in Config the policy of a number is."""


def config_of(env: Mapping[str, str]) -> Config:
    """Settings by these variables alone. Raises ConfigError."""
    warnings: list[str] = []
    providers = tuple(_provider(name, env) for name in _order(env, warnings))
    _check_keys(providers, warnings)
    limits = _numbers(env, DeadlinePolicy)
    if "attempt_s" in limits:  # who waits longer for an answer waits longer for its beginning
        limits.setdefault("first_token_s", limits["attempt_s"])
    deadline = DeadlinePolicy(**limits)
    warnings += [
        f"{number.variable} is {limits[number.field]:g}: timeouts above 120 s may impact user experience"
        for number in NUMBERS
        if number.policy is DeadlinePolicy and number.field != "request_s" and env.get(number.variable)
        if limits[number.field] > LONG_TIMEOUT_S
    ]
    # Half of a request's time is kept for the next provider (client.py), so that a long timeout may have no effect.
    if deadline.attempt_s > deadline.request_s / 2 and sum(provider.usable for provider in providers) > 1:
        warnings.append(
            f"METIS_LLM_TIMEOUT_SECONDS is {deadline.attempt_s:g}, but METIS_LLM_DEADLINE_SECONDS leaves a provider "
            f"{deadline.request_s / 2:g} s while another one can follow: "
            f"set the deadline to {2 * deadline.attempt_s:g} for the whole timeout"
        )
    # Every call ends by its request's deadline, so a probe that is older than that has been lost.
    circuit = CircuitPolicy(**_numbers(env, CircuitPolicy), probe_timeout_s=deadline.request_s)
    return Config(
        providers=providers,
        circuit=circuit,
        retry=RetryPolicy(**_numbers(env, RetryPolicy)),
        deadline=deadline,
        load=LoadPolicy(**_numbers(env, LoadPolicy)),
        choices=ChainPolicy(
            stream_mode=StreamMode(_choice(env, "METIS_LLM_STREAM_MODE")),
            all_open=AllOpen(_choice(env, "METIS_LLM_ALL_OPEN")),
            filter_falls_back=_choice(env, "METIS_LLM_CONTENT_FILTER_FALLBACK") == _Switch.ON,
        ),
        guards=GuardPolicy(
            **_numbers(env, GuardPolicy),
            on_ungrounded=OnUngrounded(_choice(env, "METIS_LLM_GUARD_UNGROUNDED")),
            patterns=_patterns(env),
        ),
        log_path=Path(env.get("METIS_LLM_LOG_PATH") or "backend_live.log"),
        host=env.get("METIS_HOST") or "127.0.0.1",
        port=_port(env),
        tokens=tokens_in(env.get(TOKENS) or ""),
        warnings=tuple(warnings),
    )


def settings_of(config: Config) -> dict[str, str]:
    """The numbers and choices of a configuration that are not at their defaults, by variable: what `config_of` reads."""
    default = Config(())
    found: dict[str, str] = {}
    for number in NUMBERS:
        section = SECTIONS[number.policy]
        value, usual = (getattr(getattr(each, section), number.field) for each in (config, default))
        if number.field == "first_token_s":
            usual = config.deadline.attempt_s
        if value != usual:
            found[number.variable] = str(value) if number.whole else f"{value:.12g}"
    return found | {name: word for name, word in chosen(config).items() if word != next(iter(CHOICES[name]))}


def chosen(config: Config) -> dict[str, str]:
    """The word of each of CHOICES that a configuration has."""
    return {
        "METIS_LLM_STREAM_MODE": str(config.choices.stream_mode),
        "METIS_LLM_ALL_OPEN": str(config.choices.all_open),
        "METIS_LLM_CONTENT_FILTER_FALLBACK": str(_Switch.ON if config.choices.filter_falls_back else _Switch.OFF),
        "METIS_LLM_GUARD_UNGROUNDED": str(config.guards.on_ungrounded),
    }


def available(env: Mapping[str, str]) -> tuple[str, ...]:
    """All names that an order may hold: the known ones, and those whose base URL is set."""
    added = [match[1].lower() for name, value in sorted(env.items()) if value and (match := _BASE_URL.fullmatch(name))]
    return tuple(dict.fromkeys((*KNOWN, *(name for name in added if re.fullmatch(PROVIDER_NAME, name)))))


_BASE_URL = re.compile(r"METIS_LLM_([A-Z0-9_]+)_BASE_URL")


def provider_of(name: str, env: Mapping[str, str]) -> Provider:
    """The settings of one provider, in the order or not. Raises ConfigError."""
    return _provider(name, env)


def _order(env: Mapping[str, str], warnings: list[str]) -> tuple[str, ...]:
    variable = ORDER
    text = env.get(variable, DEFAULT_ORDER)
    order: list[str] = []
    for part in text.split(","):
        name = part.strip().lower()
        if not name:
            continue
        name = ALIASES.get(name, name)
        if name in order:
            warnings.append(f"{variable} names {name} twice: it counts once, at its first place (got {text!r})")
            continue
        if re.fullmatch(PROVIDER_NAME, name) is None or _CONTRACT_WORD.search(name):
            rule = "names of a-z, 0-9, _ and -, at most 32 long, without a word that the log's greps look for"
            raise ConfigError(f"{variable} must hold {rule}, got {part.strip()!r}")
        if name not in KNOWN and not env.get(provider_variable(name, "BASE_URL")):
            rule = f"{', '.join(KNOWN)} (or claude), or a provider with {provider_variable(name, 'BASE_URL')} set"
            raise ConfigError(f"{variable} must name {rule}, got {name!r}")
        order.append(name)
    if not order:
        raise ConfigError(f"{variable} must name at least one provider, got {text!r}")
    return tuple(order)


# A provider's name stands in the messages that the runbook counts by these words.
_CONTRACT_WORD = re.compile(r"success|failed|circuit|generation_time_ms")


def _provider(name: str, env: Mapping[str, str]) -> Provider:
    known = KNOWN.get(name)
    base_url = (env.get(provider_variable(name, "BASE_URL")) or (known.base_url if known else "")).rstrip("/")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        rule = "an http or https address without user, query or fragment"
        raise ConfigError(f"{provider_variable(name, 'BASE_URL')} must be {rule}, got {base_url!r}")
    model = env.get(provider_variable(name, "MODEL")) or (known.model if known else "")
    if not model or len(model) > 200 or not model.isprintable():
        rule = "the model's name, printable and at most 200 long"
        raise ConfigError(f"{provider_variable(name, 'MODEL')} must be {rule}, got {model!r}")
    kind = known.kind if known else "openai"
    return Provider(name=name, kind=kind, base_url=base_url, model=model, api_key=_api_key(name, env))


def _api_key(name: str, env: Mapping[str, str]) -> str | None:
    variable = key_variable(name)
    key = env.get(variable, "").strip()
    if key.lower().startswith("your_"):
        raise ConfigError(f"{variable} must be a real key, or empty to skip {name}; got the placeholder {key[:40]!r}")
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"{variable} must be printable ASCII without spaces, got something else (not shown)")
    return key or None


def _check_keys(providers: tuple[Provider, ...], warnings: list[str]) -> None:
    missing = [provider.name for provider in providers if not provider.usable]
    if len(missing) == len(providers):
        keys = ", ".join(key_variable(name) for name in missing)
        raise ConfigError(f"{keys}: at least one must be set, got none")
    warnings += [f"{key_variable(name)} is not set: provider {name} is skipped" for name in missing]


def _numbers(env: Mapping[str, str], policy: type) -> dict[str, Any]:
    """The policy's fields that are set, each checked by the policy itself, its message naming the variable."""
    values: dict[str, Any] = {}
    for number in NUMBERS:
        text = env.get(number.variable, "").strip()
        if number.policy is not policy or not text:
            continue
        try:
            value: Any = int(text) if number.whole else float(text)
            number.policy(**{number.field: value})
        except PolicyError as exc:
            raise ConfigError(f"{number.variable} must be {exc.rule}, got {text!r}") from None
        except ValueError:
            rule = "a whole number" if number.whole else "a number"
            raise ConfigError(f"{number.variable} must be {rule}, got {text!r}") from None
        values[number.field] = value
    return values


def _choice(env: Mapping[str, str], variable: str) -> str:
    words = [str(option) for option in CHOICES[variable]]
    text = env.get(variable, "").strip().lower() or words[0]
    if text not in words:
        raise ConfigError(f"{variable} must be {' or '.join(words)}, got {text!r}")
    return text


def _patterns(env: Mapping[str, str]) -> str:
    text = env.get(PATTERNS, "").strip()
    if text:
        from resilience.guards.custom import custom

        try:
            custom(text)
        except PolicyError as exc:
            raise ConfigError(f"{PATTERNS} must be {exc.rule}, got {exc.value!r}") from None
    return text


def _port(env: Mapping[str, str]) -> int:
    text = env.get("METIS_PORT") or "8000"
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise ConfigError(f"METIS_PORT must be a port from 0 to 65535, got {text!r}")
    return int(text)


def provider_variable(name: str, what: str) -> str:
    """The variable that holds a provider's BASE_URL or MODEL."""
    return f"METIS_LLM_{name.upper().replace('-', '_')}_{what}"


def key_variable(name: str) -> str:
    """The variable that holds a provider's key."""
    return f"{name.upper().replace('-', '_')}_API_KEY"
