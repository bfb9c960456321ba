"""The course of the rules over a log so far: where each alert stands now, where it stood then, and its bars between."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dashboard.alerts.episodes import stretches
from dashboard.alerts.evaluate import Alert, Change, Evaluation, Phase


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch in which an alert was pending, or had fired and was not resolved, cut to what is asked for.

    since, until: when it really began and ended, None while it lasts; value, count: as it began.
    """

    rule: str
    phase: Phase
    active: bool
    start_at: datetime
    end_at: datetime
    since: datetime
    until: datetime | None
    value: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Course:
    """How far the rules have been evaluated and what changed on the way.

    changes: oldest first, the newest of a long log; behind: the evaluation is still on its way to the log's end;
    whole: it began at the log's first event and no change is missing; events: how many of times up to it it rests on.
    """

    evaluation: Evaluation
    changes: tuple[Change, ...] = ()
    behind: bool = False
    whole: bool = False
    events: int = 0

    def at(self, moment: datetime) -> Mapping[str, Alert]:
        """Where each alert stood at a moment, in the rules' order; its value is that of its last change.

        Empty before the first evaluation; the newest known for any time after it.
        """
        now = self.evaluation
        if now.at is None or moment >= now.at:
            return now.alerts
        last: dict[str, Alert] = {}
        for change in self.changes:
            if change.at > moment:
                break
            last[change.rule] = change.alert
        unheard = {name: Alert(name, Phase.NO_DATA, moment) for name in now.alerts}
        return {name: last.get(name, unheard[name]) for name in now.alerts}

    def bars(self, start: datetime, end: datetime) -> tuple[Bar, ...]:
        """What was pending or active between two times, in order of its beginning. end: not after the present."""
        evaluated_at = self.evaluation.at
        if evaluated_at is None:
            return ()
        found = []
        for change, each in zip(self.changes, stretches(self.changes), strict=True):
            # What lasts, lasts until the next evaluation says otherwise.
            last_at = each.end_at or (evaluated_at if self.behind else end)
            shown = each.active or each.phase is Phase.PENDING
            if not shown or last_at <= start or each.start_at >= end:
                continue
            alert = change.alert
            found.append(
                Bar(
                    each.rule,
                    each.phase,
                    each.active,
                    max(each.start_at, start),
                    min(last_at, end),
                    each.start_at,
                    each.end_at,
                    alert.value,
                    alert.count,
                )
            )
        return tuple(found)
