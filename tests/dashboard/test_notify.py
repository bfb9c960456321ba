"""What is told, when, to whom, and how it looks: values only."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from dashboard.alerts.evaluate import Phase
from dashboard.alerts.ledger import Ledger
from dashboard.alerts.silences import Acknowledgement, Silence
from dashboard.live.span import parse_utc
from dashboard.notify.channel import Channel, message_id
from dashboard.notify.incident import Incident, incidents, limited
from dashboard.notify.notice import Notice, NoticeKind, news
from dashboard.notify.outbox import LONGEST_WAIT_S, MOST_MESSAGES, WINDOW, Outbox
from dashboard.notify.pagerduty import PagerDuty
from dashboard.notify.slack import Slack
from dashboard.notify.webhook import Webhook
from tests.dashboard.alert_kit import ERRORS, EXHAUSTED, PAGE, SLOW, at, evaluation, fired, resolved

NOTHING = Ledger()
INCIDENT = Incident(at(10), ("slow",), ("slow",))
SLACK = Slack("https://hooks.slack.com/services/T00/B00/secret-of-slack")
PAGER = PagerDuty("0123456789abcdef0123456789abcdef", "host-1:backend_live.log", "c0ffee00")
HOOK = Webhook("https://hooks.example.org/in?token=secret-of-hook")

# developer.pagerduty.com, "Send an Alert Event": the fields of an event, and what they may be.
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "properties": {"href": {"type": "string", "pattern": "^https?://"}, "text": {"type": "string"}},
            },
        },
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}


def notice(kind: NoticeKind = NoticeKind.FIRING, **more: Any) -> Notice:
    given = {"rule": ERRORS, "value": 0.5, "since": at(10), "firing_at": at(310), "incident": "metis-1"} | more
    return Notice(kind, given.pop("at", at(310)), **given)


# Incidents


def test_alerts_that_overlap_are_one_incident_named_after_the_first_one_s_time() -> None:
    changes = [fired("slow", 10), fired("errors", 20), resolved("slow", 30, 10), resolved("errors", 40, 20)]

    [one] = incidents(changes)

    assert one == Incident(at(10), (), ("slow", "errors"), at(40))
    assert one.id == "metis-20260302T000010Z"


def test_an_incident_that_one_alert_leaves_as_another_comes_goes_on() -> None:
    changes = [fired("slow", 10), resolved("slow", 30, 10), fired("errors", 30), resolved("errors", 40, 30)]

    assert [(each.start_at, each.end_at) for each in incidents(changes)] == [(at(10), at(40))]


def test_after_its_end_another_incident_begins() -> None:
    changes = [fired("slow", 10), resolved("slow", 30, 10), fired("slow", 40)]

    assert [(each.start_at, each.end_at) for each in incidents(changes)] == [(at(10), at(30)), (at(40), None)]


@pytest.mark.parametrize("cut", range(5))
def test_incidents_are_the_same_however_the_changes_are_cut(cut: int) -> None:
    changes = [fired("slow", 10), fired("errors", 20), resolved("slow", 30, 10), resolved("errors", 40, 20)]

    first = incidents(changes[:cut])
    second = incidents(changes[cut:], first[-1] if first else None)

    assert (second or first)[-1] == incidents(changes)[-1]


def test_an_incident_of_rules_that_are_gone_is_gone() -> None:
    two = Incident(at(10), ("slow", "old"), ("slow", "old"))

    assert limited(two, ["slow"]) == replace(two, active=("slow",))
    assert limited(two, ["errors"]) is None


# What there is to tell


def test_an_alert_is_told_once_when_it_fires_and_once_when_it_is_over() -> None:
    told, first = news({}, evaluation(10, slow=10), INCIDENT, NOTHING, at(12))
    told, again = news(told, evaluation(20, slow=10), INCIDENT, NOTHING, at(22))
    told, last = news(told, evaluation(30), None, NOTHING, at(32))

    assert [(n.kind, n.rule.name, n.incident) for n in first] == [(NoticeKind.FIRING, "slow", INCIDENT.id)]
    assert again == ()
    assert [(n.kind, n.rule.name, n.incident) for n in last] == [(NoticeKind.RESOLVED, "slow", INCIDENT.id)]
    assert told == {}


def test_an_alert_whose_data_stopped_is_not_told_to_be_over() -> None:
    told, _ = news({}, evaluation(10, slow=10), INCIDENT, NOTHING, at(12))
    blind = evaluation(20, slow=10)
    alerts = dict(blind.alerts) | {"slow": replace(blind.alerts["slow"], phase=Phase.NO_DATA, value=None)}

    assert news(told, replace(blind, alerts=alerts), INCIDENT, NOTHING, at(22))[1] == ()


def test_one_that_went_and_came_back_unseen_is_told_as_both() -> None:
    told, _ = news({}, evaluation(10, slow=10), INCIDENT, NOTHING, at(12))

    _, notices = news(told, evaluation(600, slow=500), INCIDENT, NOTHING, at(602))

    assert [n.kind for n in notices] == [NoticeKind.RESOLVED, NoticeKind.FIRING]


def test_a_silenced_alert_is_told_when_the_silence_ends_and_it_still_fires() -> None:
    quiet = Ledger(silences=(Silence("1", "slow", at(100), "olga", "why", at(0)),))

    told, under = news({}, evaluation(10, slow=10), INCIDENT, quiet, at(99.9))
    _, after = news(told, evaluation(100, slow=10), INCIDENT, quiet, at(100))

    assert under == ()
    assert [(n.kind, n.firing_at) for n in after] == [(NoticeKind.FIRING, at(10))]


def test_an_alert_that_came_and_went_under_a_silence_is_never_told() -> None:
    quiet = Ledger(silences=(Silence("1", "*", at(100), "olga", "why", at(0)),))

    told, _ = news({}, evaluation(10, slow=10), INCIDENT, quiet, at(12))

    assert news(told, evaluation(120), None, quiet, at(122)) == ({}, ())


def test_what_was_told_is_told_to_be_over_silence_or_not() -> None:
    told, _ = news({}, evaluation(10, slow=10), INCIDENT, NOTHING, at(12))
    quiet = Ledger(silences=(Silence("1", "*", at(100), "olga", "why", at(15)),))

    assert [n.kind for n in news(told, evaluation(20), None, quiet, at(22))[1]] == [NoticeKind.RESOLVED]


def test_an_acknowledgement_is_told_once_and_only_of_its_own_alert() -> None:
    told, _ = news({}, evaluation(10, errors=10), INCIDENT, NOTHING, at(12))
    acks = (
        Acknowledgement("errors", at(5), "vera", "another one", at(6)),
        Acknowledgement("errors", at(10), "vera", "on it", at(15)),
    )

    told, notices = news(told, evaluation(20, errors=10), INCIDENT, Ledger(acknowledgements=acks), at(22))
    _, again = news(told, evaluation(30, errors=10), INCIDENT, Ledger(acknowledgements=acks), at(32))

    assert [(n.kind, n.actor, n.reason, n.unacknowledged) for n in notices] == [
        (NoticeKind.ACKNOWLEDGED, "vera", "on it", 0)
    ]
    assert again == ()


def test_each_notice_knows_how_many_critical_alerts_of_its_incident_last() -> None:
    told, first = news({}, evaluation(10, errors=10, exhausted=10, slow=10), INCIDENT, NOTHING, at(12))
    told, one_less = news(told, evaluation(20, errors=10, slow=10), INCIDENT, NOTHING, at(22))
    _, none = news(told, evaluation(30, slow=10), INCIDENT, NOTHING, at(32))

    assert [(n.rule.name, n.open_critical) for n in first] == [("exhausted", 2), ("errors", 2), ("slow", 2)]
    assert [(n.rule.name, n.open_critical, PAGER.takes(n)) for n in one_less] == [("exhausted", 1, False)]
    assert [(n.rule.name, n.open_critical, PAGER.takes(n)) for n in none] == [("errors", 0, True)]


# The outbox


def test_what_has_been_begun_stays_one_message_until_it_is_sent() -> None:
    one, two = notice(), notice(rule=SLOW)
    box = Outbox().with_notices([one]).tried(1).with_notices([two]).failed(at(0), None, random.Random(1))

    box = box.tried(2)

    assert box.batch == (one,)
    assert message_id(box.batch) == message_id([one]) != message_id([one, two])
    assert box.sent(at(9)).waiting == (two,)


def test_waits_double_with_chance_and_end_at_the_longest() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    box = Outbox(waiting=(notice(),), begun=1)
    for tries in range(1, 15):
        box = box.failed(at(0), None, rng)
        assert box.next_at is not None
        wait_s = (box.next_at - at(0)).total_seconds()
        longest_s = min(LONGEST_WAIT_S, 2.0**tries)
        assert longest_s / 2 <= wait_s <= longest_s
        assert not box.due(box.next_at - timedelta(microseconds=1), urgent=True)
        assert box.due(box.next_at, urgent=False)


def test_a_receiver_s_wish_to_wait_is_kept_and_a_wish_for_no_wait_is_not() -> None:
    box = Outbox(waiting=(notice(),), begun=1)

    assert box.failed(at(0), 77.0, random.Random(1)).next_at == at(77)
    assert (box.failed(at(0), 0.0, random.Random(1)).next_at or at(0)) >= at(1)


def test_more_messages_than_the_limit_wait_and_are_summed_up_unless_they_are_urgent() -> None:
    box = Outbox()
    for number in range(MOST_MESSAGES):
        box = box.with_notices([notice()])
        assert box.due(at(number), urgent=False)
        box = box.tried(1).sent(at(number))

    box = box.with_notices([notice(), notice(rule=SLOW)])

    assert not box.due(at(60), urgent=False)
    assert box.due(at(60), urgent=True)
    assert box.due(at(0) + WINDOW, urgent=False)
    assert SLACK.together(box.waiting) == HOOK.together(box.waiting) == 2


def test_a_page_is_never_held_back_even_behind_an_end() -> None:
    waiting = [notice(NoticeKind.RESOLVED), notice(incident="metis-2")]

    assert PAGER.urgent(waiting)
    assert not PAGER.urgent(waiting[:1])
    assert not SLACK.urgent(waiting)
    assert PAGER.together(waiting) == 1


# Messages


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("count", [1, 50])
def test_every_pagerduty_event_is_what_its_documentation_asks_for(kind: NoticeKind, count: int) -> None:
    body = PAGER.message([notice(kind)] * count, PAGE).body

    jsonschema.Draft202012Validator(EVENT).validate(body)
    assert body["dedup_key"] == "metis-1-c0ffee00"


def test_a_page_says_value_threshold_since_when_runbook_action_and_link() -> None:
    body = PAGER.message([notice(), notice(rule=EXHAUSTED, value=3.0)], PAGE).body

    assert body["event_action"] == "trigger"
    assert body["payload"]["severity"] == "critical"
    assert body["payload"]["custom_details"]["errors"] == {
        "value": "50 %",
        "condition": "> 10 % for 5:00",
        "since": "2026-03-02T00:00:10Z",
        "runbook": "§6",
        "action": "Look.",
    }
    assert body["payload"]["custom_details"]["exhausted"]["value"] == "3"
    assert body["links"][0]["href"] == f"{PAGE}/?live.from=2026-03-01T23:55:10Z&live.to=2026-03-02T00:10:10Z"


def test_two_logs_incidents_of_the_same_moment_are_two_in_pagerduty() -> None:
    other = replace(PAGER, origin="00c0ffee")

    assert PAGER.message([notice()], PAGE).body["dedup_key"] != other.message([notice()], PAGE).body["dedup_key"]


def test_warnings_page_nobody_and_are_told_everywhere_else() -> None:
    one = notice(rule=SLOW)

    assert [channel.takes(one) for channel in (PAGER, SLACK, HOOK)] == [False, True, True]


def test_a_slack_message_says_all_of_it_and_no_text_becomes_markup_of_another_s() -> None:
    rule = replace(EXHAUSTED, title="<!channel> a & b", action="See <http://evil|here>.")

    body = SLACK.message([notice(rule=rule, value=3.0)], PAGE).body
    [header, section] = body["blocks"]

    assert header["text"]["text"] == "🔥 FIRING critical: <!channel> a & b"  # plain_text: Slack reads no markup in it
    assert section["text"]["text"].splitlines() == [
        "🔥 *&lt;!channel&gt; a &amp; b* (critical, `exhausted`)",
        "FIRING critical: &lt;!channel&gt; a &amp; b, 3 &gt; 0, since 2026-03-02T00:00:10Z",
        "Runbook: All Providers Failing",
        "To do: See &lt;http://evil|here&gt;.",
        f"<{PAGE}/?live.from=2026-03-01T23:55:10Z&amp;live.to=2026-03-02T00:10:10Z|The page at that time>"
        " · incident `metis-1`",
    ]
    assert "<" not in body["text"]
    assert "FIRING critical: &lt;!channel&gt; a &amp; b, 3 &gt; 0, since 2026-03-02T00:00:10Z" in body["text"]


def test_a_slack_message_keeps_within_slack_s_limits() -> None:
    long = replace(ERRORS, title="t" * 60, action="a" * 300, runbook="r" * 100)

    body = SLACK.message([notice(NoticeKind.ACKNOWLEDGED, rule=long, reason="&" * 200)] * 400, PAGE).body

    assert len(body["blocks"]) <= 50
    assert all(len(b["text"]["text"]) <= 3000 for b in body["blocks"] if b["type"] == "section")
    assert len(body["blocks"][0]["text"]["text"]) <= 150
    assert "380 more changes" in body["blocks"][-1]["elements"][0]["text"]


def test_a_message_is_headed_by_the_worst_of_its_changes() -> None:
    mixed = [notice(rule=SLOW), notice(), notice(NoticeKind.RESOLVED, at=at(900)), notice(rule=SLOW, at=at(900))]

    assert SLACK.message(mixed, PAGE).body["blocks"][0]["text"]["text"] == "🔥 FIRING critical: Error rate (+3 more)"


def test_the_webhook_s_document_has_each_change_whole() -> None:
    body = HOOK.message([notice(NoticeKind.ACKNOWLEDGED, actor="vera", reason="on it")], PAGE).body

    assert body == {
        "version": 1,
        "id": body["id"],
        "incident": "metis-1",
        "changes": [
            {
                "kind": "acknowledged",
                "at": "2026-03-02T00:05:10Z",
                "incident": "metis-1",
                "rule": "errors",
                "title": "Error rate",
                "severity": "critical",
                "metric": "error_rate",
                "value": 0.5,
                "comparison": ">",
                "threshold": 0.1,
                "condition": "> 10 % for 5:00",
                "since": "2026-03-02T00:00:10Z",
                "firing_at": "2026-03-02T00:05:10Z",
                "runbook": "§6",
                "action": "Look.",
                "link": f"{PAGE}/?live.from=2026-03-01T23:55:10Z&live.to=2026-03-02T00:10:10Z",
                "actor": "vera",
                "reason": "on it",
            }
        ],
    }


def test_the_page_reads_the_times_of_a_link() -> None:
    query = notice().link(PAGE).partition("?")[2]

    assert [parse_utc(pair.partition("=")[2]) for pair in query.split("&")] == [at(-290), at(610)]


@pytest.mark.parametrize("channel", [SLACK, PAGER, HOOK])
def test_no_secret_is_in_what_a_channel_or_a_message_looks_like(channel: Channel) -> None:
    shown = f"{channel!r} {channel.host} {channel.message([notice()], PAGE)!r}"

    for secret in ("secret-of-slack", "0123456789abcdef", "secret-of-hook", "services"):
        assert secret not in shown
