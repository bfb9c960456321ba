"""The Live page where there is no live log: nothing yet, stopped, ended, without JSON."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import traffic
from tests.browser.conftest import IN_A_BROWSER, Dashboard, Watched
from tests.browser.looking import drawn, mode
from tests.browser.traffic import now

pytestmark = IN_A_BROWSER

Open = Callable[..., Watched]
Serve = Callable[[list[str] | None], Dashboard]


def test_an_empty_page_says_what_it_waits_for_and_fills_by_itself(
    serve: Serve, open_page: Open, screenshots: Path
) -> None:
    dashboard = serve(None)
    watched = open_page(dashboard.url)
    page = watched.page
    mode(page, "WAITING")
    expect(page.get_by_text(str(dashboard.log)).first).to_be_visible()
    expect(page.get_by_text("make run")).to_be_visible()
    page.screenshot(path=screenshots / "live-waiting.png")

    dashboard.append(*traffic.story(now()))

    drawn(page)
    mode(page, "LIVE")
    assert (watched.errors, watched.foreign) == ([], [])


def test_a_log_that_has_ended_is_shown_whole_and_called_stale(serve: Serve, open_page: Open, screenshots: Path) -> None:
    dashboard = serve(list(traffic.story(now() - timedelta(days=3))))
    page = open_page(dashboard.url).page

    drawn(page)

    mode(page, "STALE")
    expect(page.get_by_role("radio", name="all", exact=True).first).to_be_checked()
    expect(page.locator(".st-key-live-status")).to_contain_text("3 d")
    expect(page.locator(".st-key-live-strip .level")).to_contain_text("WAS ")
    expect(page.locator(".st-key-live-cards .card").first).to_contain_text("OPEN")
    page.screenshot(path=screenshots / "live-past.png")
