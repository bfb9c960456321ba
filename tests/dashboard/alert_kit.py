"""What the tests of notifications share: rules, alerts at chosen moments, ledgers, and a receiver on a real socket."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dashboard.alerts.evaluate import Alert, Change, Evaluation, Kind, Phase
from dashboard.alerts.rule import Comparison, Metric, Rule, Rules, Severity
from dashboard.notify.channel import Channel, Message
from dashboard.notify.sending import Outcome

SAMPLES = Path(__file__).parents[2] / "sample_logs"
START = datetime(2026, 3, 2, tzinfo=UTC)
PAGE = "http://127.0.0.1:8501"

EXHAUSTED = Rule(
    "exhausted", "All <exhausted>", Severity.CRITICAL, Metric.EXHAUSTED_REQUESTS, Comparison.ABOVE, 0.0, 60,
    runbook="All Providers Failing", action="Check & call.",
)  # fmt: skip
ERRORS = Rule(
    "errors", "Error rate", Severity.CRITICAL, Metric.ERROR_RATE, Comparison.ABOVE, 0.1, 60, 300,
    runbook="§6", action="Look.",
)  # fmt: skip
SLOW = Rule(
    "slow", "Slow", Severity.WARNING, Metric.RESPONSE_TIME_P95_S, Comparison.ABOVE, 10.0, 300,
    runbook="Slow", action="Wait.",
)  # fmt: skip
RULES = Rules(10, (EXHAUSTED, ERRORS, SLOW))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def evaluation(now_s: float, **firing_s: float) -> Evaluation:
    """Where these rules' alerts have been firing since so many seconds, and the others are well."""
    alerts = {}
    for rule in RULES.rules:
        fired = firing_s.get(rule.name)
        if fired is None:
            alerts[rule.name] = Alert(rule.name, Phase.OK, at(0), 0.0, 5)
        else:
            alerts[rule.name] = Alert(rule.name, Phase.FIRING, at(fired), 0.5, 5, at(fired), at(fired))
    return Evaluation(RULES, at(now_s), alerts)


def fired(rule: str, at_s: float) -> Change:
    alert = Alert(rule, Phase.FIRING, at(at_s), 0.5, 5, at(at_s), at(at_s))
    return Change(at(at_s), rule, Kind.FIRING, Phase.OK, alert, at(at_s))


def resolved(rule: str, at_s: float, fired_s: float) -> Change:
    return Change(at(at_s), rule, Kind.RESOLVED, Phase.FIRING, Alert(rule, Phase.OK, at(at_s)), at(fired_s))


class SameThread:
    """A sender without threads: what is begun has been answered when it returns, by `answers` in their order."""

    def __init__(self, answers: Sequence[Outcome] = ()) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self._answers = list(answers)
        self._outcomes: dict[str, Outcome] = {}

    def begin(self, channel: Channel, message: Message) -> None:
        self.sent.append((channel.name, message.body))
        self._outcomes[channel.name] = self._answers.pop(0) if self._answers else Outcome(sent=True)

    def outcome(self, channel: Channel) -> Outcome | None:
        return self._outcomes.pop(channel.name)

    def busy(self, channel: Channel) -> bool:
        return channel.name in self._outcomes


@dataclass
class Receiver:
    """Takes POSTs. answers: (status, headers, body) for the next ones, 200 after them; hang: never answers."""

    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    arrived: threading.Condition = field(default_factory=threading.Condition)
    hang: threading.Event | None = None

    def wait_for(self, count: int, within_s: float = 20.0) -> None:
        """Until so many bodies have arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.bodies) >= count, within_s), self.bodies


@contextmanager
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if found.hang is not None:
                found.hang.wait(20)
                return
            status, headers, text = found.answers.pop(0) if found.answers else (200, {}, "ok")
            with found.arrived:
                found.bodies.append(body)
                found.paths.append(self.path)
                found.arrived.notify_all()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        if found.hang is not None:
            found.hang.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
