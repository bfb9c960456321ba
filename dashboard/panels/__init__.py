"""The small components of the pages: verdict strip, alert rules, chain cards, fallback reasons, guards, waterfall, the bell.

They exist because their content ticks (ages, countdowns) and must be dense. Content is set as text of nodes,
never as markup, and holds the core's own words, checked names, numbers and the rule file's texts only; text from a log
goes through st.code. Data is UTF-8 JSON of the dataclasses in dashboard/live/ and dashboard/alert_board/.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import streamlit as st

_HERE = Path(__file__).parent


def status(key: str, **content: Any) -> None:
    """LIVE, PAUSED, STALE or WAITING, and the age of the newest event. content: mode, newest, newer, now."""
    _component("status", isolated=True)(key=key, data=orjson.dumps(content))


def verdict_strip(key: str, **content: Any) -> None:
    """The verdict strip. content: verdict (live.verdict.Verdict), window (start, end), now."""
    _component("strip", isolated=True)(key=key, data=orjson.dumps(content))


def alerts(key: str, **content: Any) -> None:
    """The alert rules. content: rows (alert_board.rows.AlertRow), at (the moment shown as now), ticks, was (it is a moment
    of the past), links (by rule, operations.prepared.Link)."""
    _component("alerts", isolated=True)(key=key, data=orjson.dumps(content))


def cards(key: str, **content: Any) -> None:
    """The chain. content: cards (live.cards.Card), at (the moment shown as now), ticks, links (by provider,
    operations.prepared.Link)."""
    _component("cards", isolated=True)(key=key, data=orjson.dumps(content))


def reasons(key: str, **content: Any) -> None:
    """Fallback reasons. content: rows (live.reasons.ReasonRow)."""
    _component("reasons", isolated=True)(key=key, data=orjson.dumps(content))


def guards(key: str, **content: Any) -> None:
    """What the guards did. content: panel (live.guards.GuardPanel), whose texts are inert."""
    _component("guards", isolated=True)(key=key, data=orjson.dumps(content))


def story(key: str, **content: Any) -> None:
    """One request as a waterfall. content: story (logs.story.Story), whose texts are inert."""
    _component("story", isolated=True)(key=key, data=orjson.dumps(content))


def notes(key: str, **content: Any) -> None:
    """Short lines with a level each. content: notes (operations.notes.Note), role (ARIA's, or None)."""
    _component("notes", isolated=True)(key=key, data=orjson.dumps(content))


def audit(key: str, **content: Any) -> None:
    """Who did what, when and why. content: acts (operations.audit.Act)."""
    _component("audit", isolated=True)(key=key, data=orjson.dumps(content))


def table(key: str, **content: Any) -> None:
    """Texts in rows and columns, in a box that scrolls; long ones are cut. content: table (alert_board.tables.Table)."""
    _component("table", isolated=True)(key=key, data=orjson.dumps(content))


def incidents(key: str, on_chosen: Callable[[], None], **content: Any) -> None:
    """The incidents of a log as rows to choose from.

    content: rows (number, id, severity, name, start, state, cost), chosen (an id). `on_chosen` finds the id under
    "chosen" in the session state of this key.
    """
    _component("incidents", isolated=True)(key=key, data=orjson.dumps(content), on_chosen_change=on_chosen)


def facts(key: str, **content: Any) -> None:
    """Named numbers and moments. content: groups (lists of incidents.words.Fact)."""
    _component("facts", isolated=True)(key=key, data=orjson.dumps(content))


def grid(key: str, *, head: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """The same for a few rows, each to be read as a whole: in the open, and wrapped. empty: what to say without a row."""
    table = {"columns": head, "rows": [{"cells": cells} for cells in rows], "empty": empty}
    _component("table", isolated=True)(key=key, data=orjson.dumps({"table": table, "wraps": True}))


def timeline(key: str, **content: Any) -> None:
    """What happened, in order. content: entries (at, step, text, lines: each with text and own)."""
    _component("timeline", isolated=True)(key=key, data=orjson.dumps(content))


def chain(key: str, on_order: Callable[[], None], **content: Any) -> None:
    """The chain as a list whose rows can be moved.

    content: rows (operations.chain.Link), order (as shown), before (as it is in force), number (of the last move that
    the page has heard of), editable, at (the moment shown as now), ticks. `on_order` finds {"order", "number"} under
    "order" in the session state of this key.
    """
    _component("chain", isolated=True)(key=key, data=orjson.dumps(content), on_order_change=on_order)


def page_style(key: str) -> None:
    """The page's own style sheet, for what Streamlit's theme has no setting for. First on the page."""
    _component("page", isolated=False)(key=key)


def bell(key: str, on_ring: Callable[[], None], **content: Any) -> None:
    """Reruns the fragment it stands in when the log has grown.

    content: url of the event stream; version: what the page shows; run: a number that differs from the run
    before; rest_ms: least time between two refreshes; beat_ms: most; lines: CSS class of the raw lines' box.
    `on_ring` finds {"reading": whether the reader is busy in the raw lines} in the session state of this key.
    """
    _component("bell", "follow", isolated=False)(key=key, data=orjson.dumps(content), on_ring_change=on_ring)


@cache
def _component(name: str, *scripts: str, isolated: bool) -> Callable[..., Any]:
    return st.components.v2.component(
        f"metis.{name}",
        html='<div class="root"></div>\n<!-- filled by the script -->',
        css=style.read_text("utf-8") if (style := _HERE / f"{name}.css").exists() else None,
        js="".join((_HERE / f"{script}.js").read_text("utf-8") for script in ("nodes", *scripts, name)),
        isolate_styles=isolated,
    )
