"""Watching, one step at a time: evaluates the moments that are due, tells what changed, and sends what waits.

The clock is an argument, so a step is the same whether it is made live, after a restart, or over a log of last week.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from dashboard.alerts.evaluate import GRACE_S, Evaluation
from dashboard.alerts.ledger import Ledger, read_ledger
from dashboard.alerts.reading import EventStore, read_history
from dashboard.alerts.rule import Rules
from dashboard.alerts.words import stamp
from dashboard.notify.channel import Channel, Message
from dashboard.notify.due import LATE, due_moments
from dashboard.notify.outbox import Outbox
from dashboard.notify.sending import Outcome
from dashboard.notify.state import State, save_state
from dashboard.notify.telling import active_lines, change_lines, is_missed, notice_lines

Say = Callable[[str], None]


class Sender(Protocol):
    """Sends messages, one per channel at a time, without anybody waiting for it."""

    def begin(self, channel: Channel, message: Message) -> None:
        """Begins to send."""
        ...

    def outcome(self, channel: Channel) -> Outcome | None:
        """What came of it, once; None while it is not known."""
        ...

    def busy(self, channel: Channel) -> bool:
        """Whether a message is on its way or its outcome has not been asked for."""
        ...


@dataclass(slots=True)
class Watcher:
    """What `watch` is made of.

    state: None before the first step ever; file: where the state is kept, None for nowhere; page: the dashboard's
    address; say: a line for stdout; complain: a line for stderr.
    """

    store: EventStore
    rules: Rules
    ledger: Path
    channels: Sequence[Channel]
    sender: Sender
    page: str
    say: Say
    complain: Say
    file: Path | None = None
    state: State | None = None
    rng: random.Random = field(default_factory=random.Random)
    _unsaved: bool = False
    _save_failed: bool = False
    _notes: tuple[str, ...] = ()

    def step(self, now: datetime) -> None:
        """Evaluates what is due, and sends what waits. Raises: what the store raises, OSError for the ledger."""
        self.evaluate(now)
        self.deliver(now)

    def evaluate(self, now: datetime) -> None:
        """Evaluates all moments that are due, tells what changed, and puts it into the outboxes. Raises: see step."""
        until = now - timedelta(seconds=GRACE_S)
        first = self.state is None
        before = self.state or State(Evaluation(self.rules))
        if (at := before.evaluation.at) is not None:
            if at - now > LATE:
                # Waiting for that time would be watching nothing, for as long as the clock was wrong.
                self.complain(f"the clock went back: {stamp(at)} has been evaluated already; evaluating anew")
                first, before = True, State(Evaluation(self.rules), None, before.told, before.outboxes)
            elif until < at + timedelta(seconds=self.rules.interval_s):
                return
        moments = due_moments(self.store, before.evaluation, now)
        if not moments:
            return
        ledger = self._read_ledger()
        history = read_history(self.store, self.rules, moments)
        late = [moment for moment in moments if first or moment < now - LATE]
        state, lines = before, list[str]()
        for together in [late, *([moment] for moment in moments[len(late) :])]:
            if not together:
                continue
            evaluation, changes = state.evaluation.advanced(history, together)
            told_before = state.told
            state, notices = state.after(evaluation, changes, ledger, self.channels, now)
            if first:
                lines += active_lines(changes, evaluation)
            else:
                missed = {change for change in changes if is_missed(change, evaluation, told_before)}
                lines += change_lines(changes, self.rules, ledger, missed if together is late else set(), now)
                lines += notice_lines(notices, changes)
        for line in lines:  # before they are saved: told twice after a crash is better than never
            self.say(line)
        self.state, self._unsaved = state, True
        self._save()

    def replay(self) -> None:
        """Evaluates all that the store holds, moment by moment, as if it had been watched then. Raises: see step."""
        extent = self.store.extent()
        if extent is None:
            return
        ledger = self._read_ledger()
        state = State(Evaluation(self.rules))
        moments = state.evaluation.moments(extent[0], extent[1] + timedelta(seconds=self.rules.interval_s))
        history = read_history(self.store, self.rules, moments)
        for moment in moments:
            now = moment + timedelta(seconds=GRACE_S)
            evaluation, changes = state.evaluation.advanced(history, [moment])
            state, notices = state.after(evaluation, changes, ledger, self.channels, now)
            for line in [*change_lines(changes, self.rules, ledger, set(), now), *notice_lines(notices, changes)]:
                self.say(line)
            self.state = state
            self.deliver(now)
            state = self.state

    def deliver(self, now: datetime) -> None:
        """Takes the outcomes of what was sent, and begins to send what is due. Never raises for a receiver."""
        self._save()
        for channel in self.channels:
            while self._deliver(channel, now):
                pass

    def deliver_outcomes(self, now: datetime) -> None:
        """Takes the outcomes that are there, and begins nothing more."""
        for channel in self.channels:
            if self.state is not None and self.sender.busy(channel):
                outcome = self.sender.outcome(channel)
                if outcome is not None:
                    box = self.state.outboxes.get(channel.name, Outbox())
                    self._take(channel, self._settled(channel, box, outcome, now))

    def waiting(self) -> int:
        """How many notices are to be sent yet, over all channels."""
        return 0 if self.state is None else sum(len(box.waiting) for box in self.state.outboxes.values())

    def _deliver(self, channel: Channel, now: datetime) -> bool:
        """One outcome, or one message; whether there may be more to do now."""
        if self.state is None:
            return False
        box = self.state.outboxes.get(channel.name, Outbox())
        if self.sender.busy(channel):
            outcome = self.sender.outcome(channel)
            if outcome is None:
                return False
            self._take(channel, self._settled(channel, box, outcome, now))
            return True
        if not box.due(now, channel.urgent(box.waiting)):
            return False
        begun = box.tried(channel.together(box.waiting))
        self._take(channel, begun)
        self.sender.begin(channel, channel.message(begun.batch, self.page))
        return True

    def _settled(self, channel: Channel, box: Outbox, outcome: Outcome, now: datetime) -> Outbox:
        if outcome.sent:
            return box.sent(now)
        where = f"{channel.name} ({channel.host}) {outcome.words}"
        if not outcome.again:
            self.complain(f"{where}: it will not take this, {_changes(len(box.batch))} not sent")
            return box.dropped()
        failed = box.failed(now, outcome.wait_s, self.rng)
        when = stamp(failed.next_at) if failed.next_at is not None else "once"
        self.complain(f"{where}: {_changes(len(box.waiting))} waiting, trying again at {when}")
        return failed

    def _take(self, channel: Channel, box: Outbox) -> None:
        assert self.state is not None  # noqa: S101 (only called with one)
        self.state = self.state.with_outbox(channel.name, box)
        self._unsaved = True
        self._save()

    def _save(self) -> None:
        if self.file is None or self.state is None or not self._unsaved:
            return
        try:
            save_state(self.file, self.state)
        except OSError as exc:
            # Nobody is left without a page because a disk is full: it goes out, and perhaps again after a restart.
            if not self._save_failed:
                self.complain(f"{self.file} cannot be written ({exc.strerror}): going on from memory, trying again")
            self._save_failed = True
            return
        self._unsaved = self._save_failed = False

    def _read_ledger(self) -> Ledger:
        ledger = read_ledger(self.ledger)
        for note in ledger.notes:
            if note not in self._notes:
                self.complain(note)
        self._notes = ledger.notes
        return ledger


def _changes(count: int) -> str:
    return "1 change" if count == 1 else f"{count} changes"


def utc_now() -> datetime:
    """The time on the wall, UTC."""
    return datetime.now(UTC)
