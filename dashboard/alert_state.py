"""What all sessions share of the alerts: the rules, their one evaluation, the ledger. `version` is in every key, as in state.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from dashboard.alert_board.course import Course
from dashboard.alert_board.evaluating import Evaluating
from dashboard.alert_board.sparks import Spark, moment_before, spark_moments, sparks
from dashboard.alerts.evaluate import Evaluation
from dashboard.alerts.ledger import Ledger, ledger_file, read_ledger
from dashboard.alerts.reading import read_history
from dashboard.alerts.rule import Rules
from dashboard.alerts.rulefile import RuleError, load_rules
from dashboard.live.span import PAST_AFTER, Extent, Span
from dashboard.settings import store_file
from dashboard.state import service

_KEPT = 16


@dataclass(frozen=True, slots=True)
class Alerts:
    """The rules, and their evaluation. problem: why there is none: nothing is evaluated by other rules instead."""

    rules: Rules
    evaluating: Evaluating | None
    problem: str = ""


@st.cache_resource(show_spinner=False)
def alerts() -> Alerts:
    """Built at the first call; a rule file is read once."""
    found = service()
    try:
        rules = load_rules(found.settings.rules)
    except RuleError as exc:
        return Alerts(Rules(1, ()), None, str(exc))
    return Alerts(rules, Evaluating(found.store, rules, PAST_AFTER))


def course(version: int, known: Extent | None, *, settled: bool, wait_s: float = 0.1) -> Course:
    """How the rules have gone so far. settled: the log has been read to its end; wait_s: for what is due, at most."""
    found = alerts()
    if found.evaluating is None:
        return Course(Evaluation(found.rules))
    extent = None if known is None else (known.oldest, known.newest)
    return found.evaluating.course(version, extent, settled=settled, wait_s=wait_s)


def ledger_path() -> Path:
    """The file of silences and acknowledgements of this log."""
    return ledger_file(store_file(service().settings))


def ledger() -> Ledger:
    """Silences and acknowledgements; the file is read again when it has changed."""
    path = ledger_path()
    try:
        found = path.stat()
    except FileNotFoundError:
        return Ledger(there=False)
    except OSError as exc:
        return Ledger(notes=(f"{path} cannot be read: {exc.strerror}",), there=False)
    return _ledger(found.st_mtime_ns, found.st_size)


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _ledger(changed_ns: int, size: int) -> Ledger:  # noqa: ARG001
    path = ledger_path()
    try:
        return read_ledger(path)
    except OSError as exc:
        return Ledger(notes=(f"{path} cannot be read: {exc.strerror}",), there=False)


def alert_sparks(course: Course, span: Span, known: Extent) -> Mapping[str, Spark]:
    """The rules' numbers over a span, up to what has been evaluated; the last is of the span's moment."""
    at = course.evaluation.at
    if at is None or at < span.window.start:
        return {}
    rules = alerts().rules
    before = spark_moments(span.window.start, min(at, span.at), rules.interval_s)
    found: Mapping[str, Spark] = _alert_sparks(known.oldest, before[0], before[-1], len(before)) if before else {}
    if span.at >= at:  # evaluated already
        newest: Mapping[str, Spark] = {
            name: Spark((alert.value,), alert.count) for name, alert in course.evaluation.alerts.items()
        }
    else:
        moment = moment_before(span.at, rules.interval_s)
        newest = _alert_sparks(known.oldest, moment, moment, 1)
    return {
        name: Spark((*(found[name].values if name in found else ()), spark.value), spark.count)
        for name, spark in newest.items()
    }


@st.cache_resource(show_spinner=False, max_entries=_KEPT)
def _alert_sparks(oldest: datetime, first: datetime, last: datetime, count: int) -> Mapping[str, Spark]:  # noqa: ARG001
    step = (last - first) / max(1, count - 1)
    moments = [first + step * place for place in range(count)]
    rules = alerts().rules
    return sparks(rules, read_history(service().store, rules, moments), moments)
