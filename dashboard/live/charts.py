"""The page's four charts with their captions, in the order in which they stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pandas as pd
import plotly.graph_objects as go

from dashboard import figures
from dashboard.alert_board.course import Bar
from dashboard.alert_board.limits import limits
from dashboard.alerts.rule import Metric, Rules
from dashboard.live.frames import Frames
from dashboard.packing import packed
from dashboard.window import Window


def packed_charts(
    frames: Frames, window: Window, at: datetime, choice: str, rules: Rules, bars: Sequence[Bar]
) -> Mapping[str, bytes]:
    """The charts by name, ready to send.

    at: the moment shown as now; choice: the range's name, as long as which stays the same a zoom is kept; bars: of
    the alerts, in the window.
    """
    order, attempts, requests = frames.order, frames.attempts_by_bucket, frames.requests_by_bucket
    intervals = frames.circuit_intervals
    shown = intervals[intervals["end_at"] > pd.Timestamp(window.start)]
    width = f"{window.bucket_s} s buckets" if window.bucket_s < 60 else f"{window.bucket_s // 60} min buckets"
    derived = ", derived from attempts" if frames.derived else ""
    stretch = f"{window.start:%Y-%m-%d %H:%M:%S} to {window.end:%Y-%m-%d %H:%M:%S} UTC"

    def chart(figure: go.Figure, title: str, unit: str, height_px: int) -> bytes:
        figure.update_layout(uirevision=choice)
        alt = f"{title}, {unit}, {stretch}"
        return packed(figure, title=title, unit=unit, alt=alt, group="live", height_px=height_px)

    def with_actions(figure: go.Figure) -> go.Figure:
        return figures.with_actions(figure, frames.actions)

    rates = limits(rules, bars, Metric.ERROR_RATE, Metric.FALLBACK_RATE)
    slow = limits(rules, bars, Metric.RESPONSE_TIME_P95_S)
    return {
        "circuits": chart(
            figures.circuits(order, shown, frames.actions, window, at, rules, bars),
            "Circuits and alerts",
            "OPEN solid, HALF_OPEN hatched, unknown grey; alerts pending light, firing solid; ▲ operator actions; UTC",
            46 + 18 * (len(order) + 1 + len(figures.ALERT_LANES)),
        ),
        "success": chart(
            with_actions(figures.success_rate(attempts, order, window)),
            "Success rate per provider",
            f"% of ended attempts, {width}; hollow: fewer than 5",
            150,
        ),
        "requests": chart(
            with_actions(figures.request_rates(requests, window, rates)),
            "Error rate and fallback rate",
            f"% of requests, {width}{derived}",
            130,
        ),
        "response": chart(
            with_actions(figures.response_time(requests, attempts, order, window, slow)),
            "Response time",
            f"seconds a caller waited, {width}{derived}; median and 95th percentile",
            150,
        ),
    }
