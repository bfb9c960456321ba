"""`python -m dashboard watch LOG...`: evaluates the alert rules without a browser, and tells Slack, PagerDuty, a webhook."""

import fcntl
import hashlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from dashboard.alerts.ledger import ledger_file
from dashboard.alerts.rule import Rules
from dashboard.alerts.rulefile import RuleError, load_rules
from dashboard.ingest import Ingest
from dashboard.ingest_status import settled
from dashboard.notify.channel import Channel
from dashboard.notify.pagerduty import PagerDuty
from dashboard.notify.senders import DryRun, ThreadSender
from dashboard.notify.slack import Slack
from dashboard.notify.state import State, restore_state
from dashboard.notify.watching import Watcher, utc_now
from dashboard.notify.webhook import Webhook
from dashboard.settings import Settings, SettingsError, load, store_file
from dashboard.stats import StatsError, opened
from dashboard.store import Store

TICK_S = 0.5
TROUBLE_S = 5.0
"""How long to wait after a step that failed."""
LAST_SEND_S = 3.0
"""How long the end waits for messages on their way; what has not arrived is sent again after the next start."""


class WatchError(Exception):
    """Watching cannot begin; the message says why."""


@click.command("watch")
@click.argument("paths", metavar="[LOG]...", nargs=-1)
@click.option("--once", is_flag=True, help="Evaluate what the logs hold, print every change, and end; nothing is sent.")
@click.option("--dry-run", is_flag=True, help="Print what would be sent, as JSON, instead of sending it.")
@click.option(
    "--rules", "rules_path", type=click.Path(path_type=Path), help="Alert rules over the default ones (TOML)."
)
def watch_command(paths: tuple[str, ...], once: bool, dry_run: bool, rules_path: Path | None) -> None:
    """Evaluates the alert rules as the logs grow, one line per change, and sends notifications.

    Without LOG: those of METIS_DASHBOARD_LOG. Channels come from METIS_ALERT_...; docs/settings.md has them.
    """
    try:
        settings = load()
        settings = replace(settings, logs=paths) if paths else settings
        rules = load_rules(rules_path or settings.rules)
        if once:
            _once(settings, rules, dry_run)
        else:
            _follow(settings, rules, dry_run)
    except (SettingsError, RuleError, StatsError, WatchError) as exc:
        _complain(f"error: {exc}")
        sys.exit(2)
    except BrokenPipeError:  # a reader that has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def channels_of(settings: Settings, example: bool = False) -> list[Channel]:
    """The channels that the settings name. example: all three, with addresses that lead nowhere, if they name none."""
    origin = hashlib.blake2b(f"{socket.gethostname()}\n{store_file(settings)}".encode(), digest_size=4).hexdigest()
    source = f"{socket.gethostname()}:{Path(settings.logs[0]).name}"
    found: list[Channel] = []
    if settings.pagerduty_routing_key:
        found.append(PagerDuty(settings.pagerduty_routing_key, source, origin, settings.pagerduty_url))
    if settings.slack_webhook_url:
        found.append(Slack(settings.slack_webhook_url))
    if settings.webhook_url:
        found.append(Webhook(settings.webhook_url))
    if example and not found:
        nowhere = "https://webhook.invalid/"
        return [PagerDuty("none", source, origin, settings.pagerduty_url), Slack(nowhere), Webhook(nowhere)]
    return found


def _once(settings: Settings, rules: Rules, dry_run: bool) -> None:
    channels = channels_of(settings, example=True) if dry_run else []
    with closing(opened(settings.logs, "alerts-")) as store:
        _watcher(settings, rules, store, channels, DryRun(_say)).replay()


def _follow(settings: Settings, rules: Rules, dry_run: bool) -> None:
    file = store_file(settings)
    state_file = None if dry_run else file.with_name(f"{file.name}.watch.json")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    with _alone(state_file):
        store = Store.open(file.with_name(f"watch-{file.name}"), keeps_lines=False)
        if store.notice:
            _complain(store.notice)
        channels = channels_of(settings, example=dry_run)
        sender = DryRun(_say) if dry_run else ThreadSender()
        watcher = _watcher(settings, rules, store, channels, sender)
        watcher.file, watcher.state = state_file, _restored(state_file, rules, channels)
        names = ", ".join(f"{channel.name} ({channel.host})" for channel in channels) or "nobody: no channel is set"
        _complain(f"watching {', '.join(settings.logs)}; {'would tell' if dry_run else 'telling'} {names}")
        ingest = Ingest(store, settings.logs, follow=True)
        ingest.start()
        try:
            _loop(watcher, ingest, stop)
        finally:
            ingest.stop()
            if isinstance(sender, ThreadSender):
                sender.wait(LAST_SEND_S)
                watcher.deliver_outcomes(utc_now())
            store.close()


def _loop(watcher: Watcher, ingest: Ingest, stop: threading.Event) -> None:
    trouble, read = "", False
    while not stop.is_set():
        status = ingest.status()
        if status.trouble and status.trouble != trouble:
            _complain(f"the log cannot be stored ({status.trouble}): alerts are evaluated again once it can be")
        elif trouble and not status.trouble:
            _complain("the log can be stored again")
        trouble = status.trouble
        if not read and settled(status):
            read = True
            if watcher.store.extent() is None:
                _complain("no event yet: nothing can be evaluated before the first")
        # What waits is sent, whatever has become of the evaluation.
        steps = [watcher.evaluate, watcher.deliver] if read and not trouble else [watcher.deliver]
        went_well = [_tried(step) for step in steps]
        stop.wait(TICK_S if all(went_well) else TROUBLE_S)


def _tried(step: Callable[[datetime], None]) -> bool:
    try:
        step(utc_now())
    except BrokenPipeError:  # nobody reads the lines any more: an end, not a fault
        raise
    except Exception as exc:  # noqa: BLE001 (the edge of the loop: it outlives a full disk, and a fault of ours)
        _complain(f"a step failed ({type(exc).__name__}: {exc}): trying again in {TROUBLE_S:g} s")
        return False
    return True


def _watcher(
    settings: Settings, rules: Rules, store: Store, channels: Sequence[Channel], sender: ThreadSender | DryRun
) -> Watcher:
    ledger = ledger_file(store_file(settings))
    return Watcher(store, rules, ledger, channels, sender, settings.url, _say, _complain)


def _restored(file: Path | None, rules: Rules, channels: Sequence[Channel]) -> State | None:
    if file is None:
        return None
    try:
        state, notice = restore_state(file, rules)
    except OSError as exc:
        raise WatchError(f"{file} cannot be read ({exc.strerror})") from None
    if notice:
        _complain(notice)
    if state is None:
        return None
    names = {channel.name for channel in channels}
    for name, box in state.outboxes.items():
        if name not in names and box.waiting:
            _complain(f"{name} is not set any more: {len(box.waiting)} changes that waited for it are not sent")
    return replace(state, outboxes={name: box for name, box in state.outboxes.items() if name in names})


@contextmanager
def _alone(state_file: Path | None) -> Iterator[None]:
    """Two watchers of the same logs would send everything twice. The lock goes with the process, however it ends."""
    if state_file is None:
        yield
        return
    path = state_file.with_name(f"{state_file.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as exc:
        raise WatchError(f"{path} cannot be written ({exc.strerror}): the state must be kept somewhere") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WatchError(f"another `watch` runs over these logs ({path} is locked)") from None
        yield


def _say(line: str) -> None:
    print(line, flush=True)  # a pipe's reader is told at once


def _complain(line: str) -> None:
    click.echo(line, err=True)
