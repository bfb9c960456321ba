"""Several instances are told apart, and the distance of their clocks is shown where it can be told."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.ingest import Ingest
from dashboard.ingest_status import Tally
from dashboard.logs.instances import Instance, instances
from dashboard.stats import document
from dashboard.stats_table import rendered
from dashboard.store import Store
from dashboard.tailed_file import FileState, FileStatus
from dashboard.window import Window
from resilience.events import Event, Origin, RequestFinished, RequestStatus, ServiceStarted, to_line

ALL = Window.of(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
AT_S = datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp()


def request(number: int) -> Event:
    return RequestFinished(
        request_id=f"r{number}",
        status=RequestStatus.SUCCESS,
        provider="openrouter",
        attempts=1,
        fallbacks=0,
        total_ms=10.0,
        wasted_ms=0.0,
    )


def log(path: Path, instance: str, times_s: Sequence[float], *, ahead_s: float = 0.0, first: int = 0) -> Path:
    origin = Origin("metis", instance, 1)
    started = ServiceStarted(version="1", config_version=1, order=("openrouter",))
    lines = [to_line(started, AT_S + times_s[0] + ahead_s, origin)]
    lines += [to_line(request(first + n), AT_S + time_s + ahead_s, origin) for n, time_s in enumerate(times_s)]
    path.write_text("".join(lines), "utf-8")
    return path


def found(*paths: Path) -> tuple[tuple[Instance, ...], Store]:
    store = Store.open(None)
    Ingest(store, [str(path) for path in paths], follow=False).run_once()
    return instances(store, ALL), store


def test_one_instance_has_its_name_times_and_no_skew(tmp_path: Path) -> None:
    [one], store = found(log(tmp_path / "a.log", "host-1", [0, 1, 2]))

    assert (one.names, one.events, one.lines) == (("host-1",), 4, 4)
    assert (one.first.timestamp(), one.last.timestamp()) == (AT_S, AT_S + 2)
    assert (one.skew_ms, one.basis, one.set_back_ms) == (None, "unknown", None)
    store.close()


def test_requests_that_two_instances_share_tell_the_distance_of_their_clocks(tmp_path: Path) -> None:
    first = log(tmp_path / "a.log", "host-1", range(9))
    second = log(tmp_path / "b.log", "host-2", range(4), ahead_s=2.5)

    [reference, other], store = found(first, second)

    assert (reference.names, reference.skew_ms) == (("host-1",), None)
    assert (other.names, other.skew_ms, other.basis) == (("host-2",), 2500.0, "shared requests (4)")
    store.close()


def test_two_shared_requests_are_too_few(tmp_path: Path) -> None:
    first = log(tmp_path / "a.log", "host-1", range(9))
    second = log(tmp_path / "b.log", "host-2", range(4), ahead_s=2.5, first=7)

    [_, other], store = found(first, second)

    assert (other.skew_ms, other.basis) == (None, "unknown")
    store.close()


def test_a_clock_that_was_set_back_is_said(tmp_path: Path) -> None:
    first = log(tmp_path / "a.log", "host-1", [0, 10, 20, 13.5, 14])
    second = log(tmp_path / "b.log", "host-2", [0, 1, 0.5], first=100)

    rows, store = found(first, second)

    assert [row.set_back_ms for row in rows] == [6500.0, None]
    store.close()


def test_times_are_never_corrected(tmp_path: Path) -> None:
    first = log(tmp_path / "a.log", "host-1", range(5))
    second = log(tmp_path / "b.log", "host-2", range(5), ahead_s=3600)

    _, store = found(first, second)

    newest = store.extent()
    assert newest is not None
    assert newest[1].timestamp() == AT_S + 4 + 3600
    store.close()


@pytest.mark.parametrize(("lags_s", "lag_s"), [([0.2, 0.1, 5.0], 0.1), ([-3.0, 0.2], -3.0)])
def test_lines_read_as_they_are_written_tell_the_distance_from_this_clock(lags_s: list[float], lag_s: float) -> None:
    tally, read_at = Tally(), datetime(2026, 3, 2, tzinfo=UTC)
    tally.add("old", 1, 0, read_at - timedelta(hours=5), read_at)
    for each in lags_s:
        tally.add("live", 1, 0, read_at - timedelta(seconds=each), read_at, live=True)

    files = [FileStatus("a", name, 1, 1, FileState.FOLLOWING, "") for name in ("old", "live")]
    status = tally.status(files, "")

    assert [source.lag_s for source in status.sources] == [None, lag_s]


def test_the_live_distance_is_the_one_shown(tmp_path: Path) -> None:
    _, store = found(log(tmp_path / "a.log", "host-1", [0, 1, 2]))
    [source] = store.checkpoints()

    [one] = instances(store, ALL, {source: -1500.0})

    assert (one.skew_ms, one.basis) == (1500.0, "read live")
    store.close()


def test_stats_has_the_instances_as_json_and_as_a_table(tmp_path: Path) -> None:
    first = log(tmp_path / "a.log", "host-1", range(9))
    second = log(tmp_path / "b.log", "[red]host-2", range(4), ahead_s=2.5)
    store = Store.open(None, keeps_lines=False)
    Ingest(store, [str(first), str(second)], follow=False).run_once()

    told = document(store)

    assert told["instances"][1] == {
        "source": told["instances"][1]["source"],
        "names": ["[red]host-2"],
        "first": "2026-03-02T10:00:02.500Z",
        "last": "2026-03-02T10:00:05.500Z",
        "events": 5,
        "skew_ms": 2500.0,
        "skew_basis": "shared requests (4)",
        "set_back_ms": None,
    }
    assert "[red]host-2" in rendered(told)
    assert "+2.50 s" in rendered(told)
    store.close()
