"""Messages for a Slack incoming webhook: blocks, and plain text for clients that show none.

Source: docs.slack.dev, "Incoming webhooks", "Formatting message text" (which characters are escaped), "Block Kit" (a
header has at most 150 characters, a section's text 3,000, a message 50 blocks).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.alerts.words import clock, condition, spelled, stamp
from dashboard.notify.channel import MOST_SHOWN, Message, ToldOfAll, secret_parts
from dashboard.notify.notice import Notice, NoticeKind

_SIGNS = {NoticeKind.FIRING: "🔥", NoticeKind.ACKNOWLEDGED: "👀", NoticeKind.RESOLVED: "✅"}


@dataclass(frozen=True, slots=True)
class Slack(ToldOfAll):
    """A channel in Slack."""

    name: str = "slack"

    def message(self, notices: Sequence[Notice], page: str) -> Message:
        """The message for these notices."""
        title = headline(notices)
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": title[:150], "emoji": True}}
        ]
        blocks += [
            {"type": "section", "text": {"type": "mrkdwn", "text": _section(notice, page)[:3000]}}
            for notice in notices[:MOST_SHOWN]
        ]
        if len(notices) > MOST_SHOWN:
            words = f"and {len(notices) - MOST_SHOWN} more changes: see the page"
            blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": words}]})
        fallback = "\n".join([title, *(summary(notice) for notice in notices[:MOST_SHOWN])])
        return Message(self.url, {"text": escaped(fallback), "blocks": blocks}, secret_parts(self.url))


def headline(notices: Sequence[Notice]) -> str:
    """The worst of them in a few words, the newest of several, and how many others there are."""
    worst = max(notices, key=lambda notice: (notice.kind is NoticeKind.FIRING, notice.critical, notice.at))
    more = f" (+{len(notices) - 1} more)" if len(notices) > 1 else ""
    return f"{_SIGNS[worst.kind]} {worst.kind.upper()} {worst.rule.severity}: {worst.rule.title}{more}"


def summary(notice: Notice) -> str:
    """A notice on one plain line."""
    rule = notice.rule
    measured = f"{spelled(rule.metric, notice.value)} {condition(rule)}"
    if notice.kind is NoticeKind.RESOLVED:
        lasted = clock((notice.at - notice.firing_at).total_seconds())
        return f"RESOLVED {rule.severity}: {rule.title}, fired {stamp(notice.firing_at)}, lasted {lasted}"
    if notice.kind is NoticeKind.ACKNOWLEDGED:
        return f"ACKNOWLEDGED {rule.severity}: {rule.title}, by {notice.actor}: {notice.reason}"
    return f"FIRING {rule.severity}: {rule.title}, {measured}, since {stamp(notice.since)}"


def escaped(text: str) -> str:
    """Text in which Slack finds no link and no mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(notice: Notice, page: str) -> str:
    rule = notice.rule
    lines = [f"{_SIGNS[notice.kind]} *{escaped(rule.title)}* ({rule.severity}, `{rule.name}`)"]
    lines.append(escaped(summary(notice)))
    if notice.kind is NoticeKind.FIRING:
        if rule.runbook:
            lines.append(f"Runbook: {escaped(rule.runbook)}")
        if rule.action:
            lines.append(f"To do: {escaped(rule.action)}")
    lines.append(f"<{escaped(notice.link(page))}|The page at that time> · incident `{notice.incident}`")
    return "\n".join(lines)
