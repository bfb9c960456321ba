"""A store's requests and attempts as arrays: a busy day has a million, too many for a value or a text each."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.alerts.history import Calls, Flags, Times, Values


def requests_of(rows: pa.Table) -> Calls:
    """The rows of metrics.requests_ended."""
    status = rows["status"]
    return Calls(
        at=_us(rows["at"]),
        failed=_is_not(status, "success"),
        s=_seconds(rows["total_ms"]),
        exhausted=~_is_not(status, "exhausted"),
        with_fallback=_numpy(pc.fill_null(rows["with_fallback"], False)),
    )


def attempts_of(rows: pa.Table) -> dict[str | None, Calls]:
    """The rows of metrics.attempts_ended by provider, None where a line does not say."""
    providers = pc.dictionary_encode(rows["provider"], null_encoding="encode").combine_chunks()
    whose = _numpy(providers.indices)
    at, failed, s = _us(rows["at"]), _is_not(rows["status"], "success"), _seconds(rows["generation_time_ms"])
    names = providers.dictionary.to_pylist()
    return {
        name: Calls(at[own], failed[own], s[own]) for number, name in enumerate(names) if (own := whose == number).any()
    }


def _us(times: Any) -> Times:
    found: Times = _numpy(times.cast(pa.timestamp("us")).cast(pa.int64()))
    return found


def _seconds(ms: Any) -> Values:
    found: Values = (
        _numpy(pc.fill_null(ms.cast(pa.float64()), float("nan"))) / 1000
    )  # what is not said is above no limit
    return found


def _is_not(words: Any, word: str) -> Flags:
    found: Flags = _numpy(pc.fill_null(pc.not_equal(words, word), True))
    return found


def _numpy(column: Any) -> Any:
    return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())
