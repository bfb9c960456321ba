"""One HTML page of an incident: charts and all, no request to anywhere, readable for years.

Plotly's JavaScript is that of the installed package, inside the page. Its Content-Security-Policy lets nothing in from
outside and nothing out. Text from the log is redacted, then escaped: it is never markup.
"""

import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dashboard.incidents import words
from dashboard.incidents.evidence import LogLine
from dashboard.inert import inert
from dashboard.packing import PLOTLY_FILE
from dashboard.report.content import Report
from resilience.guards.pii import redacted

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "form-action 'none'; base-uri 'none'"
)
LONGEST_LINE = 4000


def page(report: Report) -> str:
    """The document."""
    incident = report.incident
    title = _text(f"Incident: {words.name(incident)}")
    severity = "critical" if incident.critical else "warning"
    charts = list(report.charts.values())
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">',
            f"<title>{title}</title><style>{(_HERE / 'page.css').read_text('utf-8')}</style></head><body>",
            f"<h1>{title}</h1>",
            f'<p><b class="{severity}">{severity}</b> · {_text(words.state(incident))}</p>',
            f"<p>{_text(words.summary(incident))}</p>",
            "<h2>Course</h2>",
            _facts((*words.moment_facts(incident), *words.time_facts(incident))),
            "<h2>Impact</h2>",
            _facts(words.impact_facts(incident)),
            _table(
                ("provider", "lost s", "calls spared", "saved s, about", "tokens wasted"), words.cost_rows(incident)
            ),
            "<h2>Charts</h2>",
            *(_figure(number, content) for number, content in enumerate(charts)),
            "<h2>Causes</h2>",
            _causes(report),
            "<h2>Timeline</h2>",
            _timeline(report),
            *_compared(report),
            *_notes(report),
            "<footer>All times UTC. What each number counts: docs/review.md. "
            "What only people can know is left blank in the Markdown beside this page.</footer>",
            f'<script type="application/json" id="charts">{_embedded(charts)}</script>',
            f"<script>{PLOTLY_FILE.read_text('utf-8')}</script>",
            f"<script>{(_HERE / 'page.js').read_text('utf-8')}</script>",
            "</body></html>\n",
        )
    )


def _embedded(charts: Sequence[bytes]) -> str:
    # In a script element only `<` could end it, or begin a comment.
    return redacted("[" + ",".join(chart.decode() for chart in charts) + "]").replace("<", "\\u003c")


def _figure(number: int, content: bytes) -> str:
    import orjson

    chart = orjson.loads(content)
    caption = f"<figcaption><b>{_text(chart['title'])}</b>{_text(chart['unit'])}</figcaption>"
    return f'<figure>{caption}<div id="chart-{number}" role="img" aria-label="{_text(chart["alt"])}"></div></figure>'


def _facts(facts: Iterable[words.Fact]) -> str:
    cells = (
        f"<div><dt>{_text(fact.name)}</dt><dd{'' if fact.known else ' class=unknown'}>{_text(fact.value)}</dd></div>"
        for fact in facts
    )
    return f'<dl class="facts">{"".join(cells)}</dl>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{_text(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _causes(report: Report) -> str:
    rows = [
        (text, f"{n:,}", said.cause or "–", said.fix, said.section) for text, n, said in words.advices(report.incident)
    ]
    head = ("failed attempts", "how many", "runbook: cause", "runbook: fix", "where")
    return _table(head, rows) or "<p>No attempt failed.</p>"


def _timeline(report: Report) -> str:
    entries = "".join(
        f'<li><span class="at">{_text(words.clock(entry.at)[:-4])}</span><span class="step">{_text(entry.step)}</span>'
        f"{_text(entry.text)}{_lines(report.evidence.around(entry.place), entry.place)}</li>"
        for entry in report.entries
    )
    return f"<ol>{entries}</ol>"


def _lines(lines: Sequence[LogLine], place: tuple[str, int] | None) -> str:
    if not lines:
        return ""
    shown = (f"<b>{_text(line.text)}</b>" if line.place == place else _text(line.text) for line in lines)
    return f"<details><summary>line and surroundings</summary><pre>{chr(10).join(shown)}</pre></details>"


def _compared(report: Report) -> Iterator[str]:
    if (found := report.compared) is not None:
        yield "<h2>The period before</h2>"
        yield f"<p>{_text(f'{words.clock(found.start)} to {words.clock(found.end)}')}</p>"
        yield _table(("number", "before", "during"), [(row.name, row.before, row.during) for row in found.rows])


def _notes(report: Report) -> Iterator[str]:
    if report.notes:
        yield "<h2>Notes</h2>"
        yield _table(("when", "who", "note"), [(words.clock(note.at), note.actor, note.text) for note in report.notes])


def _text(text: str) -> str:
    """Text of any origin as a text node or an attribute's value."""
    return html.escape(inert(redacted(text), LONGEST_LINE), quote=True)
