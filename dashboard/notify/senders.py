"""Who sends: threads of their own, or nobody, with what would be sent printed instead."""

import json
import threading
from collections.abc import Callable
from typing import Any

from dashboard.notify.channel import Channel, Message
from dashboard.notify.sending import Outcome, post

HIDDEN = "***"


class ThreadSender:
    """A thread per message on its way, so that a receiver that hangs delays neither the evaluation nor another one."""

    def __init__(self, send: Callable[[Message], Outcome] = post) -> None:
        self._send = send
        self._threads: dict[str, threading.Thread] = {}
        self._outcomes: dict[str, Outcome] = {}

    def begin(self, channel: Channel, message: Message) -> None:
        """Begins to send."""
        thread = threading.Thread(target=self._run, args=(channel.name, message), daemon=True)
        self._threads[channel.name] = thread
        thread.start()

    def outcome(self, channel: Channel) -> Outcome | None:
        """What came of it, once; None while it is not known."""
        outcome = self._outcomes.pop(channel.name, None)
        if outcome is not None:
            del self._threads[channel.name]
        return outcome

    def busy(self, channel: Channel) -> bool:
        """Whether a message is on its way or its outcome has not been asked for."""
        return channel.name in self._threads

    def wait(self, within_s: float) -> None:
        """Until all that is on its way has arrived, but not longer."""
        for thread in tuple(self._threads.values()):
            thread.join(within_s)

    def _run(self, name: str, message: Message) -> None:
        try:
            outcome = self._send(message)
        except Exception as exc:  # noqa: BLE001 (the edge of the thread: without an outcome the channel would be busy for good)
            outcome = Outcome(sent=False, again=True, words=type(exc).__name__)
        self._outcomes[name] = outcome


class DryRun:
    """Prints each message as a JSON line, without its secrets, and calls it sent."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._done: set[str] = set()

    def begin(self, channel: Channel, message: Message) -> None:
        """Prints it."""
        body = _without(message.body, message.secrets)
        self._say(json.dumps({"channel": channel.name, "host": channel.host, "body": body}, ensure_ascii=False))
        self._done.add(channel.name)

    def outcome(self, channel: Channel) -> Outcome | None:
        """That it has been printed."""
        self._done.discard(channel.name)
        return Outcome(sent=True)

    def busy(self, channel: Channel) -> bool:
        """Whether its outcome has not been asked for."""
        return channel.name in self._done


def _without(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, secrets) for key, each in value.items()}
    return HIDDEN if isinstance(value, str) and value in secrets else value
