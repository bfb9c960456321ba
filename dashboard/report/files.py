"""The files of a report, by name."""

from collections.abc import Mapping

from dashboard.alerts.rule import Rules
from dashboard.incidents.incident import Incident
from dashboard.incidents.notes import Note
from dashboard.report.archive import archive
from dashboard.report.content import report
from dashboard.report.markdown import markdown
from dashboard.report.page import page
from dashboard.store import Store


def stem(incident: Incident) -> str:
    """The files' common name, from when it began: numbers move when a log is rotated, times do not."""
    start = f"{incident.start_at:%Y%m%dT%H%M%SZ}"
    return f"incident-{start}" if incident.chosen is None else f"range-{start}-{incident.end_at:%Y%m%dT%H%M%SZ}"


def documents(store: Store, rules: Rules, incident: Incident, notes: tuple[Note, ...] = ()) -> Mapping[str, bytes]:
    """Markdown, HTML page and archive, by file name. Raises: what the store raises."""
    found, name = report(store, rules, incident, notes), stem(incident)
    text = markdown(found)
    return {
        f"{name}.md": text.encode(),
        f"{name}.html": page(found).encode("utf-8", "replace"),
        f"{name}.zip": archive(found, store, {"post-mortem.md": text}),
    }
