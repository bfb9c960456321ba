"""An incident in words: its name, its moments and times, its impact; the same on the page, in Markdown and in HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.incidents.incident import Cause, Incident
from dashboard.live.words import Advice

SLOW = Advice(
    "Slow answers",
    "A provider answers slowly (DeepSeek is known to, 60 to 90 s)",
    "Switch to a faster provider; increase the timeout if needed.",
    "runbook, Extremely Slow Responses",
)

OF_LEDGER = "by the ledger of alerts"
"""What the log does not tell: acknowledgements and silences, which the Alerts page and the terminal keep beside it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number or moment with its name; known: whether the log tells it."""

    name: str
    value: str
    known: bool = True


def name(incident: Incident) -> str:
    """A short name: who failed, and how."""
    main = main_cause(incident)
    if main is None:
        opened = incident.group.outages[0].provider if incident.group.outages else None
        if incident.impact.slowed:
            return "slow answers"
        fired = incident.group.episodes[0].rule.replace("_", " ") if incident.group.episodes else None
        return f"{opened}: circuit open" if opened else f"alert: {fired}" if fired else "nothing failed"
    others = {outage.provider for outage in incident.group.outages} - {main.provider}
    rest = f", and {len(others)} more provider{'s' if len(others) > 1 else ''}" if others else ""
    status = f" ({main.http_status})" if main.http_status is not None else ""
    return f"{main.provider or 'a provider'}: {main.reason}{status}{rest}"


def main_cause(incident: Incident) -> Cause | None:
    """The most frequent reason of the primary's failures; of anybody's, if the primary had none."""
    own = [cause for cause in incident.causes if cause.provider == incident.primary]
    return next(iter(own or incident.causes), None)


def advices(incident: Incident) -> list[tuple[str, int | None, Advice]]:
    """Causes as text, how often, and the runbook's advice; slow answers where nothing failed but callers waited."""
    found = [
        (f"{c.provider or 'unknown'}: {c.reason}" + (f" ({c.http_status})" if c.http_status else ""), c.n, c.advice)
        for c in incident.causes
    ]
    if not incident.causes and incident.impact.slowed:
        found.append((f"answers after more than {incident.impact.slow_s:g} s", incident.impact.slowed, SLOW))
    return [(text, n, said) for text, n, said in found]


def state(incident: Incident) -> str:
    """Whether it is over, and how long it has taken."""
    if incident.chosen is not None:
        return f"a range chosen by hand, {duration(incident.end_at - incident.start_at)}"
    length = duration(incident.end_at - incident.start_at)
    return f"lasts, {length} as far as the log goes" if incident.lasts else f"resolved after {length}"


def summary(incident: Incident) -> str:
    """Two or three sentences."""
    impact = incident.impact
    said = [
        f"{name(incident)}; from {clock(incident.start_at)}, {state(incident)}.",
        f"Of {impact.requests:,} requests {impact.failed:,} failed, {impact.rescued:,} were rescued by fallback, and "
        f"{impact.slowed:,} were answered after more than {impact.slow_s:g} s.",
    ]
    if impact.derived:
        said.append("The log has no requests of its own: they are derived from its attempts.")
    return " ".join(said)


def moment_facts(incident: Incident) -> Iterator[Fact]:
    """The moments in their order."""
    course, impact = incident.moments, incident.impact
    hurt = impact.failed + impact.slowed > 0
    for label, at, unknown in (
        ("first bad attempt", course.first_bad_at, "not known"),
        ("circuit open", course.open_at, "no circuit opened"),
        ("alert fired", course.alert_at, "no alert fired"),
        ("first human action", course.action_at, _no_action(incident)),
        ("mitigated", course.mitigated_at, "not yet, as far as the log goes" if hurt else "no caller was hurt"),
        ("resolved", course.resolved_at, "not yet, as far as the log goes"),
    ):
        if at is None and incident.chosen is not None:
            unknown = "not in this range"
        by_ledger = at is not None and label == "first human action" and incident.acted_by_ledger
        source = f" ({OF_LEDGER})" if by_ledger else ""
        yield Fact(label, unknown if at is None else clock(at) + source, at is not None)


def _no_action(incident: Incident) -> str:
    return "none in the log, and there is no ledger of alerts" if incident.kept is None else "none in log or ledger"


def time_facts(incident: Incident) -> Iterator[Fact]:
    """Times to detect, act, mitigate and resolve."""
    for label, length in (
        ("time to detect", incident.to_detect),
        ("time to act", incident.to_act),
        ("time to mitigate", incident.to_mitigate),
        ("time to resolve", incident.to_resolve),
    ):
        yield Fact(label, "–" if length is None else duration(length), length is not None)


def impact_facts(incident: Incident) -> Iterator[Fact]:
    """What it cost."""
    impact = incident.impact
    yield Fact("requests", f"{impact.requests:,}")
    yield Fact("failed", f"{impact.failed:,}")
    yield Fact("rescued by fallback", f"{impact.rescued:,}")
    yield Fact(f"answered after more than {impact.slow_s:g} s", f"{impact.slowed:,}")
    yield Fact("lost in failed attempts", f"{impact.lost_s:,.1f} s")
    yield Fact("calls spared by circuits", f"{impact.spared:,}")
    saved, tokens = impact.saved_s, impact.wasted_tokens
    yield Fact("saved by circuits, about", "not known" if saved is None else f"{saved:,.1f} s", saved is not None)
    yield Fact(
        "tokens wasted",
        "not known: no failed call counted any" if tokens is None else f"{tokens:,}",
        tokens is not None,
    )


def cost_rows(incident: Incident) -> list[tuple[str, str, str, str, str]]:
    """Provider, seconds lost, calls spared, seconds saved, tokens wasted; each as text."""
    return [
        (
            cost.provider or "unknown",
            f"{cost.lost_s:,.1f}",
            f"{cost.spared:,}",
            "–" if cost.saved_s is None else f"{cost.saved_s:,.1f}",
            "–" if cost.wasted_tokens is None else f"{cost.wasted_tokens:,}",
        )
        for cost in incident.impact.costs
    ]


def duration(length: timedelta) -> str:
    """A length of time for people."""
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def clock(at: datetime) -> str:
    """A moment for people, UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} UTC"
