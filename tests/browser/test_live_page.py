"""The Live page over a log that grows: the real process, a real browser, nothing in between."""

import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import traffic
from tests.browser.conftest import IN_A_BROWSER, Dashboard, Watched
from tests.browser.looking import CHARTS, as_time, drag, drawn, mode, shows_line, shows_minutes, shows_range, time_axis
from tests.browser.traffic import attempt, line, now

pytestmark = IN_A_BROWSER

# The page follows within a fraction of a second on an idle machine; this is for a busy one.
SEEN_WITHIN_S = 4.0


@pytest.fixture(scope="module")
def live(serve: Callable[..., Dashboard]) -> Dashboard:
    return serve(list(traffic.story(now())), STREAMLIT_SERVER_ALLOWED_HOSTS="dash.example")


@pytest.fixture(scope="module")
def opened(live: Dashboard, open_page: Callable[..., Watched]) -> Watched:
    watched = open_page(live.url)
    drawn(watched.page)
    return watched


@pytest.fixture
def page(opened: Watched, live: Dashboard) -> Iterator[Page]:
    """The one page of these tests: at its top, following the last 15 minutes, not zoomed, before each of them."""
    shows_minutes(opened.page, 15)
    opened.page.locator("h1").scroll_into_view_if_needed()
    opened.page.mouse.move(640, 20)
    yield opened.page
    opened.page.set_viewport_size({"width": 1280, "height": 800})
    opened.page.emulate_media(color_scheme="light")
    if opened.page.get_by_role("button", name="Resume").count():
        opened.page.get_by_role("button", name="Resume").click()
    for whole in opened.page.locator(".whole:visible").all()[:1]:
        whole.click()
    mode(opened.page, "LIVE")
    assert (opened.errors, opened.foreign) == ([], [])


def attempt_line(request_id: str, provider: str = "anthropic") -> str:
    return line(attempt(request_id, provider, 1234.0), now())


def count_of(page: Page, provider: str) -> str:
    """What a provider's card says about its number of attempts: it changes when the page refreshes."""
    return page.locator(".st-key-live-cards .card").nth(traffic.ORDER.index(provider)).locator(".count").inner_text()


def refreshed(page: Page, live: Dashboard, request_id: str) -> None:
    """Writes a line and waits until the page has taken it in."""
    before = count_of(page, "openai")
    live.append(attempt_line(request_id, "openai"))
    expect(page.locator(".st-key-live-cards .card").nth(3).locator(".count")).not_to_have_text(before)


def test_everything_is_drawn(page: Page) -> None:
    expect(page.locator(".st-key-live-strip .headline")).to_contain_text("Fallback rate")
    expect(page.locator(".st-key-live-cards .card")).to_have_count(4)
    expect(page.locator(".st-key-live-cards .card").first).to_contain_text("PRIMARY")
    lanes = page.locator(".st-key-live-circuits .ytick text").all_text_contents()
    assert lanes[::-1] == [*traffic.ORDER, "▲ critical", "◆ warning", "actions"]
    expect(page.locator(".st-key-live-alerts .row")).to_have_count(6)
    for chart in CHARTS[1:]:
        assert page.locator(f".st-key-live-{chart} path.js-line").count() >= 2
    expect(page.locator(".st-key-live-reasons")).to_contain_text("429 Rate Limit Exceeded")
    expect(page.locator(".st-key-live-guards .guard").first).to_contain_text("pii redacted")
    expect(page.locator(".st-key-live-guards .fact").first).to_contain_text("p95")
    assert page.locator("h1").inner_text() == "METIS LLM resilience"


def test_verdict_rules_chain_and_circuits_need_no_scrolling_at_1280_by_800(page: Page) -> None:
    for name in ("strip", "alerts", "cards", "circuits"):
        area = page.locator(f".st-key-live-{name}").bounding_box()
        assert area is not None
        assert area["y"] >= 0
        assert area["y"] + area["height"] <= 800
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_line_written_to_the_log_is_soon_on_the_page(
    page: Page, live: Dashboard, record_property: Callable[[str, object], None]
) -> None:
    seconds = []

    for i in range(8):
        written = time.perf_counter()
        live.append(attempt_line(f"soon-{i}"))
        shows_line(page, f"soon-{i}")
        seconds.append(time.perf_counter() - written)

    record_property("append_to_dom_median_s", round(median(seconds), 3))
    assert median(seconds) < SEEN_WITHIN_S


def test_a_refresh_keeps_the_zoom_in_all_charts(page: Page, live: Dashboard) -> None:
    whole = list(map(as_time, time_axis(page, "response")))
    drag(page, "success", "Zoom", 0.3, 0.6)
    expect(page.locator(".whole:visible")).to_have_count(4)
    start, end = map(as_time, time_axis(page, "success"))

    refreshed(page, live, "zoomed-1")
    refreshed(page, live, "zoomed-2")

    assert whole[0] < start < end < whole[1]
    for chart in CHARTS:
        shows_range(page, chart, start, end)
    page.locator(".whole:visible").first.click()
    expect(page.locator(".whole:visible")).to_have_count(0)
    assert as_time(time_axis(page, "response")[0]) < start


def test_a_box_sets_the_range_for_the_page_and_pauses_until_a_key_resumes(page: Page, live: Dashboard) -> None:
    start, end = map(as_time, time_axis(page, "success"))

    drag(page, "success", "Box Select", 0.25, 0.5)

    mode(page, "PAUSED")
    asked = parse_qs(urlsplit(page.url).query)
    chosen = [as_time(asked[f"live.{edge}"][0].removesuffix("Z")) for edge in ("from", "to")]
    for place, at in zip((0.25, 0.5), chosen, strict=True):
        assert abs((start + (end - start) * place - at).total_seconds()) < 30
    live.append(attempt_line("while-paused"))
    expect(page.locator(".st-key-live-status")).to_contain_text("newer event")
    expect(page.locator(".st-key-live-lines")).not_to_contain_text("while-paused")
    for chart in CHARTS:
        shows_range(page, chart, *chosen)

    page.locator("body").press("l")

    mode(page, "LIVE")
    shows_line(page, "while-paused")
    assert "live.from" not in page.url


def test_a_link_shows_the_same_range_to_somebody_else(
    page: Page, live: Dashboard, open_page: Callable[..., Watched]
) -> None:
    page.get_by_role("radio", name="5 min", exact=True).click()
    page.get_by_role("radio", name="errors", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    mode(page, "PAUSED")

    other = open_page(live.url, path=page.url.removeprefix(live.url)).page

    drawn(other)
    mode(other, "PAUSED")
    assert time_axis(page, "circuits") == time_axis(other, "circuits")
    expect(other.get_by_role("radio", name="errors", exact=True)).to_be_checked()
    page.get_by_role("radio", name="all", exact=True).last.click()
    page.get_by_role("radio", name="15 min", exact=True).click()
    live.append(attempt_line("back-to-live"))
    mode(page, "LIVE")


SCROLLED = "box => [box, ...box.querySelectorAll('*')].find(e => e.scrollHeight - e.clientHeight > 50).scrollTop"


def test_lines_stay_still_under_a_reader(page: Page, live: Dashboard) -> None:
    box = page.locator(".st-key-live-lines").first
    box.hover()
    page.mouse.wheel(0, -600)
    live.append(attempt_line("first-unseen"))
    expect(page.get_by_text("held while you read")).to_be_visible()
    held, place = box.inner_text(), box.evaluate(SCROLLED)

    refreshed(page, live, "second-unseen")

    assert (box.inner_text(), box.evaluate(SCROLLED)) == (held, place)
    page.mouse.wheel(0, 5000)
    shows_line(page, "second-unseen")


def test_without_the_event_stream_the_page_still_follows(live: Dashboard, open_page: Callable[..., Watched]) -> None:
    page = open_page(live.url, without="**/bell").page
    drawn(page)

    live.append(attempt_line("without-stream"))

    shows_line(page, "without-stream")
    page.close()


def test_another_host_name_is_refused_and_every_page_carries_the_policy(live: Dashboard) -> None:
    rebound = urllib.request.Request(live.url, headers={"Host": "evil.example"})
    by_a_proxy = urllib.request.Request(live.url, headers={"Host": "dash.example"})

    with urllib.request.urlopen(by_a_proxy) as answer:
        assert answer.status == 200
    with pytest.raises(HTTPError, match="400"):
        urllib.request.urlopen(rebound)
    with urllib.request.urlopen(live.url) as answer:
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


HOSTILE = (
    "![x](http://evil.example/image.png) <img src=http://evil.example/html.png> <script>window.hacked=1</script>",
    "[click](javascript:alert(1)) <a href='http://evil.example'>x</a> :red[spoof] $\\frac{a}{b}$ :material/alarm:",
    "\x1b[31mansi\x1b[0m \x1b]8;;http://evil.example\x07osc\x1b]8;;\x07 bidi \u202egnp.exe\u202c zero\u200bwidth",
    "2026-01-01T00:00:00.000Z INFO:src.integrations.llm.unified_client:"
    "⚠️ Falling back to provider: <img src=http://evil.example/plain.png> (reason: <b>timeout</b>)",
)


def test_hostile_lines_stay_text(page: Page, live: Dashboard) -> None:
    live.append(*(f"{text}\n" for text in HOSTILE), attempt_line("<img-src=http://evil.example/id.png>"))
    live.append(attempt_line("after-hostile"))

    shows_line(page, "after-hostile")
    text = page.locator(".st-key-live-lines").inner_text()
    assert "![x](http://evil.example/image.png) <img src=http://evil.example/html.png>" in text
    assert "ansi osc bidi gnp.exe zerowidth" in text
    assert not set("\x1b\u202e\u200b\x07") & set(page.content())
    assert page.evaluate("window.hacked") is None
    assert page.locator("[src*='evil'], [href*='evil'], [href^='javascript']").count() == 0


@pytest.mark.parametrize(
    ("name", "scheme", "width", "height"),
    [("light", "light", 1280, 800), ("dark", "dark", 1280, 800), ("phone", "light", 390, 844)],
)
def test_it_looks_right(
    page: Page, screenshots: Path, name: str, scheme: Literal["light", "dark"], width: int, height: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    background = "rgb(15, 20, 25)" if scheme == "dark" else "rgb(255, 255, 255)"
    expect(page.locator(".stApp")).to_have_css("background-color", background)
    page.wait_for_function("w => document.querySelector('.st-key-live-success .main-svg').clientWidth <= w", arg=width)

    page.screenshot(path=screenshots / f"live-{name}.png")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
