"""What the ledger of the alerts tells of an incident: who acknowledged or silenced, beside the log, which does not know."""

from collections.abc import Iterable
from datetime import datetime

from dashboard.alerts.ledger import Entry
from dashboard.incidents.incident import Group


def kept_of(entries: Iterable[Entry], group: Group, start: datetime, end: datetime) -> tuple[Entry, ...]:
    """The entries of [start, end], and acknowledgements of its alerts that still last where the log ends; by time."""
    lasting = {(e.rule, e.firing_at) for e in group.episodes if e.resolved_at is None}
    found = (
        entry
        for entry in entries
        if start <= entry.at <= end or (entry.at > end and (entry.rule, entry.firing_at) in lasting)
    )
    return tuple(sorted(found, key=lambda entry: entry.at))
