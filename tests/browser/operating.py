"""How a test reads and uses the Operations page."""

from playwright.sync_api import Locator, Page, expect


def rows(page: Page) -> Locator:
    """The rows of the chain, the service's or the log's."""
    return page.locator(".st-key-ops-chain li, .st-key-ops-chain_in_log li")


def listed(page: Page) -> list[str]:
    """The order in the form."""
    return [
        text.strip()
        for text in page.locator(".st-key-ops-chain li").evaluate_all("all => all.map(e => e.dataset.provider)")
    ]


def shows_order(page: Page, *names: str) -> None:
    """Waits until the chain is in this order."""
    for i, name in enumerate(names):
        expect(rows(page).nth(i)).to_have_attribute("data-provider", name)


def give_reason(page: Page, text: str) -> None:
    """Types why."""
    page.get_by_label("Reason (goes into the log)").fill(text)


def do(page: Page) -> Locator:
    """The button that acts."""
    return page.locator(".st-key-ops-do button").last  # for a moment Streamlit keeps the one before, too


def says(page: Page, part: str) -> Locator:
    """One part of the page, by its key."""
    return page.locator(f".st-key-ops-{part}")


def has_no_way_to_act(page: Page, *besides: str) -> None:
    """Checks that there is nothing to press but the diagnostics (and buttons named `besides`), nothing to type into."""
    expect(page.get_by_role("button", name="Run the runbook's checks")).to_be_visible()  # the last of the page
    assert page.get_by_test_id("stButton").all_inner_texts() == [*besides, "Run the runbook's checks"]
    assert page.locator(".st-key-ops-chain button").count() == 0
    assert page.locator("input[type=text], input:not([type])").count() == 0
