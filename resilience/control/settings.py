"""The settings that the page shows and may change: value, default, unit, rule, and where the value comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from resilience.config import CHOICES, NUMBERS, SECTIONS, Config, chosen
from resilience.control.source import SETTABLE, Source, default_of
from resilience.errors import PolicyError

IN_ENVIRONMENT = "set in the environment of the process, which wins over .env"


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as it is now. origin: default, env_file or environment; fixed: why it cannot be changed here."""

    name: str
    value: str
    default: str
    unit: str
    rule: str
    origin: str
    fixed: str | None


def shown(source: Source, config: Config) -> tuple[Shown, ...]:
    """All of SETTABLE."""
    in_force = _in_force(config)
    return tuple(
        Shown(
            name=name,
            value=(source.values.get(name) or "").strip() or in_force[name],
            default=default_of(name),
            unit="s" if name in _SECONDS else "",
            rule=_RULES[name],
            origin=_origin(name, source),
            fixed=IN_ENVIRONMENT if name in source.environ else None,
        )
        for name in SETTABLE
    )


def _origin(name: str, source: Source) -> str:
    if name in source.environ:
        return "environment" if source.environ[name] else "default"
    return "env_file" if source.in_file.get(name) else "default"


def _in_force(config: Config) -> Mapping[str, str]:
    numbers = {
        number.variable: f"{getattr(getattr(config, SECTIONS[number.policy]), number.field):g}" for number in NUMBERS
    }
    return numbers | chosen(config)


def _rules() -> dict[str, str]:
    rules = {name: " or ".join(options) for name, options in CHOICES.items()}
    for number in NUMBERS:
        try:
            number.policy(**{number.field: None})  # type: ignore[arg-type]  # no number: the policy says its rule
        except PolicyError as exc:
            rules[number.variable] = exc.rule
    return rules


_RULES = _rules()
_SECONDS = {number.variable for number in NUMBERS if number.field.endswith("_s")}
