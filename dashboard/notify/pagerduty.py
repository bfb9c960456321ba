"""Events for PagerDuty: trigger, acknowledge and resolve, one incident there for each of ours.

Critical alerts only. An incident is triggered by its first critical alert, and again by each further one, under the same
dedup key; acknowledged when somebody looks after each of them; resolved when the last of them is over.

Source: developer.pagerduty.com, "Send an Alert Event" (Events API v2): routing_key, event_action and dedup_key (at most
255 characters); a trigger's payload with summary (at most 1,024), source and severity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from dashboard.alerts.rule import Severity
from dashboard.alerts.words import condition, spelled, stamp
from dashboard.notify.channel import MOST_SHOWN, Message, host_of
from dashboard.notify.notice import Notice, NoticeKind
from dashboard.notify.slack import summary

URL = "https://events.pagerduty.com/v2/enqueue"
LONGEST_KEY, LONGEST_SUMMARY = 255, 1024

_ACTIONS = {
    NoticeKind.FIRING: "trigger",
    NoticeKind.ACKNOWLEDGED: "acknowledge",
    NoticeKind.RESOLVED: "resolve",
}
_SEVERITIES = {Severity.CRITICAL: "critical", Severity.WARNING: "warning"}


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A service in PagerDuty. routing_key: secret; source: whose log it is; origin: keeps two logs' incidents apart."""

    routing_key: str = field(repr=False)
    source: str
    origin: str
    url: str = URL
    name: str = "pagerduty"

    @property
    def host(self) -> str:
        """Where its messages go."""
        return host_of(self.url)

    def takes(self, notice: Notice) -> bool:
        """Critical alerts: each that fires, the last one's end, and the acknowledgement that leaves none open."""
        if not notice.critical or notice.kind is NoticeKind.FIRING:
            return notice.critical
        left = notice.open_critical if notice.kind is NoticeKind.RESOLVED else notice.unacknowledged
        return left == 0

    def together(self, waiting: Sequence[Notice]) -> int:
        """What is of the first one's kind and incident: an event is of one."""
        first = waiting[0]
        return len(list(takewhile(lambda n: (n.kind, n.incident) == (first.kind, first.incident), waiting)))

    def urgent(self, waiting: Sequence[Notice]) -> bool:
        """As soon as there is somebody to page."""
        return any(notice.kind is NoticeKind.FIRING for notice in waiting)

    def message(self, notices: Sequence[Notice], page: str) -> Message:
        """The event for these notices, all of one kind and incident."""
        first = notices[0]
        body: dict[str, Any] = {
            "routing_key": self.routing_key,
            "event_action": _ACTIONS[first.kind],
            "dedup_key": f"{first.incident}-{self.origin}"[:LONGEST_KEY],
        }
        if first.kind is NoticeKind.FIRING:
            body |= {
                "payload": self._payload(notices),
                "links": [{"href": first.link(page), "text": "The page at that time"}],
                "client": "METIS LLM resilience",
                "client_url": page,
            }
        return Message(self.url, body, (self.routing_key,))

    def _payload(self, notices: Sequence[Notice]) -> dict[str, Any]:
        first = notices[0]
        titles = "; ".join(summary(notice) for notice in notices)
        return {
            "summary": titles[:LONGEST_SUMMARY],
            "source": self.source,
            "severity": _SEVERITIES[first.rule.severity],
            "timestamp": stamp(first.firing_at),
            "component": "llm-chain",
            "group": first.incident,
            "class": first.rule.name,
            "custom_details": {notice.rule.name: _details(notice) for notice in notices[:MOST_SHOWN]},
        }


def _details(notice: Notice) -> dict[str, str]:
    rule = notice.rule
    return {
        "value": spelled(rule.metric, notice.value),
        "condition": condition(rule),
        "since": stamp(notice.since),
        "runbook": rule.runbook,
        "action": rule.action,
    }
