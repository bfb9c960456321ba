"""The settings of then: what was in force at a moment, by the starts and changes that the log tells."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from dashboard.kinds import CONFIGURED, ORDERED, STARTED, STOPPED, moment
from resilience.events import ConfigChanged, ProvidersInitialized, Record, ServiceStarted, ServiceStopped, from_line

if TYPE_CHECKING:
    from dashboard.store import Store

_HARMLESS = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,6})?|[a-z_ ]{0,20}")
HIDDEN = "[not shown]"
"""In the place of a value that is neither a number nor one of the settings' words: no secret can be one of these."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What one program on one instance ran with.

    settings: as text by variable; complete: whether its start told them, so that those not named were at their defaults;
    else only what was changed since the log's beginning is known. None: the log does not say.
    """

    service: str
    instance: str
    pid: int
    started_at: datetime | None = None
    program_version: str | None = None
    config_version: int | None = None
    order: tuple[str, ...] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False


def in_force(records: Iterable[Record], at: datetime) -> tuple[InForce, ...]:
    """What was in force at `at`, by service and instance. records: in order of time. One that had stopped is left out."""
    found: dict[tuple[str, str], InForce] = {}
    for record in records:
        if record.at > at:
            break
        origin = record.origin
        key = (origin.service, origin.instance)
        known = found.get(key)
        if known is None or known.pid != origin.pid:
            known = InForce(origin.service, origin.instance, origin.pid)
        match record.event:
            case ServiceStopped():
                found.pop(key, None)
            case ServiceStarted() as event:
                found[key] = InForce(
                    *(origin.service, origin.instance, origin.pid),
                    started_at=record.at,
                    program_version=event.version,
                    config_version=event.config_version,
                    order=event.order,
                    settings=_shown(event.settings or {}),
                    complete=event.settings is not None,
                )
            case ConfigChanged() as event:
                settings = {**known.settings, **_shown({name: new for name, _, new in event.changes})}
                found[key] = replace(known, settings=settings, config_version=event.version)
            case ProvidersInitialized() as event:
                found[key] = replace(known, order=event.order)
    return tuple(found[key] for key in sorted(found))


def settings_records(store: "Store", until: datetime) -> Iterator[Record]:
    """The starts, stops, orders and changes of settings up to then, in order of time. store: one that keeps lines."""
    from ibis import _

    told = store.lines.filter(_.event.isin((STARTED, STOPPED, CONFIGURED, ORDERED)) & (_.at <= moment(until)))
    for text in store.run(told.order_by("at", "source", "offset").select("text"))["text"]:
        if (record := from_line(text)) is not None:
            yield record


def _shown(settings: Mapping[str, str]) -> dict[str, str]:
    return {name: text if _HARMLESS.fullmatch(text) else HIDDEN for name, text in settings.items()}
