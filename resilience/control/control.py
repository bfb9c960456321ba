"""Changes to a running chain, one at a time.

    lock -> edits by hand first -> version -> draft -> intent -> .env -> swap -> log -> state file

Steps and reasons are in docs/control.md. What is decided is decided by pure functions (plan.py, recovery.py); this
is the order in which things are done, and the one place that holds the lock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from resilience import envfile
from resilience.breaker import Emit, Kept
from resilience.client import Client
from resilience.config import Config
from resilience.control.ledger import Ledger, complain
from resilience.control.plan import GUARD_PREFIX, Draft, before_and_after
from resilience.control.reach import Reached, reach
from resilience.control.recovery import event_of, in_log, last_version, recovered
from resilience.control.refusals import InvalidError, ReusedKeyError, StaleError, UnwritableError
from resilience.control.source import AT_START, Source, differences
from resilience.control.state import ANSWER_LIFE, Answered, Entry, Intent, State, Switch, anew_path
from resilience.events import CircuitChanged, Event, utc_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one service. environ: as it was when the process began; it wins over the file."""

    env_file: Path
    state_file: Path
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """What every change comes with. name: of the token; actor: on whose behalf; key, digest: of a repeated request."""

    version: int
    reason: str
    name: str
    request_id: str
    actor: str | None = None
    key: str | None = None
    digest: str = ""

    @property
    def who(self) -> str:
        """As the log names them; who acts under their own name is named once."""
        return self.name if self.actor in (None, self.name) else f"{self.actor} via {self.name}"


@dataclass(frozen=True, slots=True)
class Done:
    """The answer of a change. replayed: it is the answer to an earlier request with the same key."""

    body: Mapping[str, Any]
    replayed: bool = False


class Control:
    """The one who changes a client's settings. `begin`, then the client's start, then `attach`; `end` at the end.

    flush: waits, in a thread, until all emitted events are in the log; wall: seconds since the epoch.
    """

    def __init__(
        self,
        client: Client,
        emit: Emit,
        place: Place,
        *,
        flush: Callable[[], object],
        wall: Callable[[], float],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.client = client
        self.problem: tuple[str, datetime] | None = None
        self.place = place
        self._emit = emit
        self._flush = flush
        self._wall = wall
        self._transport = transport
        self._ledger = Ledger(place.state_file)
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._source = Source("", place.environ)  # in force
        self._disk = self._source  # as last read, perhaps with a mistake in it
        self._at_start: Mapping[str, str | None] = {}
        self._circuits_changed = False

    @property
    def state(self) -> State:
        """What is kept."""
        return self._ledger.state

    @property
    def source(self) -> Source:
        """Where the settings in force come from."""
        return self._source

    @property
    def disk(self) -> Source:
        """The file as it was read last; with a mistake in it, it is not in force."""
        return self._disk

    @property
    def needs_restart(self) -> list[str]:
        """Settings that were changed in the file and that only a restart applies."""
        return [name for name in AT_START if self._source.values.get(name) != self._at_start.get(name)]

    def now(self) -> datetime:
        """The time, UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    # ---- life

    async def begin(self) -> None:
        """Take up what an earlier process left: its version, a change cut short, an edit made meanwhile."""
        if not await self._ledger.open():  # the first start of all, or the file is lost
            version = await asyncio.to_thread(last_version, self.client.config.log_path)
            await self._ledger.keep(replace(self.state, version=version))
        anew = anew_path(self.place.state_file)
        if await asyncio.to_thread(anew.exists):
            await self._ledger.keep(replace(self.state, circuits={}))
            await asyncio.to_thread(anew.unlink, missing_ok=True)
        config = self.client.config
        try:
            self._disk = Source(await asyncio.to_thread(envfile.read, self.place.env_file), self.place.environ)
            config = self._disk.config(config)
            self._source = self._disk
            known: Mapping[str, str] = self._source.known(self.state.salt)
        except (OSError, UnicodeDecodeError, InvalidError) as exc:
            self._complain_about_file(exc)
            known = self.state.known
        log_path = config.log_path
        state, untold = await asyncio.to_thread(
            recovered, self.state, known, self.now(), lambda entry: in_log(log_path, entry)
        )
        self._at_start = {name: self._source.values.get(name) for name in AT_START}
        self.client.adopt(replace(config, version=state.version, guards_off=_off(state.switches, self.now())))
        for entry in untold:
            self._emit(event_of(entry))
        if untold:
            await asyncio.to_thread(self._flush)
        await self._ledger.keep(state)

    def attach(self) -> None:
        """Give the circuits of the started client what an earlier process knew of them."""
        known = self.client.known()
        for name, kept in self.state.circuits.items():
            if name in known:
                known[name].breaker.adopt(kept)

    def observe(self, event: Event) -> None:
        """Notice circuits that change, so that `look` keeps them."""
        self._circuits_changed = self._circuits_changed or isinstance(event, CircuitChanged)

    async def look(self) -> None:
        """What is due without anybody asking: an edit by hand, a switch that goes back, circuits that changed."""
        await self._alone(self._look)

    async def end(self) -> None:
        """Let a change under way finish, and keep the circuits."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._alone(self._keep_circuits)

    # ---- changes

    async def change(self, ask: Ask, draft: Callable[[], Awaitable[Draft]]) -> Done:
        """Make the change that `draft` plans under the lock. Raises what it raises, StaleError, UnwritableError."""

        async def make() -> dict[str, Any]:
            return await self._make(ask, await draft())

        return await self._alone(lambda: self._once(ask, make))

    async def act(self, ask: Ask, provider: str, action: Callable[[], Awaitable[tuple[str, ...]]]) -> Done:
        """Do something to a provider's circuit; `action` returns warnings. Raises what it raises, StaleError.

        What makes no transition is no change: it stands neither in the log nor in the history.
        """

        async def make() -> dict[str, Any]:
            link = self.client.known()[provider]
            before = link.view
            warnings = await action()
            changed = link.view.last is not before.last
            changes = ((f"circuit {provider}", str(before.state), str(link.view.state)),) if changed else ()
            entry = Entry(self.state.version, self.now(), ask.who, ask.reason, "api", "circuit", changes)
            body = _answer(entry, ask, warnings)
            if not changed:
                return body
            state = self.state.with_entry(entry).remembering(_remembered(ask, entry, body), entry.at)
            await self._ledger.keep(replace(state, circuits=self._circuits()))
            return body

        return await self._alone(lambda: self._once(ask, make))

    async def reach(self, base_url: str) -> Reached:
        """Whether an address answers."""
        caller = self.client.live.caller
        return await reach(base_url, True if caller is None else caller.certificates, self._transport)

    async def _once(self, ask: Ask, make: Callable[[], Awaitable[dict[str, Any]]]) -> Done:
        if ask.key is not None:
            earlier = self.state.answers.get(_key(ask))
            if earlier is not None and self.now() - earlier.at < ANSWER_LIFE:
                if earlier.digest != ask.digest:
                    raise ReusedKeyError("this Idempotency-Key came before with another request: use a new one")
                return Done(earlier.body, replayed=True)
        await self._reread()
        if ask.version != self.state.version:
            raise StaleError(ask.version, self.state.version, self.state.after(ask.version))
        return Done(await make())

    async def _make(self, ask: Ask, draft: Draft) -> dict[str, Any]:
        known = draft.source.known(self.state.salt)
        switched = {guard: on for guard, on in draft.switched.items() if on is (guard in self.state.switches) or not on}
        changes = differences(self.state.known, known) + tuple(
            (GUARD_PREFIX + guard, "off" if guard in self.state.switches else "on", "on" if on else "off")
            for guard, on in switched.items()
        )
        before, after = before_and_after(draft, self.state, self._source)
        now = self.now()
        version = self.state.version + 1 if changes else self.state.version
        entry = Entry(version, now, ask.who, ask.reason, "api", draft.kind, changes, draft.undoes, before, after)
        if not changes:
            return _answer(entry, ask, (*draft.warnings, "nothing is changed: it is so already"))
        switches = dict(self.state.switches)
        for guard, on in switched.items():
            switches.pop(guard, None)
            if not on:
                switches[guard] = Switch(now + timedelta(seconds=draft.for_s), ask.who, ask.reason)
        body = _answer(entry, ask, draft.warnings)
        await self._commit(
            Intent(entry, known, switches, _remembered(ask, entry, body)), draft.source, draft.config, write=True
        )
        return body

    async def _commit(self, intent: Intent, source: Source, config: Config, *, write: bool) -> None:
        entry, before = intent.entry, self.state
        await self._ledger.save(before.begun(intent))
        if write and source is not self._source and source.text != self._disk.text:
            try:
                await asyncio.to_thread(envfile.write, self.place.env_file, source.text)
            except (OSError, UnicodeEncodeError) as exc:
                await self._ledger.keep(before)
                raise UnwritableError(f"{self.place.env_file} cannot be written: nothing is changed") from exc
        if source is not self._source:  # a switch alone leaves a file with a mistake in it as it is
            self._source = self._disk = source
            self.problem = None
        chain_before = self.client.chain
        # Swap before telling: a reader of the event must find the new version in place.
        off = _off(intent.switches, self.now())
        self.client.adopt(replace(config, version=entry.version, guards_off=off))
        self._emit(event_of(entry))
        if [(p.name, p.model) for p in chain_before] != [(p.name, p.model) for p in self.client.chain]:
            self.client.announce()
        # The intent may go only when the log has the change, else a crash now would leave it untold.
        await asyncio.to_thread(self._flush)
        await self._ledger.keep(self.state.done().remembering({}, entry.at))

    # ---- what happens by itself

    async def _look(self) -> None:
        await self._reread()
        over = {guard for guard, switch in self.state.switches.items() if switch.until <= self.now()}
        if over:
            changes = tuple((GUARD_PREFIX + guard, "off", "on") for guard in sorted(over))
            entry = self._by_itself("timer", "the time for which it was off is over", "guard", changes)
            switches = {guard: switch for guard, switch in self.state.switches.items() if guard not in over}
            try:
                await self._commit(
                    Intent(entry, self.state.known, switches), self._source, self.client.config, write=False
                )
            except UnwritableError as exc:
                complain(str(exc))
                await self._ledger.keep(replace(self.state, switches=switches))  # on again, whatever the disk says
                self.client.adopt(replace(self.client.config, guards_off=frozenset(switches)))
        if self._circuits_changed:
            await self._keep_circuits()

    async def _reread(self) -> None:
        """Apply an edit by hand; our own writes are known by their text."""
        try:
            text = await asyncio.to_thread(envfile.read, self.place.env_file)
        except (OSError, UnicodeDecodeError) as exc:
            self._complain_about_file(exc)
            return
        if text == self._disk.text:
            if self._disk is self._source:
                self.problem = None
            return
        self._disk = Source(text, self.place.environ)
        try:
            config = self._disk.config(self.client.config)
        except InvalidError as exc:
            self._complain_about_file(exc)
            return
        self.problem = None
        known = self._disk.known(self.state.salt)
        changes = differences(self.state.known, known)
        if not changes:
            self._source = self._disk
            return
        entry = self._by_itself("env_file", "edited by hand", "env_file", changes)
        try:
            await self._commit(Intent(entry, known, self.state.switches), self._disk, config, write=False)
        except UnwritableError as exc:
            self._disk = self._source  # so that the next look tries again
            self._complain_about_file(exc)

    async def _keep_circuits(self) -> None:
        self._circuits_changed = False
        await self._ledger.keep(replace(self.state, circuits=self._circuits()))

    def _circuits(self) -> dict[str, Kept]:
        found = {name: link.breaker.kept() for name, link in self.client.known().items()}
        return {name: kept for name, kept in found.items() if kept is not None}

    def _by_itself(self, origin: str, reason: str, kind: str, changes: tuple[tuple[str, str, str], ...]) -> Entry:
        return Entry(self.state.version + 1, self.now(), origin, reason, origin, kind, changes)

    def _complain_about_file(self, exc: Exception) -> None:
        path = self.place.env_file
        what = exc.strerror if isinstance(exc, OSError) else "no UTF-8" if isinstance(exc, UnicodeError) else str(exc)
        message = f"{path}: {what}: the running settings stay"
        if self.problem is None or self.problem[0] != message:
            complain(message)
            self.problem = (message, self.now())

    async def _alone(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run under the lock, to the end even if the one who asked goes away: a change is made whole."""

        async def locked() -> T:
            async with self._lock:
                return await work()

        task = asyncio.create_task(locked())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)


def _off(switches: Mapping[str, Switch], now: datetime) -> frozenset[str]:
    """The guards that are off; a time that ran out is over, whether or not the timer has come to tell it."""
    return frozenset(guard for guard, switch in switches.items() if switch.until > now)


def _answer(entry: Entry, ask: Ask, warnings: tuple[str, ...]) -> dict[str, Any]:
    return {
        "version": entry.version,
        "at": utc_text(entry.at),
        "request_id": ask.request_id,
        "changes": [list(change) for change in entry.changes],
        "warnings": list(warnings),
    }


def _key(ask: Ask) -> str:
    """What an answer is kept under: a caller may send anything as their key, even a secret."""
    return sha256(f"{ask.name}:{ask.key}".encode()).hexdigest()


def _remembered(ask: Ask, entry: Entry, body: Mapping[str, Any]) -> dict[str, Answered]:
    return {} if ask.key is None else {_key(ask): Answered(ask.digest, entry.at, body)}
