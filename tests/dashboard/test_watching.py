"""Watching step by step, over recorded logs and a clock of our own: the same as evaluating the past, whatever happens."""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from dashboard.alerts import keeping
from dashboard.alerts.evaluate import Change, Evaluation, Kind
from dashboard.alerts.ledger import acknowledge, end_silence, silence
from dashboard.alerts.reading import read_history
from dashboard.alerts.rulefile import load_rules
from dashboard.ingest import Ingest
from dashboard.notify.channel import Channel, Message
from dashboard.notify.pagerduty import PagerDuty
from dashboard.notify.senders import DryRun, ThreadSender
from dashboard.notify.sending import Outcome
from dashboard.notify.slack import Slack
from dashboard.notify.state import restore_state
from dashboard.notify.watching import Watcher
from dashboard.notify.webhook import Webhook
from dashboard.store import Store
from dashboard.window import Window
from resilience.events import from_line
from tests.dashboard.alert_kit import PAGE, SAMPLES, START, SameThread, at, receiver

RULES = load_rules()
CHANNELS: list[Channel] = [
    PagerDuty("0123456789abcdef0123456789abcdef", "host-1:all_down.log", "c0ffee00"),
    Slack("http://127.0.0.1:9/slack-secret"),
    Webhook("http://127.0.0.1:9/hook-secret"),
]


class Remembered:
    """A store that remembers what it was asked: the same log is evaluated many times here."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._found: dict[object, Any] = {}

    def read(self, metric: str, window: Window | None = None, at: datetime | None = None) -> pd.DataFrame:
        return self._once((metric, window, at), lambda: self.store.read(metric, window, at))

    def columns(self, metric: str, window: Window | None = None, at: datetime | None = None) -> pa.Table:
        return self._once(("columns", metric, window, at), lambda: self.store.columns(metric, window, at))

    def event_times(self, window: Window) -> list[datetime]:
        return self._once(window, lambda: self.store.event_times(window))

    def extent(self) -> tuple[datetime, datetime] | None:
        return self._once("extent", self.store.extent)

    def _once(self, key: object, ask: Callable[[], Any]) -> Any:
        if key not in self._found:
            self._found[key] = ask()
        return self._found[key]


@pytest.fixture(scope="module")
def all_down() -> Iterator[Remembered]:
    store = Store.open(None, keeps_lines=False)
    Ingest(store, [str(SAMPLES / "all_down.log")], follow=False).run_once()
    yield Remembered(store)
    store.close()


@dataclass
class Bench:
    """A watcher with its files, and what it said and sent."""

    store: Any
    folder: Path
    sender: Any = field(default_factory=SameThread)
    said: list[str] = field(default_factory=list)
    complained: list[str] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=lambda: list(CHANNELS))

    def watcher(self) -> Watcher:
        """As after a start: with the state that is on the disk."""
        file = self.folder / "watch.json"
        state, notice = restore_state(file, RULES)
        if notice:
            self.complained.append(notice)
        parts = (self.store, RULES, self.ledger, self.channels, self.sender, PAGE)
        return Watcher(*parts, self.said.append, self.complained.append, file, state)

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    def pages(self) -> list[str]:
        return [body["event_action"] for name, body in self.sender.sent if name == "pagerduty"]

    def told(self) -> list[tuple[str, str]]:
        """What the webhook was told, one by one."""
        documents = [body for name, body in self.sender.sent if name == "webhook"]
        return [(change["kind"], change["rule"]) for document in documents for change in document["changes"]]


def every(step_s: int, until_s: int = 1860, since_s: int = 0) -> list[datetime]:
    return [at(second) + timedelta(seconds=2) for second in range(since_s, until_s, step_s)]


# One code path


@pytest.mark.parametrize(
    ("name", "since_s", "until_s"),
    [
        ("all_down", 0, 1700),
        ("primary_down", 200, 1700),
        ("rate_limited", 300, 1500),
        ("flapping", 200, 1000),
        ("plain_backend", 0, 1700),
        ("mixed_day", 57_500, 59_000),
    ],
)
def test_watching_a_growing_log_gives_what_evaluating_the_past_one_gives(
    name: str, since_s: int, until_s: int, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    lines = _timed_lines(SAMPLES / f"{name}.log")
    beginning = lines[:20]  # says the order
    lines = beginning + [line for line in lines[20:] if since_s - 600 <= line[0] < until_s + 2]
    log = tmp_path / "growing.log"
    log.touch()
    store = Store.open(None, keeps_lines=False)
    live, lived = Evaluation(RULES), list[Change]()
    second = since_s
    while second < until_s:
        written = [text for at_s, text in lines if at_s < second + 2]
        lines = lines[len(written) :]
        with log.open("ab") as file:
            file.writelines(written)
        Ingest(store, [str(log)], follow=False).run_once()
        moments = live.moments(at(since_s), at(second))
        live, changes = live.advanced(read_history(store, RULES, moments), moments)
        lived += changes
        second += rng.choice((10, 50, 90, 130))  # as it comes: in time, or late

    moments = Evaluation(RULES).moments(at(since_s), live.at or START)
    past, all_at_once = Evaluation(RULES).advanced(read_history(store, RULES, moments), moments)
    store.close()

    assert any(change.kind is Kind.RESOLVED for change in lived)
    assert lived == list(all_at_once)
    assert live == past


def _timed_lines(path: Path) -> list[tuple[float, bytes]]:
    """The lines with their times in seconds since START; a line without one has that of the line before it."""
    found: list[tuple[float, bytes]] = []
    for line in path.read_bytes().splitlines(keepends=True):
        record = from_line(line.decode("utf-8", "replace"))
        if record is not None:
            at_s = (record.at - START).total_seconds()
        else:
            try:
                time = datetime.fromisoformat(line[:23].decode().replace(",", "."))
                at_s = (time.replace(tzinfo=UTC) - START).total_seconds()
            except ValueError:
                at_s = found[-1][0] if found else 0.0
        found.append((at_s, line))
    return found


# Told once


def test_a_recorded_outage_is_told_and_paged_from_beginning_to_end(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    watcher = bench.watcher()
    for now in every(10):
        watcher.step(now)

    assert bench.pages() == ["trigger", "trigger", "resolve"]
    assert bench.told() == [
        ("firing", "primary_circuit_open"),
        ("firing", "fallback_rate"),
        ("firing", "all_providers_exhausted"),
        ("firing", "response_time_p95"),
        ("firing", "all_circuits_open"),
        ("firing", "error_rate"),
        ("resolved", "response_time_p95"),
        ("resolved", "all_circuits_open"),
        ("resolved", "error_rate"),
        ("resolved", "all_providers_exhausted"),
        ("resolved", "primary_circuit_open"),
        ("resolved", "fallback_rate"),
    ]
    keys = {body["dedup_key"] for name, body in bench.sender.sent if name == "pagerduty"}
    assert keys == {"metis-20260302T000510Z-c0ffee00"}
    [line] = [line for line in bench.said if " FIRING critical error_rate " in line]
    assert line == (
        "2026-03-02T00:14:00Z FIRING critical error_rate 100 % > 10 % for 5:00 (pending since 2026-03-02T00:09:00Z)"
        " -- §6 Investigate Repeated Fallbacks: See the failure reasons; put a known good provider first."
    )
    assert bench.complained == []


def test_a_restart_between_any_two_steps_changes_nothing(all_down: Remembered, tmp_path: Path) -> None:
    whole, parts = Bench(all_down, tmp_path / "whole"), Bench(all_down, tmp_path / "parts")
    watcher = whole.watcher()
    for now in every(60):
        watcher.step(now)
        parts.watcher().step(now)

    assert parts.sender.sent == whole.sender.sent
    assert parts.said == whole.said


class _KilledError(BaseException):
    """The process has ended here: nothing after this point happens."""


@dataclass
class _Killer:
    """Ends the process at points where something has just been, or is about to be, made lasting or sent."""

    rng: random.Random
    share: float
    kills: Counter[str] = field(default_factory=Counter)

    def __call__(self, where: str) -> None:
        if self.rng.random() < self.share:
            self.kills[where] += 1
            raise _KilledError


@dataclass
class _MortalSender(SameThread):
    killer: _Killer

    def __post_init__(self) -> None:
        super().__init__()

    def begin(self, channel: Channel, message: Message) -> None:
        self.killer("before sending")
        super().begin(channel, message)
        self.killer("after sending")


@pytest.mark.parametrize("number", range(6))
def test_killed_anywhere_and_started_again_it_forgets_nothing_and_repeats_only_what_it_could_not_know(
    number: int, all_down: Remembered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    whole = Bench(all_down, tmp_path / "whole")
    watcher = whole.watcher()
    for now in every(60):
        watcher.step(now)
    killer = _Killer(random.Random(seed), 0.05 + 0.04 * number)
    mortal = Bench(all_down, tmp_path / "mortal", sender=_MortalSender(killer))
    fsync, replace = keeping.os.fsync, Path.replace
    monkeypatch.setattr(keeping.os, "fsync", lambda fd: (fsync(fd), killer("state written, not in place"))[0])

    def mortal_replace(path: Path, target: Path) -> Path:
        killer("before the state is in place")
        done = replace(path, target)
        killer("after the state is in place")
        return done

    monkeypatch.setattr(Path, "replace", mortal_replace)

    for now in every(60):
        while True:
            try:
                mortal.watcher().step(now)
                break
            except _KilledError:
                # A new process has a new sender, but what was sent was sent.
                mortal.sender._outcomes.clear()

    def ids(bench: Bench) -> list[tuple[str, str]]:
        return [(name, body.get("id") or str(body)) for name, body in bench.sender.sent]

    expected, found = Counter(ids(whole)), Counter(ids(mortal))
    repeated = sum(found.values()) - sum(expected.values())
    assert found.keys() == expected.keys()
    assert all(found[each] >= 1 for each in expected)
    assert repeated <= sum(n for where, n in killer.kills.items() if where != "before sending"), killer.kills
    if not killer.kills - Counter({"before sending": killer.kills["before sending"]}):
        assert repeated == 0


# Starts


def test_the_first_start_over_an_old_log_tells_what_is_active_now_and_nothing_else(
    all_down: Remembered, tmp_path: Path
) -> None:
    bench = Bench(all_down, tmp_path)

    bench.watcher().step(at(20 * 60 + 32))

    assert set(bench.told()) == {
        ("firing", "all_providers_exhausted"),
        ("firing", "primary_circuit_open"),
        ("firing", "fallback_rate"),
    }
    assert [line.split()[3] for line in bench.said] == [
        "primary_circuit_open",
        "fallback_rate",
        "all_providers_exhausted",
    ]
    assert bench.pages() == ["trigger"]
    assert {body["dedup_key"] for name, body in bench.sender.sent if name == "pagerduty"} == {
        "metis-20260302T000510Z-c0ffee00"  # of the first alert's time, long before the start
    }


def test_what_came_and_went_while_nobody_watched_is_printed_as_missed_and_not_sent(
    all_down: Remembered, tmp_path: Path
) -> None:
    bench = Bench(all_down, tmp_path)
    bench.watcher().step(at(200))

    bench.watcher().step(at(40 * 60))  # and by then the log has been quiet for ten minutes

    assert bench.told() == []
    missed = [line for line in bench.said if "[missed: nobody watched]" in line]
    assert len([line for line in missed if " FIRING " in line]) == 6
    assert len([line for line in missed if " RESOLVED " in line]) == 6


def test_what_came_and_went_within_the_last_minutes_is_sent(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    bench.watcher().step(at(5 * 60))

    bench.watcher().step(at(9 * 60 + 32))

    assert ("firing", "fallback_rate") in bench.told()


def test_after_months_of_silence_a_start_takes_no_longer_and_finds_the_log_stale(
    all_down: Remembered, tmp_path: Path
) -> None:
    bench = Bench(all_down, tmp_path)

    bench.watcher().step(at(270 * 86_400))

    assert bench.told() == [("firing", "log_stale")]


def test_a_clock_that_was_wrong_blinds_nobody(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    bench.watcher().step(at(365 * 86_400))

    bench.watcher().step(at(20 * 60 + 32))

    assert bench.complained == ["the clock went back: 2027-03-01T23:59:50Z has been evaluated already; evaluating anew"]
    assert bench.told()[:2] == [("firing", "log_stale"), ("resolved", "log_stale")]
    assert bench.pages() == ["trigger"]


def test_a_damaged_state_is_put_aside_told_and_begun_anew(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    bench.watcher().step(at(20 * 60 + 32))
    (tmp_path / "watch.json").write_bytes((tmp_path / "watch.json").read_bytes()[:-100])

    bench.watcher().step(at(20 * 60 + 42))

    assert bench.complained == [
        f"{tmp_path}/watch.json is damaged or of another version: beginning anew, the file is now "
        f"{tmp_path}/watch.json.unusable"
    ]
    assert bench.pages() == ["trigger", "trigger"]  # told again rather than forgotten; PagerDuty knows the key


def test_a_state_that_cannot_be_written_keeps_nobody_from_being_paged(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    watcher = bench.watcher()
    (tmp_path / "watch.json").mkdir()
    for now in every(60):
        watcher.step(now)

    assert bench.pages() == ["trigger", "trigger", "resolve"]
    assert len(bench.complained) == 1
    assert "going on from memory" in bench.complained[0]
    (tmp_path / "watch.json").rmdir()
    watcher.deliver(at(1900))
    state, _ = restore_state(tmp_path / "watch.json", RULES)
    assert state == watcher.state


# Silences and acknowledgements


def test_a_silenced_alert_is_said_and_not_sent_until_the_silence_is_ended(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    watcher = bench.watcher()
    watcher.step(at(200))
    one = silence(bench.ledger, RULES, "critical", at(3600), "olga", "maintenance", at(100))
    for now in every(10, 1000, 210):
        watcher.step(now)
    assert bench.pages() == []
    assert (
        next(line for line in bench.said if "FIRING critical all_circuits_open" in line)
        .split(" [")[1]
        .startswith("silenced until 2026-03-02T01:00:00Z by olga]")
    )

    end_silence(bench.ledger, one.id, "olga", "done", at(1005))
    watcher.step(at(1012))

    assert bench.pages() == ["trigger"]
    assert [line for line in bench.said if "[its silence is over]" in line and "All circuits open" in line]


def test_an_acknowledgement_reaches_pagerduty_when_none_is_left_open(all_down: Remembered, tmp_path: Path) -> None:
    bench = Bench(all_down, tmp_path)
    watcher = bench.watcher()
    for now in every(10, 900):
        watcher.step(now)
    acknowledge(bench.ledger, "all_providers_exhausted", at(540), "vera", "on it", at(900))
    acknowledge(bench.ledger, "error_rate", at(840), "vera", "on it", at(900))
    watcher.step(at(902))
    assert bench.pages() == ["trigger", "trigger"]

    acknowledge(bench.ledger, "all_circuits_open", at(840), "vera", "on it", at(905))
    for now in every(10, 1860, 910):
        watcher.step(now)

    assert bench.pages() == ["trigger", "trigger", "acknowledge", "resolve"]
    assert ("acknowledged", "error_rate") in bench.told()
    assert [line for line in bench.said if "ACKNOWLEDGED critical: Error rate, by vera: on it" in line]


# Receivers


def test_a_refusal_is_told_dropped_and_nothing_else_waits_for_it(all_down: Remembered, tmp_path: Path) -> None:
    no = Outcome(sent=False, again=False, words="answered 404 (no_service)")
    bench = Bench(all_down, tmp_path, sender=SameThread([no]), channels=CHANNELS[1:2])
    watcher = bench.watcher()
    for now in every(60):
        watcher.step(now)

    assert bench.complained == ["slack (127.0.0.1) answered 404 (no_service): it will not take this, 1 change not sent"]
    assert len(bench.sender.sent) > 1
    assert watcher.waiting() == 0


def test_a_failure_is_tried_again_with_growing_waits_and_the_same_message(all_down: Remembered, tmp_path: Path) -> None:
    later = Outcome(sent=False, again=True, words="answered 503")
    bench = Bench(all_down, tmp_path, sender=SameThread([later] * 4), channels=CHANNELS[2:])
    watcher = bench.watcher()
    for now in every(1, 420, 300):
        watcher.step(now)

    documents = [body for _, body in bench.sender.sent]
    assert len({document["id"] for document in documents[:5]}) == 1
    assert [change["rule"] for change in documents[5]["changes"]] == ["fallback_rate"]
    assert len(bench.complained) == 4


def test_a_receiver_that_hangs_keeps_no_other_channel_waiting(all_down: Remembered, tmp_path: Path) -> None:
    with receiver() as slack, receiver() as pagerduty:
        slack.hang = threading.Event()
        channels: list[Channel] = [
            Slack(f"{slack.url}/secret"),
            PagerDuty("0123456789abcdef0123456789abcdef", "host-1", "c0ffee00", f"{pagerduty.url}/v2/enqueue"),
        ]
        bench = Bench(all_down, tmp_path, sender=ThreadSender(), channels=channels)
        watcher = bench.watcher()
        for now in every(30, 600):
            watcher.step(now)

        pagerduty.wait_for(1)

        assert pagerduty.bodies[0]["event_action"] == "trigger"
        assert bench.sender.busy(channels[0])
        slack.hang.set()
        bench.sender.wait(20)


def test_a_dry_run_prints_what_would_be_sent_without_secrets(all_down: Remembered, tmp_path: Path) -> None:
    said: list[str] = []
    watcher = Watcher(
        all_down, RULES, tmp_path / "ledger", CHANNELS, DryRun(said.append), PAGE, lambda _: None, said.append
    )

    watcher.replay()

    printed = "\n".join(said)
    assert printed.count('"event_action": "resolve"') == 1
    assert printed.count('"channel": "slack"') == 10
    for secret in ("0123456789abcdef", "slack-secret", "hook-secret"):
        assert secret not in printed
    assert list(tmp_path.iterdir()) == []


def test_the_messages_in_the_documentation_are_those_that_are_sent(all_down: Remembered, tmp_path: Path) -> None:
    page = (SAMPLES.parent / "docs" / "alerts.md").read_text()
    documented = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    lines = re.findall(r"^2026-03-02T.*$", page, re.MULTILINE)
    said: list[str] = []
    printed: list[str] = []
    parts = (all_down, RULES, tmp_path / "ledger", CHANNELS, DryRun(printed.append), PAGE, said.append, said.append)

    Watcher(*parts).replay()

    sent = [json.loads(line)["body"] for line in printed]
    assert len(documented) == 3
    assert [body for body in documented if body not in sent] == []
    assert len(lines) == 2
    assert [line for line in lines if line not in said] == []
    slack = [[block["text"]["text"] for block in body["blocks"]] for body in sent if "blocks" in body]
    assert [texts for texts in slack if "\n".join(texts) in page] != []


def test_a_log_without_events_is_waited_for(tmp_path: Path) -> None:
    store = Store.open(None)
    bench = Bench(store, tmp_path)

    bench.watcher().step(at(0))

    assert (bench.said, bench.sender.sent, bench.complained) == ([], [], [])
    store.close()
