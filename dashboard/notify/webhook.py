"""A JSON document for whatever else listens; docs/alerts.md describes each field."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.alerts.words import condition, stamp
from dashboard.notify.channel import Message, host_of, message_id, secret_parts
from dashboard.notify.notice import Notice

VERSION = 1


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that takes the document; it may hold a token, so it is a secret."""

    url: str = field(repr=False)
    name: str = "webhook"

    @property
    def host(self) -> str:
        """Where its messages go."""
        return host_of(self.url)

    def takes(self, notice: Notice) -> bool:  # noqa: ARG002 (it is told of everything)
        """Everything."""
        return True

    def together(self, waiting: Sequence[Notice]) -> int:
        """All of it."""
        return len(waiting)

    def urgent(self, waiting: Sequence[Notice]) -> bool:  # noqa: ARG002
        """Nothing: nobody is paged by it."""
        return False

    def message(self, notices: Sequence[Notice], page: str) -> Message:
        """The document for these notices."""
        document = {
            "version": VERSION,
            "id": message_id(notices),
            "incident": notices[-1].incident,
            "changes": [_change(notice, page) for notice in notices],
        }
        return Message(self.url, document, secret_parts(self.url))


def _change(notice: Notice, page: str) -> dict[str, Any]:
    rule = notice.rule
    return {
        "kind": str(notice.kind),
        "at": stamp(notice.at),
        "incident": notice.incident,
        "rule": rule.name,
        "title": rule.title,
        "severity": str(rule.severity),
        "metric": str(rule.metric),
        "value": notice.value,
        "comparison": str(rule.comparison),
        "threshold": rule.threshold,
        "condition": condition(rule),
        "since": stamp(notice.since),
        "firing_at": stamp(notice.firing_at),
        "runbook": rule.runbook,
        "action": rule.action,
        "link": notice.link(page),
        "actor": notice.actor,
        "reason": notice.reason,
    }
