"""Posting to receivers on real sockets: what is worth another try, how long it may take, and what is shown of it."""

import logging
import threading
from datetime import UTC, datetime

import pytest

from dashboard.notify.channel import Message, secret_parts
from dashboard.notify.sending import Outcome, post, retry_after_s
from tests.dashboard.alert_kit import receiver

SECRET = "/services/T00000000/B00000000/XXXXXXXXXXXX"


def test_a_message_arrives_as_json() -> None:
    with receiver() as hook:
        outcome = post(Message(f"{hook.url}{SECRET}", {"text": "🔥 <>"}))

        assert outcome == Outcome(sent=True)
        assert (hook.bodies, hook.paths) == ([{"text": "🔥 <>"}], [SECRET])


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (500, True),
        (503, True),
        (429, True),
        (408, True),
        (400, False),
        (403, False),
        (404, False),
        (410, False),
        (302, False),
    ],
)
def test_what_may_get_better_is_tried_again_and_what_will_not_is_not(status: int, again: bool) -> None:
    with receiver() as hook:
        hook.answers = [(status, {"location": f"{hook.url}/elsewhere"}, "no")]

        outcome = post(Message(f"{hook.url}{SECRET}", {}))

        assert (outcome.sent, outcome.again, outcome.words) == (False, again, f"answered {status} (no)")
        assert len(hook.bodies) == 1


def test_retry_after_is_passed_on_where_another_try_is_worth_it() -> None:
    with receiver() as hook:
        hook.answers = [(429, {"retry-after": "7"}, ""), (400, {"retry-after": "7"}, "")]

        assert post(Message(hook.url, {})).wait_s == 7.0
        assert post(Message(hook.url, {})).wait_s is None


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("30", 30.0),
        ("Mon, 02 Mar 2026 00:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 00:01:00 GMT", 0.0),
        ("99999999", 600.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_bounded(text: str | None, wait_s: float | None) -> None:
    assert retry_after_s(text, datetime(2026, 3, 2, tzinfo=UTC)) == wait_s


def test_a_receiver_that_hangs_is_left_after_the_limit() -> None:
    with receiver() as hook:
        hook.hang = threading.Event()

        outcome = post(Message(f"{hook.url}{SECRET}", {}), limit_s=0.2)

    assert outcome == Outcome(sent=False, again=True, words="no answer within 0.2 s")


def test_nobody_there_is_worth_another_try_and_its_error_shows_no_address() -> None:
    with receiver() as hook:
        url = f"{hook.url}{SECRET}"

    outcome = post(Message(url, {}))

    assert outcome == Outcome(sent=False, again=True, words="ConnectError")


def test_a_receiver_that_repeats_the_secret_does_not_get_it_shown_nor_does_the_client_log_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with receiver() as hook, caplog.at_level(logging.DEBUG):
        url = f"{hook.url}{SECRET}?token=another-secret"
        body = f"no {url}, {SECRET}, B00000000, XXXX\u200bXXXXXXXX, token=another-secret, key-of-32-letters \x1b[31m"
        hook.answers = [(404, {}, body)]

        outcome = post(Message(url, {"routing_key": "key-of-32-letters"}, (*secret_parts(url), "key-of-32-letters")))

    shown = outcome.words + caplog.text
    for secret in ("services", "T00000000", "B00000000", "XXXXXXXXXXXX", "another-secret", "key-of-32", "\x1b"):
        assert secret not in shown
    assert outcome.words.startswith("answered 404 (no ***")
