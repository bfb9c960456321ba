"""Review: the incidents of the log or a range by hand, each with its course, impact, causes, evidence, notes and report."""

from datetime import datetime
from functools import partial

import streamlit as st

from dashboard import alert_state, chart, panels, reviewing, state
from dashboard.incidents import words
from dashboard.incidents.incident import Incident
from dashboard.incidents.timeline import Entry, fewer
from dashboard.inert import inert
from dashboard.live.span import parse_utc, spell_utc
from dashboard.report.content import Report
from dashboard.report.files import stem
from dashboard.views import links, review_notes, review_whatif, who
from dashboard.views.guard import guarded
from dashboard.views.waiting import progress, rule_problem, trouble, waiting

CHOSEN, FROM, TO = "review.incident", "review.from", "review.to"
LIST = "review.list"
SHOWN = 300  # entries of the timeline; a report has more


def page() -> None:
    """The whole page, as of the newest line read; a rerun takes in what has come since."""
    who.gate()
    who.watch()
    service = state.service()
    version = service.bell.version
    panels.page_style("review.style")
    extent = state.extent(version)
    by_hand = _bar(None if extent is None else extent.newest)
    status = service.ingest.status()
    progress(status.sources)
    trouble(service.store.notice, status.trouble)
    if extent is None:
        waiting(service.settings.logs, status.sources)
        return
    if problem := alert_state.alerts().problem:
        rule_problem(problem)
        return
    found = reviewing.found_incidents(version)
    chosen = None if by_hand is None else reviewing.range_incident(version, *by_hand)
    with guarded("list of incidents"):
        chosen = chosen or _listed(found)
    if chosen is not None:
        with guarded("incident"):
            _incident(version, chosen)
        review_whatif.whatif(version, *(by_hand or reviewing.shown_range(chosen)))


def _bar(newest: datetime | None) -> tuple[datetime, datetime] | None:
    """The bar at the top; the range that was chosen by hand, if one was."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="review.bar"):
        links.bar()
        with st.popover("Range by hand"):
            st.caption("UTC unless it names another zone. A box drawn in a chart sets it too; empty: the incidents.")
            st.text_input("From", key=FROM, bind="query-params", placeholder="2025-11-23T02:41:07Z")
            st.text_input("To", key=TO, bind="query-params", placeholder="2025-11-23T02:56:07Z")
        given = [str(st.session_state.get(key) or "") for key in (FROM, TO)]
        start, end = map(parse_utc, given)
        if any(given):
            st.button("Back to the incidents", key="review.back", on_click=_back)
        st.button("Refresh", key="review.refresh", help="Takes in what the log has told since.")
        if newest is not None:
            st.caption(f"as of {newest:%Y-%m-%d %H:%M:%S} UTC")
    if start is not None and end is not None and start < end:
        return start, end
    if any(given):
        st.warning("From and to must both be times like 2025-11-23T02:41:07Z, from before to.", icon="⚠️")
    return None


def _back() -> None:
    st.session_state[FROM] = st.session_state[TO] = ""


def _listed(found: tuple[Incident, ...]) -> Incident | None:
    """The list, newest first; the incident of the link, else the newest."""
    st.subheader(f"{len(found)} incident{'' if len(found) == 1 else 's'} in this log", anchor=False)
    if not found:
        st.text("No alert fired and no circuit opened. A range by hand shows any stretch of time.")
        return None
    by_id = {stem(incident): incident for incident in found}
    asked = st.query_params.get(CHOSEN, "")
    chosen = by_id.get(asked, found[-1])
    if asked and asked not in by_id:
        st.warning("The link's incident is not in this log, or the rules find another one now; this is the newest.")
    rows = [
        {
            "id": key,
            "number": incident.number,
            "severity": "critical" if incident.critical else "warning",
            "name": words.name(incident),
            "start": f"{incident.start_at:%Y-%m-%d %H:%M:%S} UTC",
            "state": words.state(incident),
            "cost": f"{incident.impact.failed:,} failed, {incident.impact.rescued:,} rescued, {incident.impact.slowed:,} slowed",
        }
        for key, incident in reversed(by_id.items())
    ]
    panels.incidents(LIST, on_chosen=_choose, rows=rows, chosen=stem(chosen))
    return chosen


def _choose() -> None:
    chosen = st.session_state[LIST].get("chosen")
    if isinstance(chosen, str):  # it comes from a browser: whatever is not in the list finds none
        st.query_params[CHOSEN] = chosen


def _incident(version: int, incident: Incident) -> None:
    report = reviewing.reviewed(version, stem(incident), incident)
    st.subheader(words.name(incident), anchor=False)
    st.text(words.summary(incident))
    _exports(incident)
    groups = [[*words.moment_facts(incident), *words.time_facts(incident)], [*words.impact_facts(incident)]]
    panels.facts("review.facts", groups=groups)
    with guarded("charts"):
        for name, content in report.charts.items():
            key = f"review.{name}"
            chart.show(content, key, on_brush=partial(_brush, key))
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Causes", anchor=False)
        rows = [
            (text, f"{n:,}", said.cause or "–", f"{said.fix} ({said.section})")
            for text, n, said in words.advices(incident)
        ]
        panels.grid(
            "review.causes",
            head=["failed attempts", "n", "runbook: cause", "fix"],
            rows=rows,
            empty="No attempt failed.",
        )
    with right:
        st.subheader("Cost by provider", anchor=False)
        head = ["provider", "lost s", "calls spared", "saved s, about", "tokens wasted"]
        panels.grid("review.costs", head=head, rows=words.cost_rows(incident), empty="It cost no provider anything.")
        _compared(report)
    _timeline(report)
    with guarded("notes"):
        review_notes.notes(incident, who.person())


def _compared(report: Report) -> None:
    found = report.compared
    st.subheader("The period before", anchor=False)
    if found is None:
        st.text("The log begins with it: nothing to compare with.")
        return
    st.caption(f"{words.clock(found.start)} to {words.clock(found.end)}")
    rows = [(row.name, row.before, row.during) for row in found.rows]
    panels.grid("review.compared", head=["", "before", "during"], rows=rows, empty="")


def _timeline(report: Report) -> None:
    st.subheader("Timeline", anchor=False)
    panels.timeline("review.timeline", entries=[_entry(report, entry) for entry in fewer(report.entries, SHOWN)])


def _entry(report: Report, entry: Entry) -> dict[str, object]:
    lines = [
        {"text": inert(line.text), "own": line.place == entry.place} for line in report.evidence.around(entry.place)
    ]
    return {"at": words.clock(entry.at), "step": str(entry.step), "text": entry.text, "lines": lines}


def _exports(incident: Incident) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for kind, label, mime in (
            ("md", "Post-mortem (Markdown)", "text/markdown"),
            ("html", "Page (HTML, offline)", "text/html"),
            ("zip", "Archive (evidence, tables)", "application/zip"),
        ):
            name = f"{stem(incident)}.{kind}"
            st.download_button(
                label,
                partial(_file, incident, name),
                file_name=name,
                mime=mime,
                key=f"review.{kind}",
                on_click="ignore",
            )
        st.caption("Secrets and addresses are taken out.")


def _file(incident: Incident, name: str) -> bytes:
    return reviewing.exported(incident)[name]


def _brush(key: str) -> None:
    box = chart.brushed(key)
    if box is not None:
        st.session_state[FROM], st.session_state[TO] = spell_utc(box.start), spell_utc(box.end)


page()
