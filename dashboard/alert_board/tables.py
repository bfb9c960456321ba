"""The tables of the Alerts page, as texts: rules, episodes, silences, what they kept back, and who did what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from dashboard.alert_board.care import deed, matcher_words
from dashboard.alert_board.rows import wants
from dashboard.alert_board.words import duration, spelled
from dashboard.alerts.episodes import Episode
from dashboard.alerts.ledger import Entry, Ledger
from dashboard.alerts.rule import Rule, Rules, Severity
from dashboard.alerts.silences import Silence, Suppressed
from dashboard.alerts.words import clock
from dashboard.inert import inert

AROUND = timedelta(minutes=5)
SIGNS = {Severity.CRITICAL: "▲ critical", Severity.WARNING: "◆ warning"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row. tone: a severity, or "" for none; href: a way from its last cell, relative to the pages' root."""

    cells: tuple[str, ...]
    tone: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Column titles and rows; `empty` is said in place of no rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    empty: str = ""


def definitions(rules: Rules, defaults: Rules, file: str) -> Table:
    """What each rule says and where it comes from. defaults: those that come along; file: the user's, "" for none."""
    own = {rule.name: rule for rule in defaults.rules}

    def origin(rule: Rule) -> str:
        if rule.name not in own:
            return file
        return "default" if rule == own[rule.name] else f"default, changed by {file}"

    rows = (
        Row(
            (
                inert(rule.title, 60),
                SIGNS[rule.severity],
                rule.metric + (f" of {rule.provider}" if rule.provider else ""),
                wants(rule),
                f"false for {duration(rule.keep_firing_s)}" if rule.keep_firing_s else "false once",
                inert(rule.runbook, 100),
                inert(origin(rule), 200),
            )
        )
        for rule in rules.rules
    )
    columns = ("Rule", "Severity", "Number", "Fires when", "Resolved when", "Runbook", "From")
    return Table(columns, tuple(rows), "No rule is on.")


def history(episodes: Iterable[Episode], rules: Rules, at: datetime) -> Table:
    """Alerts from firing to resolved, newest first. at: the moment up to which those last that are not resolved."""
    known = {rule.name: rule for rule in rules.rules}
    rows = (
        Row(
            (
                SIGNS[known[each.rule].severity],
                inert(known[each.rule].title, 60),
                stamp(each.pending_at),
                stamp(each.firing_at),
                "still firing" if each.resolved_at is None else stamp(each.resolved_at),
                clock(((each.resolved_at or max(at, each.firing_at)) - each.firing_at).total_seconds()),
                _value(known[each.rule], each.value),
                "show",
            ),
            "" if each.resolved_at else known[each.rule].severity,
            _to_live(each.pending_at - AROUND, (each.resolved_at or max(at, each.firing_at)) + AROUND),
        )
        for each in sorted(episodes, key=lambda each: each.firing_at, reverse=True)
    )
    columns = ("Severity", "Alert", "Pending, UTC", "Firing, UTC", "Resolved, UTC", "Fired for", "Value", "")
    return Table(columns, tuple(rows), "No alert has fired in this log.")


def silences(ledger: Ledger, kept_back: Iterable[Suppressed], rules: Rules, at: datetime) -> Table:
    """All silences, those in force first, then the newest; with what they have kept back."""
    kept = list(kept_back)

    def state(each: Silence) -> str:
        if each.in_force(at):
            return f"in force, {clock((each.end_at - at).total_seconds())} left"
        return "over" if each.ended_at is None else f"ended {stamp(each.ended_at)} by {each.ended_by}"

    def number(each: Silence) -> str:
        return str(sum(one.silence.id == each.id for one in kept))

    newest = sorted(ledger.silences, key=lambda each: (each.in_force(at), each.at), reverse=True)
    rows = (
        Row(
            tuple(
                inert(text, 300)
                for text in (
                    matcher_words(each.matcher, rules),
                    stamp(each.at),
                    stamp(each.until),
                    each.actor,
                    each.reason,
                    state(each),
                    number(each),
                )
            ),
            "silenced" if each.in_force(at) else "",
        )
        for each in newest
    )
    columns = ("About", "From, UTC", "Until, UTC", "Who", "Why", "State", "Kept back")
    return Table(columns, tuple(rows), "Nothing has been silenced.")


def kept_back(found: Iterable[Suppressed], rules: Rules) -> Table:
    """Alerts that began to fire while a silence held for them, newest first. The rules are those they are of."""
    rows = (
        Row(
            tuple(
                inert(text, 300)
                for text in (
                    stamp(each.change.at),
                    SIGNS[rules.named(each.change.rule).severity],
                    rules.named(each.change.rule).title,
                    spelled(rules.named(each.change.rule), each.change.alert.value, each.change.alert.count),
                    f"{matcher_words(each.silence.matcher, rules)}, until {stamp(each.silence.end_at)}",
                    each.silence.actor,
                    each.silence.reason,
                )
            )
        )
        for each in sorted(found, key=lambda each: each.change.at, reverse=True)
    )
    columns = ("Fired, UTC", "Severity", "Alert", "Value", "Silenced", "By", "Why")
    return Table(columns, tuple(rows), "No silence has kept an alert back.")


def audit(entries: Iterable[Entry], rules: Rules) -> Table:
    """Who silenced or acknowledged what, when and why, newest first."""
    known = tuple(entries)
    matchers = {entry.id: entry.matcher for entry in known if entry.kind == "silence"}
    rows = (
        Row(
            tuple(
                inert(text, 300) for text in (stamp(entry.at), entry.actor, deed(entry, matchers, rules), entry.reason)
            )
        )
        for entry in reversed(known)
    )
    return Table(("At, UTC", "Who", "What", "Why"), tuple(rows), "Nobody has silenced or acknowledged anything.")


def stamp(at: datetime) -> str:
    """A time of the tables, whose titles say that it is UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _value(rule: Rule, value: float | None) -> str:
    # An episode keeps no count: a share of circuits is said as one.
    return spelled(rule, value, 0) if rule.metric != "open_circuits" else f"{100 * (value or 0):g} % open"


def _to_live(start: datetime, end: datetime) -> str:
    edges = {"live.from": f"{start:%Y-%m-%dT%H:%M:%SZ}", "live.to": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
    return f"./?{urlencode(edges, safe=':')}"
