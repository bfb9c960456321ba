"""Requests, and reasons of failures, of logs that do not say them outright.

A structured log has one LLM_REQUEST per request, and a reason in each attempt that failed. The runbook's plain lines
have neither: requests are put together from the attempts, reasons are taken from the line after the attempt.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

import ibis
from ibis import _

from dashboard.kinds import ATTEMPT, EXHAUSTED, FALLBACK, REQUEST, of_kind, with_plain, within
from dashboard.plain import FAILED
from dashboard.window import Window

if TYPE_CHECKING:
    import ibis.expr.types as ir

LONGEST_REQUEST = timedelta(hours=1)
"""How far before a window the first steps of a derived request are looked for."""


def requests(events: "ir.Table", window: Window) -> "ir.Table":
    """The requests that ended in the window, one row each.

    Columns: at, status (as in LLM_REQUEST), with_fallback (bool), total_ms, wasted_ms (float), derived (bool).
    A source without LLM_REQUEST events has derived ones: with a request_id, its attempts, fallbacks and exhaustion are
    one request; without, the lines up to a success or an exhaustion are. A run of lines without an end is no request.
    Their total_ms is the time in attempts: waits between them are not known.
    Source: LLM_REQUEST, else LLM_ATTEMPT, FALLBACK, PROVIDERS_EXHAUSTED; docs/metrics.md, "Derived requests".
    """
    logged = within(of_kind(events, REQUEST), window).select(
        "at", "status", with_fallback=_.fallbacks > 0, total_ms=_.total_ms, wasted_ms=_.wasted_ms, derived=ibis.literal(False)
    )
    steps = _steps(events, Window(window.start - LONGEST_REQUEST, window.end, window.bucket_s))
    ends = _.request_id.isnull() & ((_.status == "success") | (_.event == EXHAUSTED)).fill_null(False)
    so_far = ibis.window(group_by="source", order_by="offset", preceding=None, following=0)
    runs = (
        steps.mutate(ends=ends.cast("int64"))
        .mutate(run=_.request_id.isnull().ifelse(_.ends.sum().over(so_far) - _.ends, ibis.null("int64")))
        .group_by("source", "request_id", "run")
        .agg(
            at=_.at.max(),
            ended=(_.ends == 1).any() | _.request_id.max().notnull(),
            answered=(_.status == "success").any().fill_null(False),
            ran=(_.event == ATTEMPT).any(),
            failed=(_.status == "failed").any().fill_null(False),
            exhausted=(_.event == EXHAUSTED).any(),
            with_fallback=(_.event == FALLBACK).any() | (_.provider.nunique() > 1),
            total_ms=_.generation_time_ms.sum(),
            wasted_ms=_.generation_time_ms.sum(where=_.status == "failed").fill_null(0.0),
        )
        .filter(_.ended & (_.ran | _.exhausted))
        .mutate(
            status=ibis.cases((_.answered, "success"), (_.exhausted | _.failed, "exhausted"), else_="cancelled"),
            derived=ibis.literal(True),
        )
    )
    return with_plain(logged, within(runs, window))


def failures(events: "ir.Table", window: Window) -> "ir.Table":
    """The window's failed attempts with their reasons, and plain failure lines that stand alone.

    Columns: at, provider, reason, http_status; NULL where the log does not say.
    A plain attempt's reason is that of the failure line which follows it directly.
    Source: LLM_ATTEMPT with status failed; plain "Provider failed" and "Provider timeout" lines.
    """
    attempts = within(of_kind(events, ATTEMPT), window)
    columns = ["at", "provider", "reason", "http_status"]
    structured = attempts.filter(~_.plain & (_.status == "failed")).select(columns)
    in_file = ibis.window(group_by="source", order_by="offset")
    needed = ["source", "offset", "event", *columns]
    lines = attempts.filter(_.plain).mutate(failed=_.status == "failed").select(*needed, "failed")
    told = within(of_kind(events, FAILED), window).mutate(failed=ibis.literal(True)).select(*needed, "failed")
    waiting = (_.event == ATTEMPT) & _.failed & _.reason.isnull()
    plain = (
        lines.union(told)
        .mutate(waiting=waiting)
        .mutate(
            told=_.waiting & (_.event.lead().over(in_file) == FAILED).fill_null(False),
            reason_after=_.reason.lead().over(in_file),
            status_after=_.http_status.lead().over(in_file),
            tells=(_.event == FAILED) & _.waiting.lag().over(in_file).fill_null(False),
        )
        .filter(_.failed & ~_.tells)
        .mutate(
            reason=ibis.cases((_.told, _.reason_after), else_=_.reason),
            http_status=ibis.cases((_.told, _.status_after), else_=_.http_status),
        )
    )
    return with_plain(structured, plain)


def _steps(events: "ir.Table", window: Window) -> "ir.Table":
    """Attempts, fallbacks and exhaustions of sources that have no LLM_REQUEST."""
    columns = ["source", "offset", "at", "event", "request_id", "provider", "status", "generation_time_ms"]
    parts = [within(of_kind(events, name), window).select(columns) for name in (ATTEMPT, FALLBACK, EXHAUSTED)]
    logged = of_kind(events, REQUEST).select("source").distinct()
    return ibis.union(*parts).anti_join(logged, "source")
