"""The frames of one window that the Live page is made of; reading.py takes them from the store."""

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

RECENT = timedelta(minutes=5)
"""The verdict's rates are of this long before now, the longest window of the runbook's alerts on rates."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Results of dashboard.metrics for one window, by the names of their functions.

    order: the chain now; circuit_intervals, circuit_transitions: from the log's start to now, the
    intervals as seen (live.circuits); recent: request_summary
    of the last RECENT before now; derived: the log has no requests of its own; everything else: of the window.
    """

    order: tuple[str, ...]
    circuit_intervals: pd.DataFrame
    circuit_transitions: pd.DataFrame
    actions: pd.DataFrame
    attempts_by_bucket: pd.DataFrame
    provider_summary: pd.DataFrame
    requests_by_bucket: pd.DataFrame
    recent: pd.DataFrame
    derived: bool
    fallbacks_by_reason: pd.DataFrame
    failures_by_reason: pd.DataFrame
