"""The metrics once more, by hand over a list of events: what tests compare the dashboard's numbers with."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from dashboard.window import Window
from resilience.events import (
    AttemptFinished,
    CircuitChanged,
    ConfigChanged,
    Event,
    FellBack,
    GuardTriggered,
    ProvidersExhausted,
    ProvidersInitialized,
    RequestFinished,
    ServiceStarted,
    ServiceStopped,
)

Row = dict[str, Any]
Kind = TypeVar("Kind", bound=Event)


@dataclass(frozen=True)
class Logged:
    """An event and its time; no two have the same."""

    at: datetime
    event: Event


@dataclass(frozen=True)
class Request:
    """One request, logged or put together from its attempts."""

    at: datetime
    status: str
    with_fallback: bool
    total_ms: float
    wasted_ms: float
    derived: bool


def recount(log: Sequence[Logged], window: Window, now: datetime) -> dict[str, list[Row]]:
    """All metrics of a structured log, by the names of their functions."""
    inside = [entry for entry in log if window.start <= entry.at < window.end]
    requests = [request for request in _requests(log) if window.start <= request.at < window.end]
    attempts = of(inside, AttemptFinished)
    return {
        "attempts_by_bucket": _attempts_by_bucket(inside, window),
        "provider_summary": _provider_summary(inside),
        "requests_by_bucket": _requests_by_bucket(requests, window),
        "request_summary": [_request_summary(requests)],
        "fallbacks_by_reason": counted(
            ("reason", "from_provider", "to_provider"),
            ((e.reason, e.from_provider, e.to_provider) for e in of(inside, FellBack)),
        ),
        "failures_by_reason": counted(
            ("provider", "reason", "http_status"),
            ((a.provider, a.reason, a.http_status) for a in attempts if a.status == "failed"),
        ),
        "circuit_transitions": _circuit_transitions(inside),
        "circuit_intervals": _circuit_intervals(log, window, now),
        "wasted_by_provider": _wasted_by_provider(attempts),
        "saved_by_provider": _saved_by_provider(inside),
        "order_now": _order_now(log, now),
        "actions": _actions(inside),
        "config_changes": _config_changes(inside),
        "requests_by_version": _requests_by_version(inside),
        "requests_ended": _requests_ended(requests),
        "attempts_ended": _attempts_ended(inside),
        "orders": _orders(log, window),
        "guard_actions": _guard_actions(inside),
        "guard_findings": _guard_findings(inside),
        "guard_actions_by_bucket": _guard_actions_by_bucket(inside, window),
        "guard_summary": [_guard_summary(of(inside, RequestFinished))],
        "grounding_failures": [_grounding_failures(inside)],
    }


def of(log: Iterable[Logged], kind: type[Kind]) -> list[Kind]:
    """The events of exactly that kind."""
    return [entry.event for entry in log if type(entry.event) is kind]


def quantile(values: Sequence[float], share: float) -> float | None:
    """Linear interpolation, written out."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def counted(names: tuple[str, ...], found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """One row per different tuple with how often it came."""
    numbers: dict[tuple[Any, ...], int] = defaultdict(int)
    for key in found:
        numbers[tuple(None if part is None else part if isinstance(part, int) else str(part) for part in key)] += 1
    return [dict(zip(names, key, strict=True)) | {"n": n} for key, n in numbers.items()]


def _bucket(at: datetime, window: Window) -> datetime:
    return datetime.fromtimestamp(int(at.timestamp()) // window.bucket_s * window.bucket_s, UTC)


def _grouped(entries: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups


def _attempts_by_bucket(inside: Sequence[Logged], window: Window) -> list[Row]:
    ended = [e for e in inside if isinstance(e.event, AttemptFinished) and e.event.status != "cancelled"]
    rows = []
    for (bucket_at, provider), group in _grouped(ended, lambda e: (_bucket(e.at, window), e.event.provider)).items():
        times = [e.event.generation_time_ms for e in group]
        success = sum(e.event.status == "success" for e in group)
        rows.append(
            {
                "bucket_at": bucket_at,
                "provider": provider,
                "attempts": len(group),
                "success": success,
                "failed": len(group) - success,
                "success_rate": success / len(group),
                "p50_ms": quantile(times, 0.5),
                "p95_ms": quantile(times, 0.95),
            }
        )
    return rows


def _provider_summary(inside: Sequence[Logged]) -> list[Row]:
    rows = []
    attempts = [entry for entry in inside if isinstance(entry.event, AttemptFinished)]
    for provider, group in _grouped(attempts, lambda entry: entry.event.provider).items():
        by_status = _grouped(group, lambda entry: str(entry.event.status))
        success, failed = len(by_status["success"]), len(by_status["failed"])
        times = [e.event.generation_time_ms for e in group if e.event.status != "cancelled"]
        last = by_status["failed"][-1] if failed else None
        rows.append(
            {
                "provider": provider,
                "attempts": success + failed,
                "success": success,
                "failed": failed,
                "cancelled": len(by_status["cancelled"]),
                "success_rate": success / (success + failed) if success + failed else None,
                "p50_ms": quantile(times, 0.5),
                "p95_ms": quantile(times, 0.95),
                "last_reason": str(last.event.reason) if last else None,
                "last_failed_at": last.at if last else None,
            }
        )
    return rows


def _requests(log: Sequence[Logged]) -> list[Request]:
    logged = [
        Request(e.at, str(e.event.status), e.event.fallbacks > 0, e.event.total_ms, e.event.wasted_ms, False)
        for e in log
        if isinstance(e.event, RequestFinished)
    ]
    if logged:
        return logged
    steps = [e for e in log if isinstance(e.event, AttemptFinished | FellBack | ProvidersExhausted)]
    found = []
    for group in _grouped(steps, lambda entry: entry.event.request_id).values():
        attempts = of(group, AttemptFinished)
        exhausted = bool(of(group, ProvidersExhausted))
        if not attempts and not exhausted:
            continue
        statuses = {str(attempt.status) for attempt in attempts}
        ended = "exhausted" if exhausted or "failed" in statuses else "cancelled"
        found.append(
            Request(
                at=max(entry.at for entry in group),
                status="success" if "success" in statuses else ended,
                with_fallback=bool(of(group, FellBack)) or len({a.provider for a in attempts}) > 1,
                total_ms=sum(a.generation_time_ms for a in attempts),
                wasted_ms=sum(a.generation_time_ms for a in attempts if a.status == "failed"),
                derived=True,
            )
        )
    return found


def _request_numbers(requests: Sequence[Request]) -> Row:
    total = len(requests)
    success = sum(request.status == "success" for request in requests)
    with_fallback = sum(request.with_fallback for request in requests)
    times = [request.total_ms for request in requests]
    return {
        "total": total,
        "success": success,
        "failed": total - success,
        "error_rate": (total - success) / total if total else None,
        "with_fallback": with_fallback,
        "fallback_rate": with_fallback / total if total else None,
        "p50_ms": quantile(times, 0.5),
        "p95_ms": quantile(times, 0.95),
        "wasted_ms": sum(request.wasted_ms for request in requests),
    }


def _base(requests: Iterable[Request]) -> list[Request]:
    return [request for request in requests if request.status not in ("cancelled", "blocked", "rejected")]


def _requests_by_bucket(requests: Sequence[Request], window: Window) -> list[Row]:
    groups = _grouped(_base(requests), lambda request: _bucket(request.at, window))
    return [{"bucket_at": bucket_at} | _request_numbers(group) for bucket_at, group in groups.items()]


def _request_summary(requests: Sequence[Request]) -> Row:
    others = ("cancelled", "blocked", "rejected")
    return (
        _request_numbers(_base(requests))
        | {status: sum(request.status == status for request in requests) for status in others}
        | {"derived": any(request.derived for request in requests)}
    )


def _circuit_transitions(inside: Sequence[Logged]) -> list[Row]:
    return [
        {
            "at": entry.at,
            "provider": entry.event.provider,
            "from_state": str(entry.event.from_),
            "to_state": str(entry.event.to),
            "cause": str(entry.event.cause),
            "failures": entry.event.failures,
            "open_until": entry.event.open_until,
            "request_ids": list(entry.event.trigger_request_ids),
        }
        for entry in inside
        if isinstance(entry.event, CircuitChanged)
    ]


def _circuit_intervals(log: Sequence[Logged], window: Window, now: datetime) -> list[Row]:
    end = min(window.end, now)
    past = [entry for entry in log if entry.at < end]
    seen = {e.event.provider for e in past if isinstance(e.event, AttemptFinished | CircuitChanged)}
    rows = []
    for provider in seen:
        points: list[Row] = [_point(datetime(1970, 1, 1, tzinfo=UTC), "UNKNOWN", inferred=True)]
        for entry in past:
            event, state = entry.event, points[-1]["state"]
            if isinstance(event, CircuitChanged) and event.provider == provider:
                if event.to != state:
                    point = _point(entry.at, str(event.to), str(event.cause), event.open_until)
                    points.append(point)
            elif isinstance(event, AttemptFinished) and event.provider == provider:
                if state == "UNKNOWN" and event.circuit == "CLOSED":
                    points.append(_point(entry.at, "CLOSED", inferred=True))
            elif type(event) is ServiceStarted and state in ("OPEN", "HALF_OPEN"):
                points.append(_point(entry.at, "CLOSED", "service_started", inferred=True))
        for point, after in zip(points, [*points[1:], {"at": end}], strict=True):
            start_at, end_at = max(point["at"], window.start), min(after["at"], end)
            if start_at < end_at:
                rest = {name: value for name, value in point.items() if name != "at"}
                rows.append({"provider": provider, "start_at": start_at, "end_at": end_at} | rest)
    return rows


def _point(
    at: datetime, state: str, cause: str | None = None, open_until: datetime | None = None, *, inferred: bool = False
) -> Row:
    return {"at": at, "state": state, "cause": cause, "open_until": open_until, "inferred": inferred}


def _wasted_by_provider(attempts: Sequence[AttemptFinished]) -> list[Row]:
    lost = [a for a in attempts if a.status == "failed" and a.circuit != "OPEN"]
    groups = _grouped(lost, lambda attempt: attempt.provider)
    return [
        {
            "provider": provider,
            "wasted_ms": sum(attempt.generation_time_ms for attempt in group),
            "wasted_tokens": sum(told) if (told := _tokens(group)) else None,
        }
        for provider, group in groups.items()
    ]


def _tokens(attempts: Iterable[AttemptFinished]) -> list[int]:
    return [n for a in attempts for n in (a.prompt_tokens, a.completion_tokens) if n is not None]


def _saved_by_provider(inside: Sequence[Logged]) -> list[Row]:
    rows = []
    past = [event for event in of(inside, FellBack) if event.reason == "circuit_open"]
    for provider, group in _grouped(past, lambda event: event.from_provider).items():
        failed = [a for a in of(inside, AttemptFinished) if a.provider == provider and a.status == "failed"]
        median_ms = quantile([a.generation_time_ms for a in failed], 0.5)
        saved_ms = None if median_ms is None else len(group) * median_ms
        rows.append({"provider": provider, "spared": len(group), "median_failed_ms": median_ms, "saved_ms": saved_ms})
    return rows


def _order_now(log: Sequence[Logged], now: datetime) -> list[Row]:
    past = [entry.event for entry in log if entry.at <= now]
    said = [event.order for event in past if type(event) in (ProvidersInitialized, ServiceStarted)]
    if said:
        order = list(said[-1])
    else:
        attempts = [event for event in past if isinstance(event, AttemptFinished)]
        groups = _grouped(attempts, lambda attempt: attempt.provider)  # in order of first appearance
        order = sorted(groups, key=lambda provider: min(attempt.chain_position for attempt in groups[provider]))
    return [{"position": position, "provider": provider} for position, provider in enumerate(order)]


def _requests_ended(requests: Sequence[Request]) -> list[Row]:
    columns = ("at", "status", "with_fallback", "total_ms")
    return [{name: getattr(request, name) for name in columns} for request in _base(requests)]


def _attempts_ended(inside: Sequence[Logged]) -> list[Row]:
    rows = []
    for at, event in ((entry.at, entry.event) for entry in inside):
        if type(event) is AttemptFinished and event.status != "cancelled":
            told = {"provider": event.provider, "status": str(event.status)}
            rows.append({"at": at, **told, "generation_time_ms": event.generation_time_ms})
    return rows


def _orders(log: Sequence[Logged], window: Window) -> list[Row]:
    said = [
        {"at": entry.at, "chain_order": list(entry.event.order)}
        for entry in log
        if isinstance(entry.event, ServiceStarted | ProvidersInitialized) and entry.event.order
    ]
    before = [row for row in said if row["at"] <= window.start][-1:]
    return before + [row for row in said if window.start < row["at"] < window.end]


def _actions(inside: Sequence[Logged]) -> list[Row]:
    rows = []
    for entry in inside:
        event = entry.event
        row: Row = {"at": entry.at, "actor": None, "request_id": None}
        if isinstance(event, ConfigChanged):
            changes = "; ".join(f"{name}: {old} → {new}" for name, old, new in event.changes)
            kind = "reorder" if "order" in changes.lower() else "config"
            row |= {"kind": kind, "text": f"{changes} ({event.reason})", "actor": event.actor}
        elif isinstance(event, CircuitChanged) and event.cause in ("manual_reset", "isolated", "released"):
            row |= {"kind": "reset", "text": f"{event.provider}: {event.cause}", "actor": event.actor}
            row |= {"request_id": event.request_id}
        elif type(event) is ServiceStarted:
            row |= {"kind": "start", "text": "service started"}
        elif type(event) is ServiceStopped:
            row |= {"kind": "stop", "text": "service stopped"}
        if "kind" in row:
            rows.append(row)
    return rows


def _config_changes(inside: Sequence[Logged]) -> list[Row]:
    return [
        {"at": entry.at, "version": e.version, "actor": e.actor, "reason": e.reason, "origin": e.origin}
        | {"changes": "; ".join(f"{name}: {old} → {new}" for name, old, new in e.changes) or None}
        for entry in inside
        if isinstance(e := entry.event, ConfigChanged)
    ]


def _requests_by_version(inside: Sequence[Logged]) -> list[Row]:
    counted = [
        entry
        for entry in inside
        if isinstance(entry.event, RequestFinished)
        and entry.event.config_version is not None
        and entry.event.status not in ("cancelled", "blocked", "rejected")
    ]
    rows = []
    for version, entries in _grouped(counted, lambda entry: entry.event.config_version).items():
        first = min(entries, key=lambda entry: entry.at)
        rows.append(
            {
                "config_version": version,
                "total": len(entries),
                "success": sum(entry.event.status == "success" for entry in entries),
                "first_at": first.at,
                "first_provider": first.event.provider,
                "first_status": str(first.event.status),
                "first_ms": first.event.total_ms,
            }
        )
    return rows


def at_ms(start: datetime, ms: int) -> datetime:
    """So many milliseconds after the start."""
    return start + timedelta(milliseconds=ms)


def _as_shown(event: GuardTriggered) -> tuple[str, str, str | None]:
    guard = event.guard if event.guard in ("pii", "injection", "grounding") else "other"
    action = event.action if event.action in ("redacted", "blocked", "flagged") else "other"
    where = event.where if event.where in (None, "input", "context", "answer") else "other"
    return guard, action, where


def _guard_actions(inside: Sequence[Logged]) -> list[Row]:
    return [
        dict(zip(("guard", "action", "guard_where"), key, strict=True))
        | {"times": len(group), "requests": len({event.request_id for event in group})}
        for key, group in _grouped(of(inside, GuardTriggered), _as_shown).items()
    ]


def _guard_findings(inside: Sequence[Logged]) -> list[Row]:
    rows = []
    for key, group in _grouped(of(inside, GuardTriggered), _as_shown).items():
        sums: dict[str, int] = defaultdict(int)
        for event in group:
            for kind, n in event.counts.items():
                sums[kind] += n if 0 <= n < 1_000_000_000 else 0
        found = sorted(((-n, kind) for kind, n in sums.items() if n))
        shown = [(kind, 1, -n) for n, kind in found[:10]]
        if found[10:]:
            shown.append((None, len(found[10:]), -sum(n for n, _ in found[10:])))
        names = ("guard", "action", "guard_where", "kind", "kinds", "n")
        rows += [dict(zip(names, (*key, *row), strict=True)) for row in shown]
    return rows


def _guard_actions_by_bucket(inside: Sequence[Logged], window: Window) -> list[Row]:
    acted = [(_bucket(e.at, window), *_as_shown(e.event)) for e in inside if isinstance(e.event, GuardTriggered)]
    return [
        {"bucket_at": at, "guard": guard, "action": action, "guard_where": where, "times": len(group)}
        for (at, guard, action, where), group in _grouped(acted, lambda key: key).items()
    ]


def _guard_summary(requests: Sequence[RequestFinished]) -> Row:
    told = [request for request in requests if request.guard_ms is not None]
    times = [request.guard_ms for request in told if request.guard_ms is not None]
    waited_ms = sum(request.total_ms for request in told)
    return {
        "requests": len(requests),
        "guarded": len(told),
        "blocked": sum(request.status == "blocked" for request in requests),
        "p50_ms": quantile(times, 0.5),
        "p95_ms": quantile(times, 0.95),
        "guard_ms": sum(times) if times else None,
        "share_of_time": sum(times) / waited_ms if waited_ms else None,
    }


def _grounding_failures(inside: Sequence[Logged]) -> Row:
    ends = {"requests": 0, "once": 0, "let_through": 0, "refused": 0}
    about = [event for event in of(inside, GuardTriggered) if event.guard == "grounding"]
    for group in _grouped(about, lambda event: event.request_id).values():
        flagged = sum(event.action == "flagged" for event in group)
        blocked = sum(event.action == "blocked" for event in group)
        if flagged + blocked:
            ends["requests"] += 1
            ends["refused" if blocked else "once" if flagged == 1 else "let_through"] += 1
    return ends
