"""A JSON document for whatever else listens; docs/alerts.md describes each field."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.alerts.words import condition, stamp
from dashboard.notify.channel import Message, ToldOfAll, message_id, secret_parts
from dashboard.notify.notice import Notice

VERSION = 1


@dataclass(frozen=True, slots=True)
class Webhook(ToldOfAll):
    """An address that takes the document."""

    name: str = "webhook"

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
