"""The requests of a log, each with the attempts that it made: what a replay plays again."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from resilience.config import Config
from resilience.errors import Failure
from resilience.events import (
    AttemptFinished,
    AttemptStatus,
    Cause,
    CircuitChanged,
    ConfigChanged,
    FellBack,
    Reason,
    Record,
    RequestFinished,
    RequestStatus,
    ServiceStarted,
    State,
)
from resilience.policy import DeadlinePolicy, RetryPolicy
from resilience.replay.life import Life
from resilience.replay.settings import UNKNOWN, InForce


@dataclass(frozen=True, slots=True)
class Told:
    """One attempt as the log tells it. Times in seconds, begin_s since the epoch.

    failure: None of an answer; limit_s: the limit that ran out; allowed_s: the same by the settings alone, which the
    request's deadline may have cut; cancelled: the caller left. wait: the wait before this
    request asked the same provider again, as a share of the longest one that the settings allowed; None without one.
    """

    provider: str
    begin_s: float
    seconds: float
    failure: Failure | None
    limit_s: float | None
    allowed_s: float
    cancelled: bool
    ttft_s: float | None
    wait: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One caller's request. at_s: of its arrival, since the epoch; streamed: None where it made no attempt."""

    request_id: str
    at_s: float
    end: RequestFinished
    streamed: bool | None
    attempts: Mapping[str, tuple[Told, ...]]


@dataclass(frozen=True, slots=True)
class Past:
    """One process's requests that arrived in a stretch of time, and what else shaped them.

    requests: by arrival; attempts: of all its log, by provider, by their beginning; in_force: the settings at the
    beginning; deeds: what people did since, with their times; open_circuits: last openings before it. left_out: requests
    that cannot be replayed, because the log lacks their beginning.
    """

    requests: tuple[Asked, ...]
    attempts: Mapping[str, tuple[Told, ...]]
    in_force: InForce
    deeds: tuple[tuple[float, ConfigChanged | CircuitChanged], ...]
    open_circuits: tuple[CircuitChanged, ...]
    openings: int
    left_out: int


_NOT_REPLAYED = (RequestStatus.BLOCKED,)
_BY_HAND = (Cause.MANUAL_RESET, Cause.ISOLATED, Cause.RELEASED, Cause.ADOPTED)
NEAR_S = 0.01
"""The log's times are cut to milliseconds."""
OPENED = (Cause.THRESHOLD, Cause.PROBE_FAILED, Cause.PROBE_TIMED_OUT)
"""Causes of openings that are the circuit's own."""


def past(life: Life, since: datetime | None = None, until: datetime | None = None) -> Past:
    """What the process was asked from `since` up to, not including, `until`, by the requests' arrivals."""
    in_force = begin = UNKNOWN
    config = begin.config()
    versions: dict[int | None, Config] = {}
    told: dict[str, list[tuple[AttemptFinished, float, Config]]] = {}
    left: dict[tuple[str, str], float] = {}
    ends: list[Record] = []
    deeds: list[tuple[float, ConfigChanged | CircuitChanged]] = []
    last: dict[str, CircuitChanged] = {}
    openings = 0
    for record in life.records:
        event, inside = record.event, _inside(record.at, since, until)
        after = in_force.after(event)
        if after is not in_force:
            in_force, config = after, after.config()
        if isinstance(event, ConfigChanged):
            versions[event.version] = config
        elif isinstance(event, ServiceStarted):
            versions.setdefault(event.config_version, config)
        if record.at < since if since is not None else not ends and not deeds:
            begin = in_force  # with the lines that belong to the start
        match event:
            case AttemptFinished():
                under = versions.get(event.config_version, config)
                told.setdefault(event.request_id, []).append((event, record.at.timestamp(), under))
            case FellBack():
                left[event.request_id, event.from_provider] = record.at.timestamp()
            case RequestFinished() if event.status not in _NOT_REPLAYED:
                ends.append(record)
            case ConfigChanged() if inside:
                deeds.append((record.at.timestamp(), event))
            case CircuitChanged():
                openings += inside and event.cause in OPENED
                if inside and event.cause in _BY_HAND:
                    deeds.append((record.at.timestamp(), event))
                if since is not None and record.at < since:
                    last[event.provider] = event
    asked = [_asked(record, told, left) for record in ends if _inside(_arrival(record), since, until)]
    whole = [request for request in asked if request is not None]
    attempts: dict[str, list[Told]] = {}
    for lines in told.values():
        for provider, calls in _by_provider(lines, left, None).items():
            attempts.setdefault(provider, []).extend(calls)
    return Past(
        requests=tuple(sorted(whole, key=lambda request: request.at_s)),
        attempts={name: tuple(sorted(calls, key=lambda call: call.begin_s)) for name, calls in attempts.items()},
        in_force=begin,
        deeds=tuple(deeds),
        open_circuits=tuple(event for event in last.values() if event.to is not State.CLOSED),
        openings=openings,
        left_out=len(asked) - len(whole),
    )


def _inside(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


def _arrival(record: Record) -> datetime:
    assert isinstance(record.event, RequestFinished)  # noqa: S101 (collected as one)
    return record.at - timedelta(milliseconds=record.event.total_ms)


def _asked(
    record: Record,
    told: Mapping[str, list[tuple[AttemptFinished, float, Config]]],
    left: Mapping[tuple[str, str], float],
) -> Asked | None:
    end = record.event
    assert isinstance(end, RequestFinished)  # noqa: S101 (collected as one)
    lines = told.get(end.request_id, [])
    if len(lines) != end.attempts:
        return None
    at_s = record.at.timestamp() - end.total_ms / 1000
    streamed = lines[0][0].streamed if lines else None
    attempts = _by_provider(lines, left, record.at.timestamp(), cancelled=end.status is RequestStatus.CANCELLED)
    return Asked(end.request_id, at_s, end, streamed, {name: tuple(calls) for name, calls in attempts.items()})


def _by_provider(
    lines: list[tuple[AttemptFinished, float, Config]],
    left: Mapping[tuple[str, str], float],
    end_s: float | None,
    *,
    cancelled: bool = False,
) -> dict[str, list[Told]]:
    """One request's attempts. left: when it left a provider for the next one; end_s: its own end."""
    found: dict[str, list[Told]] = {}
    in_a_row: Counter[str] = Counter()  # the number told goes on over a second walk, the waits begin anew
    for place, (event, at_s, config) in enumerate(lines):
        again = (
            e_at - e.generation_time_ms / 1000 for e, e_at, _ in lines[place + 1 :] if e.provider == event.provider
        )
        # One that was not let through again left at once.
        again_s = next(again, left.get((event.request_id, event.provider), end_s))
        wait = None
        in_a_row[event.provider] = in_a_row[event.provider] + 1 if event.retrying else 0
        if event.retrying and again_s is not None:
            left_early = end_s is not None and again_s == end_s and cancelled
            wait = 1.0 if left_early else _share(again_s - at_s, in_a_row[event.provider], event, config.retry)
        found.setdefault(event.provider, []).append(_told(event, at_s, config.deadline, wait))
    return found


def _share(wait_s: float, number: int, event: AttemptFinished, retry: RetryPolicy) -> float | None:
    longest_s = min(retry.max_delay_s, retry.base_delay_s * 2.0 ** (number - 1))
    if longest_s <= 0:
        return None
    if event.retry_after_s is not None and wait_s <= event.retry_after_s + NEAR_S:
        return min(1.0, event.retry_after_s / longest_s) / 2  # the wish was longer: it was some share below it
    return min(1.0, max(0.0, wait_s / longest_s))


def limit_of(reason: Reason, limits: DeadlinePolicy, *, streamed: bool) -> float:
    """How long a call that ends for this reason is waited for, in seconds."""
    if reason is Reason.STREAM_STALLED:
        return limits.stall_s
    return limits.first_token_s if streamed else limits.attempt_s


def _told(event: AttemptFinished, end_s: float, limits: DeadlinePolicy, wait: float | None) -> Told:
    seconds = event.generation_time_ms / 1000
    failed = event.status is AttemptStatus.FAILED
    reason = event.reason or Reason.SERVER_ERROR
    return Told(
        provider=event.provider,
        begin_s=end_s - seconds,
        seconds=seconds,
        failure=Failure(reason, event.http_status, event.retry_after_s) if failed else None,
        limit_s=event.timeout_s,
        allowed_s=limit_of(reason, limits, streamed=event.streamed),
        cancelled=event.status is AttemptStatus.CANCELLED,
        ttft_s=None if event.ttft_ms is None else event.ttft_ms / 1000,
        wait=wait,
    )
