"""What the tests of the pages share: a log that the pages are about, each test with a process's state of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The path of the pages' log, which is not there yet; their store is beside it, and there is no service."""
    import streamlit as st  # takes a second, which most of these tests need not wait

    from dashboard import state

    path = tmp_path / "backend_live.log"
    monkeypatch.setenv("METIS_DASHBOARD_STORE", str(tmp_path / "events.duckdb"))
    monkeypatch.setenv("METIS_CONTROL_URL", "http://127.0.0.1:9")  # nothing listens there
    state.choose_logs([str(path)])
    st.cache_resource.clear()
    yield path
    st.cache_resource.clear()
    state.choose_logs([])
