"""The lines of `watch`: one per change, and one for what is told without a change."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from dashboard.alerts.evaluate import Change, Evaluation, Kind
from dashboard.alerts.ledger import Ledger
from dashboard.alerts.rule import Rules
from dashboard.alerts.silences import silenced
from dashboard.alerts.words import change_line, stamp
from dashboard.notify.notice import Notice, NoticeKind, Told
from dashboard.notify.slack import summary


def change_lines(
    changes: Iterable[Change], rules: Rules, ledger: Ledger, missed: set[Change], now: datetime
) -> Iterator[str]:
    """One line per change, with a remark if it was missed or is silenced."""
    for change in changes:
        rule = rules.named(change.rule)
        remark = "missed: nobody watched" if change in missed else ""
        if not remark and change.kind is Kind.FIRING and change.at == change.fired_at:
            silence = silenced(rule, ledger.silences, now)
            remark = f"silenced until {stamp(silence.until)} by {silence.actor}" if silence else ""
        yield change_line(change, rule, remark)


def active_lines(changes: Iterable[Change], evaluation: Evaluation) -> Iterator[str]:
    """Of all changes of a log, those with which the alerts that last began: the lines of a first start."""
    for change in changes:
        alert = evaluation.alerts[change.rule]
        if change.kind is Kind.FIRING and change.at == change.fired_at == alert.firing_at:
            yield change_line(change, evaluation.rules.named(change.rule))


def notice_lines(notices: Iterable[Notice], changes: Iterable[Change]) -> Iterator[str]:
    """What is told without a change of the alert: acknowledgements, and what a silence has hidden until now."""
    changed = {change.rule for change in changes}
    for notice in notices:
        if notice.kind is NoticeKind.ACKNOWLEDGED:
            yield f"{stamp(notice.at)} {summary(notice)}"
        elif notice.kind is NoticeKind.FIRING and notice.rule.name not in changed:
            yield f"{stamp(notice.at)} STILL {summary(notice)} [its silence is over]"


def is_missed(change: Change, evaluation: Evaluation, told: Mapping[str, Told]) -> bool:
    """Whether it fired and was over, by the evaluation's moment, before anybody looked. told: before it."""
    if change.kind is Kind.FIRING and change.at == change.fired_at:
        return evaluation.alerts[change.rule].firing_at != change.fired_at
    if change.kind is Kind.RESOLVED:
        return change.rule not in told or told[change.rule].firing_at != change.fired_at
    return False
