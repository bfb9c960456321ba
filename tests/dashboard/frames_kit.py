"""Small frames with the columns of dashboard.metrics, for tests of what is drawn from them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from dashboard.window import Window

START = datetime(2025, 11, 23, 2, 40, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=10), 10)
ORDER = ("openrouter", "anthropic", "deepseek", "openai")

INTERVALS = ("provider", "state", "start_at", "end_at", "cause", "open_until", "inferred")
TRANSITIONS = ("at", "provider", "from_state", "to_state", "cause", "failures", "open_until")
ACTIONS = ("at", "kind", "text", "actor")
ATTEMPTS = ("bucket_at", "provider", "attempts", "success", "failed", "success_rate", "p50_ms", "p95_ms")
REQUESTS = (
    "bucket_at",
    "total",
    "success",
    "failed",
    "error_rate",
    "with_fallback",
    "fallback_rate",
    "p50_ms",
    "p95_ms",
)
SUMMARY = ("provider", "success", "failed", "success_rate", "p95_ms", "last_reason", "last_failed_at")
RECENT = ("total", "failed", "derived")
FALLBACKS = ("reason", "from_provider", "to_provider", "n")
FAILURES = ("provider", "reason", "http_status", "n")


def at(seconds: float) -> datetime:
    """So many seconds after the window's start."""
    return START + timedelta(seconds=seconds)


def frame(columns: tuple[str, ...], *rows: tuple[Any, ...]) -> pd.DataFrame:
    """A frame of these rows."""
    return pd.DataFrame(list(rows), columns=list(columns))


def attempts(*buckets: tuple[float, str, int, int, float]) -> pd.DataFrame:
    """attempts_by_bucket from (second, provider, success, failed, p95 in ms)."""
    rows = [(at(s), p, ok + bad, ok, bad, ok / (ok + bad), p95 / 2, p95) for s, p, ok, bad, p95 in buckets]
    return frame(ATTEMPTS, *rows)


def requests(*buckets: tuple[float, int, float, float, float]) -> pd.DataFrame:
    """requests_by_bucket from (second, total, error rate, fallback rate, p95 in ms)."""
    rows = [(at(s), n, n - round(n * e), round(n * e), e, round(n * f), f, p95 / 2, p95) for s, n, e, f, p95 in buckets]
    return frame(REQUESTS, *rows)
