"""The Live page's charts over an incident, with its moments marked."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2s
from typing import Any

import orjson

from dashboard import theme
from dashboard.alert_board.course import Bar
from dashboard.alerts.evaluate import Phase
from dashboard.alerts.rule import Rules
from dashboard.incidents.incident import Incident
from dashboard.live.charts import packed_charts
from dashboard.live.frames import Frames
from dashboard.live.span import FEWEST_POINTS, PER_BUCKET
from dashboard.window import WIDTHS_S, Window

LABEL_WIDTH = 0.15
"""Of the chart's width: marks closer to each other share a label."""
_MARKS = (
    ("first_bad_at", "first bad", theme.CRITICAL),
    ("alert_at", "alert", theme.WARNING),
    ("action_at", "action", theme.ACCENT),
    ("mitigated_at", "mitigated", theme.OK),
    ("resolved_at", "resolved", theme.OK),
)


def stretch(incident: Incident) -> Window:
    """The time to show: the incident with a fifth of its length on both sides, a minute at least."""
    end = max(incident.end_at, incident.start_at)
    margin = max((end - incident.start_at) / 5, timedelta(minutes=1))
    window = Window.of(incident.start_at - margin, end + margin)
    length_s = (window.end - window.start).total_seconds()
    wanted_s = min(length_s / FEWEST_POINTS, length_s * PER_BUCKET / max(1, incident.impact.requests))
    width = next((s for s in WIDTHS_S if s >= max(wanted_s, window.bucket_s)), WIDTHS_S[-1])
    return Window(window.start, window.end, width)


def incident_charts(
    incident: Incident, frames: Frames, window: Window, rules: Rules, group: str
) -> Mapping[str, bytes]:
    """The charts by name, ready to send. group: charts of one share their time axis."""
    at = min(window.end, incident.seen_until)
    bars = _bars(incident, rules, window, len(frames.order))
    charts = packed_charts(frames, window, at, f"{group}.{incident.start_at.isoformat()}", rules, bars)
    return {name: _marked(content, incident, group) for name, content in charts.items()}


def _bars(incident: Incident, rules: Rules, window: Window, circuits: int) -> list[Bar]:
    """The incident's alerts that its window shows, pending and firing. circuits: how many, for "3 of 4"."""
    known = {rule.name for rule in rules.rules}
    found = []
    for episode in incident.group.episodes:
        phases = (
            (Phase.PENDING, False, episode.pending_at, episode.firing_at),
            (Phase.FIRING, True, episode.firing_at, episode.resolved_at),
        )
        for phase, active, since, until in phases if episode.rule in known else ():
            start, end = max(since, window.start), min(until or incident.seen_until, window.end)
            if start < end:
                found.append(Bar(episode.rule, phase, active, start, end, since, until, episode.value, circuits))
    return found


def _marked(content: bytes, incident: Incident, group: str) -> bytes:
    chart: dict[str, Any] = orjson.loads(content)
    layout = chart["figure"]["layout"]
    found = [(at, label, color) for name, label, color in _MARKS if (at := getattr(incident.moments, name)) is not None]
    shapes = [_line(at, color) for at, _, color in found]
    if chart["title"].startswith("Circuits"):
        start_ms, end_ms = layout["xaxis"]["range"]
        for number, text in _labels(found, (end_ms - start_ms) / 1000 * LABEL_WIDTH):
            font = {"size": 9, "color": found[number][2]}
            place = {"textangle": 0, "textposition": "start", "yanchor": "bottom"}  # in the lane of actions
            shapes[number]["label"] = {"text": text, "font": font} | place
    layout["shapes"] = [*layout.get("shapes", []), *shapes]
    chart["group"] = group
    del chart["mark"]
    body = orjson.dumps(chart)
    return b'{"mark":"' + blake2s(body, digest_size=8).hexdigest().encode() + b'",' + body[1:]


def _line(at: datetime, color: str) -> dict[str, Any]:
    x = round(at.timestamp() * 1000)
    style = {"color": color, "width": 1, "dash": "dot"}
    return {"type": "line", "yref": "y domain", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": style}


def _labels(found: Sequence[tuple[datetime, str, str]], apart_s: float) -> list[tuple[int, str]]:
    """Which of the marks bear a label: those too close to the one before stand in its label."""
    labels: list[tuple[int, str]] = []
    for number in sorted(range(len(found)), key=lambda number: found[number][0]):
        at, text, _ = found[number]
        if labels and (at - found[labels[-1][0]][0]).total_seconds() < apart_s:
            labels[-1] = (labels[-1][0], f"{labels[-1][1]}, {text}")
        else:
            labels.append((number, text))
    return labels
