"""A post-mortem in Markdown, in the usual order: Google's SRE Book, appendix D, "Example Postmortem".

Numbers come from the log. What only people can know is a marked blank, and stays one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from dashboard.incidents import words
from dashboard.incidents.incident import Incident
from dashboard.incidents.timeline import Step
from dashboard.inert import inert
from dashboard.report.content import Report
from resilience.guards.pii import redacted

BLANK = "**To fill in:**"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&]|:(?=//)|(?<=www)\.)")  # the last two would begin a link


def markdown(report: Report) -> str:
    """The document. Text from the log is escaped and redacted."""
    return "\n".join(_document(report)).rstrip() + "\n"


def _document(report: Report) -> Iterator[str]:
    incident = report.incident
    yield f"# Post-mortem: {_text(words.name(incident))}\n"
    yield f"- Date: {incident.start_at:%Y-%m-%d}"
    yield f"- Status: {_text(words.state(incident))}"
    yield f"- Severity: {'critical' if incident.critical else 'warning'}"
    yield f"- Authors: {BLANK} who writes this\n"
    yield f"## Summary\n\n{_text(words.summary(incident))}\n"
    yield "## Impact\n"
    yield from _facts(words.impact_facts(incident))
    if rows := words.cost_rows(incident):
        yield from _table(("provider", "lost s", "calls spared", "saved s, about", "tokens wasted"), rows)
    yield f"{BLANK} what users noticed, and what it cost the business.\n"
    yield "## Root causes\n"
    yield from _causes(incident)
    yield "## Trigger\n"
    first = next((e for e in report.entries if e.step is Step.BAD), None)
    yield (
        f"{words.clock(first.at)}: {_text(first.text)}." if first else "The log does not tell the first failure."
    ) + "\n"
    yield f"{BLANK} what set it off outside the log.\n"
    yield "## Resolution\n"
    yield from _facts(fact for fact in words.moment_facts(incident) if fact.name in ("mitigated", "resolved"))
    acts = [
        f"- {words.clock(e.at)}: {_text(e.text)}{f' ({words.OF_LEDGER})' if e.step is Step.LEDGER else ''}"
        for e in report.entries
        if e.step in (Step.ACTION, Step.LEDGER)
    ]
    yield (
        "\n".join(acts) + "\n" if acts else "No human action is known: the chain recovered by itself, or not at all.\n"
    )
    yield "## Detection\n"
    yield from _facts((*words.moment_facts(incident),))
    yield from _facts(words.time_facts(incident))
    yield f"{BLANK} who noticed first, and how.\n"
    yield "## Action items\n"
    yield from _action_items(incident)
    yield "## Lessons learned\n"
    yield from _lessons(incident)
    yield "## Timeline\n"
    yield "All times UTC.\n"
    yield from _table(("time", "what", "how"), [(words.clock(e.at)[:-4], str(e.step), e.text) for e in report.entries])
    yield from _supporting(report)


def _causes(incident: Incident) -> Iterator[str]:
    rows = [(text, str(n), said.cause or "–", said.fix, said.section) for text, n, said in words.advices(incident)]
    if rows:
        yield from _table(("failed attempts", "how many", "runbook: cause", "runbook: fix", "where"), rows)
    else:
        yield "No attempt failed.\n"
    yield f"{BLANK} why the provider failed: the log tells how calls failed, not why.\n"


def _action_items(incident: Incident) -> Iterator[str]:
    said = [each for _, _, each in words.advices(incident)]
    fixes = dict.fromkeys((each.fix, each.section) for each in said if each.cause)  # without a cause it has no advice
    rows = [(f"Considered? {fix} ({section})", "", "", "") for fix, section in fixes]
    rows += [("", "", "", "")]
    yield f"{BLANK} what is to be done, by whom, by when. The runbook's fixes stand here to begin with.\n"
    yield from _table(("action", "type (prevent, mitigate, detect)", "owner", "due"), rows)


def _lessons(incident: Incident) -> Iterator[str]:
    impact = incident.impact
    yield "### What went well\n"
    if impact.rescued:
        yield f"- Fallback answered {impact.rescued:,} of {impact.requests:,} requests."
    if impact.spared:
        saved = "" if impact.saved_s is None else f", about {impact.saved_s:,.1f} s"
        yield f"- Open circuits spared {impact.spared:,} calls{saved}."
    yield f"- {BLANK}\n"
    yield "### What went wrong\n"
    if impact.failed:
        yield f"- {impact.failed:,} requests got no answer."
    if impact.slowed:
        yield f"- {impact.slowed:,} callers waited more than {impact.slow_s:g} s."
    yield f"- {BLANK}\n"
    yield f"### Where we were lucky\n\n- {BLANK}\n"


def _supporting(report: Report) -> Iterator[str]:
    if report.compared is not None:
        yield "## The period before\n"
        yield f"{words.clock(report.compared.start)} to {words.clock(report.compared.end)}.\n"
        yield from _table(("number", "before", "during"), [(r.name, r.before, r.during) for r in report.compared.rows])
    if report.notes:
        yield "## Notes\n"
        for note in report.notes:
            yield f"- {words.clock(note.at)}, {_text(note.actor)}: {_text(' '.join(note.text.split()))}"
        yield ""
    yield "## Evidence\n"
    yield '`incident_logs.txt` in the archive: what `grep -A 5 -B 5 "ERROR"` finds, and the lines of each step.\n'


def _facts(facts: Iterable[words.Fact]) -> Iterator[str]:
    yield "\n".join(f"- {_text(fact.name)}: {_text(fact.value)}" for fact in facts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    yield "\n".join("| " + " | ".join(map(_text, row)) + " |" for row in rows) + "\n"


def _text(text: str) -> str:
    """Text of any origin as Markdown that shows it as it stands."""
    return _SPECIAL.sub(r"\\\1", inert(redacted(text)))
