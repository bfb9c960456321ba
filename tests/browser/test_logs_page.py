"""The Logs page in a real browser: a link restores it, a marked line tells its request's story, SQL answers."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import IN_A_BROWSER, REPOSITORY, Dashboard, Watched

pytestmark = IN_A_BROWSER
LOG = REPOSITORY / "sample_logs" / "primary_down.log"


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Dashboard], tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    log = tmp_path_factory.mktemp("log") / "backend_live.log"
    log.write_bytes(LOG.read_bytes())
    return serve(log, METIS_DASHBOARD_STORE=str(log.parent / "store"))


def link(**query: str) -> str:
    return "/logs?" + urlencode({f"logs.{name}": value for name, value in query.items()})


def rescued() -> str:
    """The id of a request that fell back."""
    line = next(line for line in LOG.read_text().splitlines() if '"event":"FALLBACK"' in line)
    return str(json.loads(line[line.index("{") :])["request_id"])


def caption(page: Page) -> None:
    expect(page.locator(".st-key-logs-caption")).to_contain_text("line")


def test_a_link_restores_search_and_story(
    dashboard: Dashboard, open_page: Callable[..., Watched], screenshots: Path
) -> None:
    request = rescued()
    watched = open_page(dashboard.url, link(request=request, level="all"))

    steps = watched.page.locator(".st-key-logs-waterfall li")

    expect(steps.first).to_be_visible()
    expect(watched.page.locator(".st-key-logs-waterfall")).to_contain_text("→")
    expect(watched.page.locator("input[aria-label='request id']")).to_have_value(request)
    watched.page.screenshot(path=screenshots / "logs_story.png")
    assert watched.errors == []
    assert watched.foreign == []


def test_a_search_of_the_runbook_stands_in_the_address(dashboard: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(dashboard.url, "/logs").page
    caption(page)

    page.get_by_role("combobox", name="search of the runbook").click()
    page.get_by_role("option", name="Openings of circuits").click()

    expect(page.locator(".st-key-logs-caption")).to_contain_text('grep "circuit.*OPEN" backend_live.log')
    page.wait_for_function("location.search.includes('Openings')")
    page.reload()
    expect(page.locator(".st-key-logs-caption")).to_contain_text('grep "circuit.*OPEN" backend_live.log')


def test_a_marked_line_is_shown_whole_with_its_request_s_story(
    dashboard: Dashboard, open_page: Callable[..., Watched]
) -> None:
    page = open_page(dashboard.url, link(event="FALLBACK")).page
    caption(page)
    table = page.locator(".st-key-logs-table .dvn-scroller").first
    expect(table).to_be_visible()

    table.click(position={"x": 18, "y": 50})  # the first row's mark; the table is drawn, not made of nodes

    expect(page.locator(".st-key-logs-waterfall li").first).to_be_visible()
    expect(page.get_by_test_id("stCode").filter(has_text='"event":"FALLBACK"').first).to_be_visible()


def test_a_link_brings_sql_along_and_only_a_click_asks_it(
    dashboard: Dashboard, open_page: Callable[..., Watched], screenshots: Path
) -> None:
    page = open_page(dashboard.url, link(sql="SELECT status, count(*) AS n FROM attempts GROUP BY ALL")).page
    console = page.locator(".st-key-logs-console")
    ask = console.get_by_role("button", name="Ask", exact=True)
    expect(ask).to_be_enabled()
    expect(console.get_by_test_id("stDataFrame")).to_have_count(0)

    ask.click()

    expect(console.get_by_test_id("stDataFrame")).to_be_visible()
    expect(console).to_contain_text("rows in")
    page.screenshot(path=screenshots / "logs_sql.png")


def test_what_is_shown_can_be_taken_away(dashboard: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(dashboard.url, link(saved="Openings of circuits")).page
    caption(page)

    with page.expect_download() as loaded:
        page.get_by_role("button", name="Text", exact=True).click()

    grepped = subprocess.run(["grep", "circuit.*OPEN", str(LOG)], capture_output=True, check=True).stdout
    assert Path(loaded.value.path()).read_bytes() == grepped


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(dashboard: Dashboard, open_page: Callable[..., Watched], width: int) -> None:
    page = open_page(dashboard.url, link(request=rescued())).page
    page.set_viewport_size({"width": width, "height": 844})
    expect(page.locator(".st-key-logs-waterfall li").first).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width


def test_a_link_s_range_outlives_the_one_that_is_usual_for_an_old_log(
    dashboard: Dashboard, open_page: Callable[..., Watched]
) -> None:
    page = open_page(dashboard.url, "/logs?live.range=5+min").page

    caption(page)
    expect(page.get_by_role("radio", name="5 min", exact=True)).to_be_checked()
