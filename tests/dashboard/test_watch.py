"""`python -m dashboard watch | alerts | silence | acknowledge` as processes, over a log that grows, to real receivers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dashboard import watch
from dashboard.__main__ import main
from dashboard.ingest_status import IngestStatus, SourceStatus
from dashboard.store import Store
from dashboard.tailed_file import FileState
from resilience.events import Event, Origin, ProvidersInitialized, RequestFinished, RequestStatus, to_line
from tests.dashboard.alert_kit import SAMPLES, Receiver, receiver

HERE = Origin("metis", "host-1", 7)
KEY = "0123456789abcdef0123456789abcdef"
SECRETS = ("slack-secret-path", "hook-secret-token", KEY)
# Moments a second apart, and an end as soon as the failure is older than two: an outage within a test's patience.
QUICK = """
interval_s = 1
[rule.all_providers_exhausted]
window_s = 2
keep_firing_s = 0
[rule.error_rate]
enabled = false
[rule.log_stale]
enabled = false
"""


def request(status: RequestStatus) -> RequestFinished:
    provider = "openrouter" if status is RequestStatus.SUCCESS else None
    return RequestFinished(
        request_id="r-1", status=status, provider=provider, attempts=4, fallbacks=3, total_ms=900.0, wasted_ms=800.0
    )


class Place:
    """A folder with a log, rules, and an environment in which `watch` tells three receivers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "live.log"
        self.rules = folder / "rules.toml"
        self.rules.write_text(QUICK)
        self.log.touch()
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("METIS_")}
        self.environ |= {
            "METIS_DASHBOARD_LOG": str(self.log),
            "METIS_DASHBOARD_RULES": str(self.rules),
            "METIS_DASHBOARD_STORE": str(folder / "store"),
            "PYTHONWARNINGS": "error",
        }

    def write(self, *events: Event) -> None:
        with self.log.open("a") as file:
            file.writelines(to_line(event, time.time(), HERE) for event in events)

    def outage(self) -> None:
        """A request that nobody answered, now."""
        self.write(ProvidersInitialized(order=("openrouter", "anthropic")), request(RequestStatus.EXHAUSTED))

    def recovery(self) -> None:
        """A request that was answered, now."""
        self.write(request(RequestStatus.SUCCESS))

    def channels(self, pagerduty: Receiver, slack: Receiver | None = None, hook: Receiver | None = None) -> None:
        self.environ |= {
            "METIS_ALERT_PAGERDUTY_ROUTING_KEY": KEY,
            "METIS_ALERT_PAGERDUTY_URL": f"{pagerduty.url}/v2/enqueue",
        }
        if slack is not None:
            self.environ["METIS_ALERT_SLACK_WEBHOOK_URL"] = f"{slack.url}/services/slack-secret-path"
        if hook is not None:
            self.environ["METIS_ALERT_WEBHOOK_URL"] = f"{hook.url}/in?token=hook-secret-token"

    @contextmanager
    def watching(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """`watch`, from the moment at which it watches."""
        outputs = [(self.folder / name).open("a+") for name in ("out", "err")]
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "watch", *arguments],
            env=self.environ, cwd=SAMPLES.parent, text=True, stdout=outputs[0], stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            outputs[1].write(first)
            assert first.startswith("watching "), first + process.stderr.read()
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            outputs[1].write(process.communicate(timeout=20)[1])
            for output in outputs:
                output.close()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dashboard", *arguments],
            env=self.environ, cwd=SAMPLES.parent, text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def typed(self, *arguments: str) -> Result:
        """The same in this process, for what needs none of its own."""
        return CliRunner().invoke(main, arguments, env=self.environ)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def ended(process: subprocess.Popen[str], number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(20)


def actions(found: Receiver) -> list[tuple[str, str]]:
    return [(body["event_action"], body["dedup_key"]) for body in found.bodies]


def test_an_outage_is_paged_and_its_end_told_over_a_kill_in_between_once_each(place: Place) -> None:
    with receiver() as pagerduty:
        place.channels(pagerduty)
        with place.watching() as process:
            place.outage()
            pagerduty.wait_for(1)
            state = place.folder / "store" / next((place.folder / "store").glob("*.watch.json"))
            _until(lambda: '"waiting":[]' in state.read_text())
            assert ended(process, signal.SIGKILL) == -signal.SIGKILL
        with place.watching() as process:
            place.recovery()
            pagerduty.wait_for(2)
            place.recovery()
            assert ended(process, signal.SIGTERM) == 0

    [(first, key), (second, same)] = actions(pagerduty)
    assert (first, second) == ("trigger", "resolve")
    assert key == same
    out = place.text("out")
    assert out.count(" FIRING critical all_providers_exhausted ") == 1
    assert out.count(" RESOLVED critical all_providers_exhausted ") == 1


def test_killed_while_a_page_is_on_its_way_it_pages_again_under_the_same_key(place: Place) -> None:
    with receiver() as pagerduty:
        pagerduty.answers = [(503, {"retry-after": "3600"}, "")]
        place.channels(pagerduty)
        with place.watching() as process:
            place.outage()
            pagerduty.wait_for(1)
            assert ended(process, signal.SIGKILL) == -signal.SIGKILL
        # Killed before it had read the answer, or after: then it would keep the receiver's wish for an hour.
        state = next((place.folder / "store").glob("*.watch.json"))
        kept = json.loads(state.read_text())
        kept["outboxes"]["pagerduty"]["next_at"] = None
        state.write_text(json.dumps(kept))
        with place.watching() as process:
            pagerduty.wait_for(2)
            assert ended(process, signal.SIGINT) == 0

    assert len(set(actions(pagerduty)[:2])) == 1
    assert actions(pagerduty)[0][0] == "trigger"


def test_no_secret_is_in_any_output_nor_readable_by_others(place: Place) -> None:
    with receiver() as pagerduty, receiver() as slack, receiver() as hook:
        pagerduty.answers = [(400, {}, f"bad {KEY}")]
        slack.answers = [(404, {}, "cannot POST /services/slack-secret-path")]
        hook.answers = [(503, {}, "no token hook-secret-token")] * 50
        place.channels(pagerduty, slack, hook)
        with place.watching() as process:
            place.outage()
            for each in (pagerduty, slack, hook):
                each.wait_for(1)
            _until(lambda: _waiting(place) == {"pagerduty": 0, "slack": 0, "webhook": 1})
            assert ended(process, signal.SIGTERM) == 0
        dry = place.run("watch", "--once", "--dry-run", str(SAMPLES / "all_down.log"))

    said = place.text("out") + place.text("err") + dry.stdout + dry.stderr
    assert "slack (127.0.0.1) answered 404 (cannot POST ***)" in said
    assert dry.stdout.count('"channel": "pagerduty"') == 3
    for secret in SECRETS:
        assert secret not in said
        for file in (place.folder / "store").iterdir():
            assert secret.encode() not in file.read_bytes(), file
    assert {f.stat().st_mode & 0o077 for f in (place.folder / "store").glob("*.json")} == {0}


def test_a_second_watch_over_the_same_logs_is_refused(place: Place) -> None:
    with place.watching() as process:
        second = place.run("watch")
        assert ended(process, signal.SIGTERM) == 0

    assert second.returncode == 2
    assert "error: another `watch` runs over these logs" in second.stderr


def test_a_dry_run_beside_it_prints_and_leaves_the_state_alone(place: Place) -> None:
    with place.watching("--dry-run") as process:
        place.outage()
        _until(lambda: '"event_action": "trigger"' in place.text("out"))
        assert ended(process, signal.SIGTERM) == 0

    assert list((place.folder / "store").glob("*.watch.json*")) == []


def test_once_prints_every_change_sends_nothing_and_ends(place: Place) -> None:
    with receiver() as pagerduty:
        place.channels(pagerduty)
        del place.environ["METIS_DASHBOARD_RULES"]
        done = place.run("watch", "--once", str(SAMPLES / "all_down.log"))

        assert pagerduty.bodies == []
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(" FIRING ") == done.stdout.count(" RESOLVED ") == 6
    assert "channel" not in done.stdout


def test_a_step_that_fails_is_told_and_tried_again_and_what_waits_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop, delivered = threading.Event(), list[datetime]()

    class Failing:
        store = Store.open(None)
        failures = 2

        def evaluate(self, now: datetime) -> None:
            self.failures -= 1
            if self.failures >= 0:
                raise OSError(28, "No space left on device")
            stop.set()

        def deliver(self, now: datetime) -> None:
            delivered.append(now)

    class Reading:
        def status(self) -> IngestStatus:
            source = SourceStatus("live.log", "", 0, 0, FileState.FOLLOWING, "", None, None)
            return IngestStatus((source,))

    monkeypatch.setattr(watch, "TROUBLE_S", 0.001)

    watch._loop(Failing(), Reading(), stop)  # type: ignore[arg-type]

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "no event yet: nothing can be evaluated before the first"
    assert [line.partition(": trying")[0] for line in said[1:]] == [
        "a step failed (OSError: [Errno 28] No space left on device)"
    ] * 2
    assert len(delivered) == 3
    Failing.store.close()


def test_a_log_that_cannot_be_stored_is_told_and_nothing_is_evaluated_meanwhile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop, evaluated = threading.Event(), list[datetime]()
    source = SourceStatus("live.log", "", 0, 0, FileState.FOLLOWING, "", None, None)
    full = IngestStatus((source,), trouble="IOException: no space")
    statuses = [full, full, IngestStatus((source,))]

    class Counting:
        store = Store.open(None)

        def evaluate(self, now: datetime) -> None:
            evaluated.append(now)
            stop.set()

        def deliver(self, now: datetime) -> None:
            assert evaluated == [] or not statuses

    class Reading:
        def status(self) -> IngestStatus:
            return statuses.pop(0)

    monkeypatch.setattr(watch, "TICK_S", 0.001)

    watch._loop(Counting(), Reading(), stop)  # type: ignore[arg-type]

    said = capsys.readouterr().err
    assert said.count("the log cannot be stored (IOException: no space)") == 1
    assert said.count("the log can be stored again") == 1
    assert len(evaluated) == 1
    Counting.store.close()


def test_bad_rules_and_settings_end_it_with_one_sentence(place: Place) -> None:
    place.rules.write_text("interval_s = 0\n")
    bad_rules = place.typed("watch")
    place.environ["METIS_ALERT_SLACK_WEBHOOK_URL"] = "slack-secret-path"
    bad_setting = place.typed("watch")

    assert (bad_rules.exit_code, bad_setting.exit_code) == (2, 2)
    assert "interval_s must be a whole number from 1 to 300, got 0" in bad_rules.stderr
    assert "METIS_ALERT_SLACK_WEBHOOK_URL must be" in bad_setting.stderr
    assert "slack-secret-path" not in bad_setting.stderr


def test_the_terminal_shows_silences_and_acknowledges_what_fires(place: Place) -> None:
    place.rules.write_text("[rule.log_stale]\nthreshold = 10\n")
    past = time.time() - 3600
    place.log.write_text(to_line(request(RequestStatus.EXHAUSTED), past, HERE))

    def alert() -> dict[str, Any]:
        found = json.loads(place.typed("alerts", "--json").stdout)
        return next(each for each in found["alerts"] if each["rule"] == "log_stale")

    assert (alert()["phase"], alert()["silenced_until"], alert()["acknowledged_by"]) == ("firing", None, None)
    ack = place.typed("acknowledge", "log_stale", "--reason", "on it", "--actor", "vera")
    begun = place.typed("silence", "start", "warning", "--for", "2h", "--reason", "upgrade", "--actor", "olga")
    assert (ack.exit_code, begun.exit_code) == (0, 0), ack.stderr + begun.stderr
    silence_id = begun.stdout.split()[1].rstrip(":")
    now = alert()
    assert (now["silenced_until"] is not None, now["acknowledged_by"], now["active"]) == (True, "vera", True)
    table = place.typed("alerts").stdout
    assert "acknowledged by vera, silenced until" in table
    assert silence_id in place.typed("silence", "list").stdout
    assert place.typed("silence", "end", silence_id, "--reason", "done", "--actor", "vera").exit_code == 0
    assert place.typed("silence", "list").stdout == ""
    audit = place.typed("silence", "list", "--audit").stdout.splitlines()
    assert [line.split("  ")[1] for line in audit] == ["vera", "olga", "vera"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("acknowledge", "error_rate", "--reason", "x"), "RULE must be one whose alert fires"),
        (
            ("silence", "start", "nothing", "--for", "1h", "--reason", "x"),
            "matcher must be one of *, critical, warning",
        ),
        (("silence", "start", "*", "--reason", "x"), "a silence needs either --for or --until"),
        (("silence", "start", "*", "--until", "soon", "--reason", "x"), "--until must be a UTC time such as"),
        (("silence", "start", "*", "--for", "40d", "--reason", "x"), "until must be after"),
        (("silence", "start", "*", "--for", "1h", "--reason", " "), "reason must be 1 to 200 printable characters"),
        (("silence", "end", "0000", "--reason", "x"), "ID must be of a silence that is in force"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(
    place: Place, arguments: tuple[str, ...], message: str
) -> None:
    done = place.typed(*arguments)

    assert done.exit_code == 2
    assert f"error: {message}" in done.stderr


def _waiting(place: Place) -> dict[str, int]:
    state = json.loads(next((place.folder / "store").glob("*.watch.json")).read_text())
    return {name: len(box["waiting"]) for name, box in sorted(state["outboxes"].items())}


def _until(true: Any, within_s: float = 20.0) -> None:
    """Waits for another process, which has no other way to tell."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)
