"""The Review page in a browser: an incident by a click and by its link, its evidence, a note, and its files."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from resilience.simulator.samples import DIRECTORY
from tests.browser.conftest import IN_A_BROWSER, Dashboard, Watched

pytestmark = IN_A_BROWSER

ADDRESS = "/review?review.incident=incident-20260302T110014Z"


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Dashboard], tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    store = tmp_path_factory.mktemp("store") / "events.duckdb"
    return serve(DIRECTORY / "mixed_day.log", METIS_DASHBOARD_STORE=str(store))


def drawn(page: Page) -> None:
    """Waits until the last chart and the timeline are there."""
    expect(page.locator(".st-key-review-response path.js-line").first).to_be_attached()
    expect(page.locator(".st-key-review-timeline li").first).to_be_attached()


def test_a_click_on_an_incident_is_a_link_that_restores_it(
    dashboard: Dashboard, open_page: Callable[..., Watched], screenshots: Path
) -> None:
    watched = open_page(dashboard.url, ADDRESS)
    page = watched.page
    drawn(page)
    expect(page.get_by_role("heading", name="slow answers")).to_be_visible()

    page.get_by_role("button", name=re.compile("openrouter: timeout")).click()

    expect(page.get_by_role("heading", name="openrouter: timeout")).to_be_visible()
    expect(page).to_have_url(re.compile(r"review\.incident=incident-20260302T140046Z"))
    page.screenshot(path=screenshots / "review.png")
    again = open_page(dashboard.url, page.url.removeprefix(dashboard.url)).page
    drawn(again)
    expect(again.get_by_role("heading", name="openrouter: timeout")).to_be_visible()
    expect(
        again.locator(".st-key-review-incidents [aria-current], .st-key-review-list [aria-current]")
    ).to_contain_text("4")
    assert (watched.errors, watched.foreign) == ([], [])


def test_a_step_shows_its_line_with_five_before_and_after(
    dashboard: Dashboard, open_page: Callable[..., Watched]
) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    drawn(page)

    page.locator(".st-key-review-timeline summary").first.click()

    shown = page.locator(".st-key-review-timeline details[open] pre")
    expect(shown).to_be_visible()
    assert len(shown.inner_text().strip().splitlines()) == 11
    assert "LLM_REQUEST" in shown.locator("b").inner_text()


def test_a_note_stays_over_a_reload(dashboard: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    drawn(page)

    page.get_by_label("Note", exact=True).fill("The provider was slow for everybody.")
    page.get_by_role("button", name="Add the note").click()

    expect(page.locator(".st-key-review-notes")).to_contain_text("The provider was slow for everybody.")
    page.reload()
    expect(page.locator(".st-key-review-notes")).to_contain_text("The provider was slow for everybody.")


def test_a_button_gives_the_post_mortem(dashboard: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    drawn(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="Post-mortem (Markdown)").click()

    assert download.value.suggested_filename == "incident-20260302T110014Z.md"
    assert "# Post-mortem: slow answers" in download.value.path().read_text("utf-8")


def downloaded(page: Page, button: str, to: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    file = to / download.value.suggested_filename
    download.value.save_as(file)
    return file


def test_the_page_for_others_opens_without_a_network(
    dashboard: Dashboard, open_page: Callable[..., Watched], browser: Browser, tmp_path: Path
) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    drawn(page)

    file = downloaded(page, "Page (HTML, offline)", tmp_path)

    context = browser.new_context(offline=True)
    offline = context.new_page()
    offline.goto(file.as_uri())
    offline.wait_for_selector("html[data-drawn=yes]")
    expect(offline.get_by_role("heading", name="Incident: slow answers")).to_be_visible()
    assert offline.locator("figure .main-svg").count() >= 4
    assert offline.locator("li").count() > 3
    context.close()


def test_the_archive_has_the_evidence(dashboard: Dashboard, open_page: Callable[..., Watched], tmp_path: Path) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    drawn(page)

    file = downloaded(page, "Archive (evidence, tables)", tmp_path)

    with zipfile.ZipFile(file) as bundle:
        assert bundle.testzip() is None
        assert "LLM_REQUEST" in bundle.read("incident_logs.txt").decode()
        assert json.loads(bundle.read("settings.json"))["at"] == "2026-03-02 11:00:14.012 UTC"


def test_a_box_in_a_chart_is_a_range_by_hand(dashboard: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    drawn(page)

    page.locator(".st-key-review-success .nsewdrag").scroll_into_view_if_needed()
    box = page.locator(".st-key-review-success .nsewdrag").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=5)
    page.mouse.up()

    expect(page.get_by_text("a range chosen by hand")).to_be_visible()
    expect(page).to_have_url(re.compile(r"review\.from=2026-03-02T1"))


def test_on_a_phone_nothing_is_wider_than_the_screen(dashboard: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(dashboard.url, ADDRESS).page
    page.set_viewport_size({"width": 390, "height": 844})
    drawn(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
