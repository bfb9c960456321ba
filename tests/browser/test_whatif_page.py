"""The Review page's what-if in a browser: a link's form, a replay beside reality, a sweep with its charts and table."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from resilience.simulator.samples import DIRECTORY
from tests.browser.conftest import IN_A_BROWSER, Dashboard, Watched

pytestmark = IN_A_BROWSER

ADDRESS = "/review?review.from=2026-03-02T00:04:00Z&review.to=2026-03-02T00:10:00Z&whatif.draws=2"
PLAYED_MS = 60_000  # the process that replays stands back for everybody else on a busy machine


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Dashboard], tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    store = tmp_path_factory.mktemp("store") / "events.duckdb"
    return serve(DIRECTORY / "all_down.log", METIS_DASHBOARD_STORE=str(store))


def test_another_threshold_stands_beside_reality_and_a_sweep_shows_them_all(
    dashboard: Dashboard, open_page: Callable[..., Watched], screenshots: Path
) -> None:
    watched = open_page(dashboard.url, ADDRESS)
    page = watched.page
    threshold = page.get_by_label("Failures that open a circuit")
    expect(threshold).to_have_attribute("placeholder", "as it was: 3")
    expect(page.get_by_label("Draws")).to_have_value("2")

    threshold.fill("5")
    threshold.press("Enter")
    page.get_by_role("button", name="Replay", exact=True).click()

    expect(page.locator(".st-key-whatif-compared td").first).to_have_text("success rate", timeout=PLAYED_MS)
    expect(page.get_by_text(re.compile(r"--set circuit_threshold=5 .*--draws 2"))).to_be_visible()
    expect(page).to_have_url(re.compile("whatif.circuit_threshold=5"))

    page.get_by_label("Sweep: thresholds").fill("2,3")
    page.get_by_label("Sweep: thresholds").press("Enter")
    page.get_by_role("button", name="Sweep", exact=True).click()

    expect(page.locator(".st-key-whatif-swept tbody tr")).to_have_count(7, timeout=PLAYED_MS)
    expect(page.locator(".st-key-whatif-swept")).to_contain_text("60 ◆")
    expect(page.locator(".st-key-whatif-sweep_success .scatterlayer path.js-line")).to_have_count(3)
    for width, name in ((1280, "whatif"), (390, "whatif_phone")):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=screenshots / f"{name}.png", full_page=True)
    assert (watched.errors, watched.foreign) == ([], [])

    again = open_page(dashboard.url, page.url.removeprefix(dashboard.url)).page
    expect(again.get_by_label("Failures that open a circuit")).to_have_value("5")
    expect(again.get_by_label("Sweep: thresholds")).to_have_value("2,3")
    expect(again.locator(".st-key-whatif-compared")).to_have_count(0)  # only a click replays
