"""The page's form, as values: what was typed becomes a question, or says what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.control.values import SETTING_NAMES
from dashboard.whatif.options import PREFIX, axes_of, short_of
from dashboard.whatif.prediction import WhatIfError
from dashboard.whatif.question import Question
from dashboard.whatif.reading import Policy
from resilience.replay import NAMES

FIRST = tuple(SETTING_NAMES)
REST = tuple(name for name in NAMES if name not in SETTING_NAMES)
THRESHOLD, COOLDOWN = f"{PREFIX}CIRCUIT_THRESHOLD", f"{PREFIX}CIRCUIT_COOLDOWN_SECONDS"
THRESHOLDS, COOLDOWNS = "2,3,5,8", "30,60,120"
"""What a sweep goes over unless somebody types other values."""
MOST_DRAWS = 1000
"""As on the command line."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the fields, as text; settings by variable. An empty field leaves things as they were."""

    settings: Mapping[str, str]
    order: str = ""
    draws: str = ""
    seed: str = ""
    thresholds: str = ""
    cooldowns: str = ""


def replayed(typed: Typed, since: datetime, until: datetime) -> Question:
    """The question of the button that replays. Raises: WhatIfError."""
    pairs = tuple(f"{short_of(name)}={value.strip()}" for name, value in typed.settings.items() if value.strip())
    return Question(
        pairs=pairs,
        order=_close(typed.order) or None,
        since=_in_ms(since),
        until=_in_ms(until),
        draws=_whole("draws", typed.draws, 1, MOST_DRAWS),
        seed=_whole("seed", typed.seed, 0, 2**31) or 1,
    )


def swept_over(typed: Typed, since: datetime, until: datetime) -> Question:
    """The question of the button that sweeps: over thresholds, cooldowns or both. Raises: WhatIfError."""
    values = {THRESHOLD: typed.thresholds, COOLDOWN: typed.cooldowns}
    sweeps = tuple(f"{short_of(name)}={_close(text)}" for name, text in values.items() if text.strip())
    if not sweeps:
        raise WhatIfError("a sweep needs thresholds or cooldowns, like 2,3,5, got none")
    axes_of(sweeps)
    rest = {name: value for name, value in typed.settings.items() if not values.get(name, "").strip()}
    return replace(replayed(replace(typed, settings=rest), since, until), sweeps=sweeps)


def hint(name: str, now: Policy) -> str:
    """What stands in an empty field of a setting."""
    return f"as it was: {now.settings[name]}"


def order_hint(now: Policy) -> str:
    """Likewise, of the order."""
    return f"as it was: {','.join(now.order) or 'not in the log'}"


def _in_ms(at: datetime) -> datetime:
    """As the command line has it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _close(text: str) -> str:
    """Without spaces."""
    return re.sub(r"\s+", "", text)


def _whole(what: str, text: str, low: int, high: int) -> int | None:
    if not text.strip():
        return None
    if re.fullmatch(r"\d{1,10}", text.strip()) is None or not low <= int(text) <= high:
        raise WhatIfError(f"{what} must be a whole number from {low} to {high}, got {text!r}")
    return int(text)
