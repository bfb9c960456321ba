"""Requests, and reasons of failures, of logs that do not say them outright.

A structured log has one LLM_REQUEST per request, and a reason in each attempt that failed. The runbook's plain lines
have neither: requests are put together from the attempts, reasons are taken from the line after the attempt.
"""

from typing import TYPE_CHECKING

import ibis
from ibis import _

from dashboard.plain import FAILED

if TYPE_CHECKING:
    import ibis.expr.types as ir


def requests(events: "ir.Table") -> "ir.Table":
    """All requests, one row each, at the time of their end.

    Columns: source, at, status (as in LLM_REQUEST), with_fallback (bool), total_ms, wasted_ms (float), derived (bool).
    A source without LLM_REQUEST events has derived ones: with a request_id, its attempts, fallbacks and exhaustion are
    one request; without, the lines up to a success or an exhaustion are. A run of lines without an end is no request.
    Their total_ms is the time in attempts: waits between them are not known.
    Source: LLM_REQUEST, else LLM_ATTEMPT, FALLBACK, PROVIDERS_EXHAUSTED; docs/metrics.md, "Derived requests".
    """
    logged = events.filter(_.event == "LLM_REQUEST").select(
        "source", "at", "status", "total_ms", "wasted_ms", with_fallback=_.fallbacks > 0, derived=ibis.literal(False)
    )
    silent = events.group_by("source").agg(logged=(_.event == "LLM_REQUEST").any()).filter(~_.logged)
    steps = events.filter(_.event.isin(["LLM_ATTEMPT", "FALLBACK", "PROVIDERS_EXHAUSTED"])).semi_join(silent, "source")
    columns = ["source", "at", "status", "total_ms", "wasted_ms", "with_fallback", "derived"]
    return logged.select(columns).union(_named(steps).select(columns)).union(_unnamed(steps).select(columns))


def failures(events: "ir.Table") -> "ir.Table":
    """All failed attempts with their reasons, and the plain failure lines that stand alone.

    Columns: at, provider, reason, http_status, plain (bool); NULL where the log does not say.
    A plain attempt's reason is that of the failure line which follows it directly.
    Source: LLM_ATTEMPT with status failed; plain "Provider failed" and "Provider timeout" lines.
    """
    failed = (_.event == "LLM_ATTEMPT") & (_.status == "failed")
    structured = events.filter(~_.plain & failed).select("at", "provider", "reason", "http_status", "plain")
    in_file = ibis.window(group_by="source", order_by="offset")
    plain = (
        events.filter(_.plain)
        .mutate(
            after=_.event.lead().over(in_file),
            after_reason=_.reason.lead().over(in_file),
            after_status=_.http_status.lead().over(in_file),
            before=(failed & _.reason.isnull()).lag().over(in_file),
        )
        .filter(failed | ((_.event == FAILED) & ~_.before.fill_null(False)))
    )
    told_after = (_.event == "LLM_ATTEMPT") & _.reason.isnull() & (_.after == FAILED)
    plain = plain.mutate(
        reason=told_after.ifelse(_.after_reason, _.reason),
        http_status=told_after.ifelse(_.after_status, _.http_status),
    )
    return structured.union(plain.select(structured.columns))


def _named(steps: "ir.Table") -> "ir.Table":
    """Requests of steps that bear a request_id."""
    return (
        steps.filter(_.request_id.notnull())
        .group_by("source", "request_id")
        .agg(**_outcome())
        .filter(_.attempted | _.exhausted)
        .mutate(status=_status(), derived=ibis.literal(True))
    )


def _unnamed(steps: "ir.Table") -> "ir.Table":
    """Requests of plain steps: each success or exhausted line ends one."""
    ends = (_.status == "success") | (_.event == "PROVIDERS_EXHAUSTED")
    before = ibis.window(group_by="source", order_by="offset", preceding=(None, 1), following=None)
    return (
        steps.filter(_.request_id.isnull())
        .mutate(ends=ends.fill_null(False).cast("int64"))
        .mutate(run=_.ends.sum().over(ibis.window(group_by="source", order_by="offset", rows=(None, 0))) - _.ends)
        .group_by("source", "run")
        .agg(ended=_.ends.max(), **_outcome())
        .filter(_.ended == 1)
        .mutate(status=_status(), derived=ibis.literal(True))
    )


def _outcome() -> dict[str, "ir.Deferred"]:
    attempt = _.event == "LLM_ATTEMPT"
    return {
        "at": _.at.max(),
        "total_ms": _.generation_time_ms.sum(),
        "wasted_ms": _.generation_time_ms.sum(where=_.status == "failed").fill_null(0.0),
        "attempted": attempt.any(),
        "answered": (_.status == "success").any().fill_null(False),
        "failed": (_.status == "failed").any().fill_null(False),
        "exhausted": (_.event == "PROVIDERS_EXHAUSTED").any(),
        "with_fallback": (_.event == "FALLBACK").any() | (_.provider.nunique() > 1),
    }


def _status() -> "ir.Deferred":
    return ibis.cases(
        (_.answered, "success"),
        (_.exhausted | _.failed, "exhausted"),
        else_="cancelled",
    )
