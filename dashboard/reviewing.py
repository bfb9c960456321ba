"""What the Review page asks of the store, once for all sessions. `version` is in every key, as in state.py."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import streamlit as st

from dashboard.alert_state import alerts, course, ledger
from dashboard.alerts.episodes import Episode
from dashboard.alerts.ledger import Entry
from dashboard.incidents.charts import stretch
from dashboard.incidents.incident import Incident
from dashboard.incidents.notes import notes_file, notes_of, read_notes
from dashboard.incidents.reading import incidents, past_episodes, ranged
from dashboard.ingest_status import settled
from dashboard.report.content import Report, report
from dashboard.report.files import documents
from dashboard.settings import store_file
from dashboard.state import extent, service

_KEPT = 16
_PATIENCE_S = 2.0  # for the thread that evaluates; what it has not come to by then is evaluated here


@st.cache_resource(show_spinner=False, max_entries=2)
def past_alerts(version: int) -> tuple[Episode, ...]:
    """The alert episodes of the whole log: the pages' one evaluation, taken to the log's end where it is not there yet."""
    found = service()
    known = course(version, extent(version), settled=settled(found.ingest.status()), wait_s=_PATIENCE_S)
    return past_episodes(found.store, alerts().rules, known)


def found_incidents(version: int) -> tuple[Incident, ...]:
    """The incidents of the whole log."""
    return _found_incidents(version, kept := _kept(), _mark(kept))


def range_incident(version: int, start: datetime, end: datetime) -> Incident:
    """A range chosen by hand, as if it were an incident."""
    return _range_incident(version, start, end, kept := _kept(), _mark(kept))


def reviewed(version: int, stem: str, incident: Incident) -> Report:
    """All that the Review page shows of an incident. stem: its name (report.files)."""
    return _reviewed(version, stem, incident, _mark(incident.kept))


def shown_range(incident: Incident) -> tuple[datetime, datetime]:
    """The stretch of time of its charts, in whole seconds."""
    window = stretch(incident)
    return window.start.replace(microsecond=0), window.end.replace(microsecond=0) + timedelta(seconds=1)


def _kept() -> tuple[Entry, ...] | None:
    return found.entries if (found := ledger()).there else None


def _mark(kept: tuple[Entry, ...] | None) -> int:
    """Tells one state of a ledger from another: nothing is ever changed in it or taken out."""
    return -1 if kept is None else len(kept)


@st.cache_resource(show_spinner=False, max_entries=2)
def _found_incidents(version: int, _kept: tuple[Entry, ...] | None, mark: int) -> tuple[Incident, ...]:  # noqa: ARG001
    return incidents(service().store, alerts().rules, past_alerts(version), _kept)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _range_incident(
    version: int,
    start: datetime,
    end: datetime,
    _kept: tuple[Entry, ...] | None,
    mark: int,  # noqa: ARG001
) -> Incident:
    return ranged(service().store, alerts().rules, past_alerts(version), start, end, _kept)


@st.cache_resource(show_spinner=False, max_entries=4)
def _reviewed(version: int, stem: str, _incident: Incident, mark: int) -> Report:  # noqa: ARG001
    return report(service().store, alerts().rules, _incident, group="review")


def exported(incident: Incident) -> Mapping[str, bytes]:
    """The files of an incident's report, by name, with its notes as they are now."""
    return documents(service().store, alerts().rules, incident, notes_of(read_notes(notes_path()), incident))


def notes_path() -> Path:
    """Where notes are kept: beside the store."""
    return notes_file(store_file(service().settings))
