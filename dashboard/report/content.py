"""What a report is made of, gathered from the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.alerts.rule import Rules
from dashboard.incidents.charts import incident_charts, stretch
from dashboard.incidents.comparison import Comparison, comparison
from dashboard.incidents.evidence import Evidence, evidence, steps
from dashboard.incidents.incident import Incident
from dashboard.incidents.notes import Note
from dashboard.incidents.timeline import Entry, timeline
from dashboard.live.reading import read_frames
from dashboard.store import Store

GROUP = "report"


@dataclass(frozen=True, slots=True)
class Report:
    """One incident with all that is shown of it. charts: packed figures by name; entries: the timeline."""

    incident: Incident
    rules: Rules
    entries: tuple[Entry, ...]
    evidence: Evidence
    compared: Comparison | None
    charts: Mapping[str, bytes]
    notes: tuple[Note, ...] = ()


def report(store: Store, rules: Rules, incident: Incident, notes: tuple[Note, ...] = (), group: str = GROUP) -> Report:
    """The report of an incident. group: the charts' common time axis. Raises: what the store raises."""
    ends = [incident.end_at, *(e.resolved_at for e in incident.group.episodes if incident.chosen is None)]
    end = max(at for at in ends if at is not None)
    told = _told(incident)
    entries = timeline(incident, steps(store, incident.start_at, end, told), rules)
    window, extent = stretch(incident), store.extent()
    oldest = window.start if extent is None else extent[0]
    frames = read_frames(store, window, min(window.end, incident.seen_until), oldest)
    return Report(
        incident=incident,
        rules=rules,
        entries=entries,
        evidence=evidence(store, incident.start_at, end, [e.at for e in entries if e.place is not None]),
        compared=comparison(store, incident),
        charts=incident_charts(incident, frames, window, rules, group),
        notes=notes,
    )


def _told(incident: Incident) -> list[datetime]:
    course = incident.moments
    found = (course.first_bad_at, course.mitigated_at, course.resolved_at)
    return [at for at in found if at is not None]
