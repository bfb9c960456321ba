"""What people write for a what-if: settings by their names in the runbook or by short ones, an order, a sweep."""

import re
from collections.abc import Iterable, Mapping, Sequence

from dashboard.whatif.prediction import WhatIfError
from resilience.events import PROVIDER_NAME
from resilience.replay import NAMES

PREFIX = "METIS_LLM_"
SHORT: Mapping[str, str] = {
    "threshold": "METIS_LLM_CIRCUIT_THRESHOLD",
    "cooldown": "METIS_LLM_CIRCUIT_COOLDOWN_SECONDS",
    "timeout": "METIS_LLM_TIMEOUT_SECONDS",
    "deadline": "METIS_LLM_DEADLINE_SECONDS",
    "retries": "METIS_LLM_MAX_RETRIES",
}
"""Further names; each setting has one without METIS_LLM_, in lower case, as well."""

ALIASES: Mapping[str, str] = {"claude": "anthropic"}
MOST_VALUES = 8


def variable_of(name: str) -> str:
    """The setting that is meant. Raises: WhatIfError."""
    plain = name.strip()
    variable = SHORT.get(plain.lower(), PREFIX + plain.upper().removeprefix(PREFIX))
    if variable not in NAMES:
        names = ", ".join(sorted({*SHORT, *(each.removeprefix(PREFIX).lower() for each in NAMES)}))
        raise WhatIfError(f"a setting must be one of {names} (or METIS_LLM_...), got {name!r}")
    return variable


def short_of(variable: str) -> str:
    """The setting's name without METIS_LLM_, in lower case."""
    return variable.removeprefix(PREFIX).lower()


def changes_of(pairs: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE pairs as settings by variable. Raises: WhatIfError."""
    return {variable_of(name): value for name, value in map(_pair, pairs)}


def axes_of(pairs: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """NAME=VALUE,VALUE,... of one or two settings. Raises: WhatIfError."""
    axes = tuple(
        (variable_of(name), tuple(dict.fromkeys(value.strip() for value in values.split(",") if value.strip())))
        for name, values in map(_pair, pairs)
    )
    if len(axes) > 2 or len({variable for variable, _ in axes}) < len(axes):
        raise WhatIfError(f"a sweep goes over one or two different settings, got {', '.join(pairs)}")
    for pair, (_, values) in zip(pairs, axes, strict=True):
        if not 1 <= len(values) <= MOST_VALUES:
            raise WhatIfError(f"a sweep takes 1 to {MOST_VALUES} values of a setting, got {pair!r}")
    return axes


def order_of(text: str | None, seen: Iterable[str]) -> tuple[str, ...]:
    """Names parted by commas, the primary first; () for None. seen: the log's providers. Raises: WhatIfError."""
    if text is None:
        return ()
    names = tuple(ALIASES.get(name, name) for part in text.split(",") if (name := part.strip().lower()))
    known = sorted(set(seen))
    wrong = [name for name in names if name not in known or re.fullmatch(PROVIDER_NAME, name) is None]
    if not names or wrong or len(set(names)) < len(names):
        raise WhatIfError(f"the order must name providers of the log ({', '.join(known)}), each once, got {text!r}")
    return names


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise WhatIfError(f"a setting is NAME=VALUE, got {text!r}")
    return name, value.strip()
