"""How a test reads and uses the Live page."""

from datetime import UTC, datetime

from playwright.sync_api import Page, expect

CHARTS = ("circuits", "success", "requests", "response")


def drawn(page: Page) -> None:
    """Waits until all charts have drawn their lines and bars."""
    expect(page.locator(".st-key-live-circuits .bars path").first).to_be_attached()
    for name in CHARTS[1:]:
        expect(page.locator(f".st-key-live-{name} path.js-line").first).to_be_attached()


def time_axis(page: Page, chart: str) -> list[str]:
    """The ends of a chart's time axis."""
    return page.evaluate(
        "name => document.querySelector(`.st-key-live-${name} .js-plotly-plot`).layout.xaxis.range.map(String)", chart
    )


def shows_range(page: Page, chart: str, start: datetime, end: datetime) -> None:
    """Waits until a chart's time axis goes from start to end."""
    page.wait_for_function(
        """([name, ...ends]) => {
            const axis = document.querySelector(`.st-key-live-${name} .js-plotly-plot`).layout.xaxis;
            return axis.range.every((edge, i) => Math.abs(Date.parse(`${edge}Z`) - ends[i]) < 2);
        }""",
        arg=[chart, start.timestamp() * 1000, end.timestamp() * 1000],
    )


def shows_minutes(page: Page, minutes: int) -> None:
    """Waits until all charts' time axes are so many minutes long: a range that was chosen has arrived in them."""
    page.wait_for_function(
        """([names, span]) => names.every(name => {
            const axis = document.querySelector(`.st-key-live-${name} .js-plotly-plot`)?.layout.xaxis;
            const [start, end] = (axis?.range ?? ["", ""]).map(edge => Date.parse(`${edge}Z`));
            return Math.abs(end - start - span) < 0.1 * span;
        })""",
        arg=[list(CHARTS), minutes * 60_000],
    )


def drag(page: Page, chart: str, tool: str, start: float, end: float) -> None:
    """Draws a box in a chart with the tool of that name, between two places of its width (0..1)."""
    page.locator(f".st-key-live-{chart} .plot").hover()
    page.locator(f".st-key-live-{chart} button[aria-label='{tool}']").click()
    inside = page.locator(f".st-key-live-{chart} .nsewdrag").first
    expect(inside).to_be_visible()  # a refresh draws it anew
    area = inside.bounding_box()
    assert area is not None
    y = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * start, y)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * end, y + 5, steps=4)
    page.mouse.up()


def mode(page: Page, word: str) -> None:
    """Waits until the page says LIVE, PAUSED, STALE or WAITING."""
    expect(page.locator(".st-key-live-status .mode")).to_contain_text(word)


def shows_line(page: Page, text: str) -> None:
    """Waits until the raw lines hold a text."""
    expect(page.locator(".st-key-live-lines")).to_contain_text(text)


def as_time(text: str) -> datetime:
    """Plotly's or the URL's time."""
    return datetime.fromisoformat(text.replace(" ", "T")).replace(tzinfo=UTC)
