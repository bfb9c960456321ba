"""Which of a log's requests a question needs played: all of them, or with very many those that are near trouble.

Most requests of a long time were answered at once by a healthy provider, and would have been under any policy that can
be asked for here. Where all are more than a what-if plays, those far from any trouble are counted as they were.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.whatif.options import ALIASES, axes_of, changes_of
from dashboard.whatif.prediction import DRAWS, FEWEST_DRAWS, MOST_REQUESTS, check_amount
from dashboard.whatif.question import Question
from dashboard.whatif.reading import MARGIN, Policy, in_force, recorded_lines
from dashboard.whatif.summary import NO_WAITS, Waits
from dashboard.whatif.sweep import FEWEST_SWEEP_DRAWS, SWEEP_DRAWS

if TYPE_CHECKING:
    from dashboard.store import Store

BEFORE_S = 60.0
"""So long before trouble its calls are played: draws look at the calls before it."""
LEFT = 0.75
"""Of what a what-if plays, where finding the requests takes time as well."""
_LOAD = ("METIS_LLM_MAX_CONCURRENCY", "METIS_LLM_MAX_QUEUE")
"""With less room even a quiet request may wait for another."""
_COOLDOWNS = ("METIS_LLM_CIRCUIT_COOLDOWN_SECONDS", "METIS_LLM_CIRCUIT_MAX_COOLDOWN_SECONDS")
_LIMITS = ("METIS_LLM_TIMEOUT_SECONDS", "METIS_LLM_FIRST_TOKEN_TIMEOUT_SECONDS", "METIS_LLM_DEADLINE_SECONDS")
_THRESHOLD = "METIS_LLM_CIRCUIT_THRESHOLD"

_QUIET = Path(__file__).with_name("quiet.sql").read_text("utf-8")
_WAITS = f"""
WITH omitted AS ({_QUIET})
SELECT total_ms FROM omitted
WHERE "at" - to_milliseconds(total_ms) >= $since AND "at" - to_milliseconds(total_ms) < $until
ORDER BY "at", request_id
"""
_LINES = f"""
WITH omitted AS ({_QUIET}),
played AS (
    SELECT source, "offset" FROM requests ANTI JOIN omitted USING (source, request_id)
    WHERE "at" >= $near AND "at" < $far
    UNION ALL
    SELECT source, "offset" FROM attempts ANTI JOIN omitted USING (source, request_id)
    WHERE "at" >= $near AND "at" < $far
    UNION ALL
    SELECT source, "offset" FROM fallbacks WHERE "at" >= $near AND "at" < $far
    UNION ALL
    SELECT source, "offset" FROM others
    WHERE event IN ('SERVICE_STARTED', 'PROVIDERS_INITIALIZED', 'CONFIG_CHANGED', 'BREAKER_TRANSITION')
        OR event = 'PROVIDERS_EXHAUSTED' AND "at" >= $near AND "at" < $far
),
begins AS (SELECT source, min("at") AS begin FROM lines GROUP BY source)
SELECT text FROM lines SEMI JOIN played USING (source, "offset") JOIN begins USING (source)
ORDER BY begin, source, "offset"
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is played for a question. question: with its draws; requests: about how many are played.

    quiet: the waits, in ms, of requests that are counted as they were; parameters: of what leaves them out, None where
    all are played.
    """

    question: Question
    requests: int
    quiet: Waits
    parameters: Mapping[str, Any] | None = None

    @contextmanager
    def lines(self, store: "Store") -> Iterator[Iterator[str]]:
        """The lines to play, in the log's order, to be read inside the block."""
        if self.parameters is None:
            with recorded_lines(store, self.question.since, self.question.until) as lines:
                yield lines
        else:
            with store.batches(_LINES, self.parameters) as batches:
                yield (text for batch in batches for text in batch.column("text").to_pylist())


def chosen(store: "Store", question: Question) -> Chosen:
    """What has to be played. Raises: WhatIfError for a mistake, for nothing, and for too much."""
    axes, changes = axes_of(question.sweeps), changes_of(question.pairs)
    points = 1
    for _, values in axes:
        points *= len(values)
    usual = question.draws or (SWEEP_DRAWS if axes else DRAWS)
    fewest = question.draws or (FEWEST_SWEEP_DRAWS if axes else FEWEST_DRAWS)
    extent = store.extent() or (datetime.now(UTC),) * 2
    since, until = question.since or extent[0], question.until or extent[1] + timedelta(seconds=1)
    requests = _count(store, since, until)
    if requests * usual * points <= MOST_REQUESTS or set(_LOAD) & {*changes, *(name for name, _ in axes)}:
        check_amount(requests, usual, points)
        return Chosen(replace(question, draws=usual), requests, NO_WAITS)
    asked: dict[str, list[float]] = {name: [float(value)] for name, value in changes.items() if _is_number(value)}
    for name, values in axes:
        asked[name] = [float(value) for value in values if _is_number(value)]
    around = _around(asked, in_force(store, since), question.order)
    around |= {"near": since - MARGIN, "far": until + MARGIN}
    times = {"since": since, "until": until}
    waits = [batch.column("total_ms").to_numpy() for batch in _all(store, around | times)]
    quiet = np.concatenate([NO_WAITS, *waits])
    played = requests - len(quiet)
    draws = max(fewest, min(usual, int(MOST_REQUESTS * LEFT) // max(1, played * points)))
    check_amount(max(1, played), draws, points)
    return Chosen(replace(question, draws=draws), played, quiet, around)


def _count(store: "Store", since: datetime, until: datetime) -> int:
    sql = 'SELECT count(*) AS n FROM requests WHERE NOT plain AND "at" >= $since AND "at" < $until'
    return int(store.query(sql, {"since": since, "until": until})[0]["n"])


def _all(store: "Store", parameters: Mapping[str, Any]) -> list[Any]:
    with store.batches(_WAITS, parameters) as batches:
        return list(batches)


def _around(asked: Mapping[str, list[float]], now: Policy, order: str | None) -> dict[str, Any]:
    """What counts as trouble, and how far it reaches, under any of the policies asked for."""
    known = {name: [float(now.settings[name])] for name in (*_COOLDOWNS, _THRESHOLD)}
    longest_s = max(value for name in _COOLDOWNS for value in (*known[name], *asked.get(name, ())))
    # A provider gets no more than half of the deadline while another can follow.
    limits_s = [value / (2 if name == _LIMITS[-1] else 1) for name in _LIMITS for value in asked.get(name, ())]
    return {
        "threshold": int(min(*known[_THRESHOLD], *asked.get(_THRESHOLD, known[_THRESHOLD]))),
        "before_s": BEFORE_S,
        "after_s": BEFORE_S + longest_s,
        "limit_ms": 1000 * min(limits_s, default=1e9),
        "provider": _primary(order) if order else None,
    }


def _primary(order: str) -> str:
    name = order.split(",")[0].strip().lower()
    return ALIASES.get(name, name)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
