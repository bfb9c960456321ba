"""The report's HTML page in a browser without a network: charts are drawn, move together, and nothing from a log runs."""

from pathlib import Path

from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from dashboard.__main__ import main
from tests.browser.conftest import IN_A_BROWSER
from tests.dashboard.report_kit import planted

pytestmark = IN_A_BROWSER


def opened(browser: Browser, tmp_path: Path, **options: object) -> tuple[Page, list[str]]:
    log = planted(tmp_path / "planted.log")
    environment = {"METIS_DASHBOARD_STORE": str(tmp_path)}
    result = CliRunner().invoke(main, ["report", str(log), "--out", str(tmp_path / "out")], env=environment)
    assert result.exit_code == 0, result.output
    (file,) = (tmp_path / "out").glob("*.html")
    context = browser.new_context(offline=True, **options)
    page, troubles = context.new_page(), []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(("file:", "blob:")) else troubles.append(sent.url))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn=yes]")
    return page, troubles


def test_the_page_draws_its_charts_without_a_network(browser: Browser, tmp_path: Path) -> None:
    page, troubles = opened(browser, tmp_path)

    assert page.locator("figure .main-svg").count() >= 4
    assert page.locator("li").count() > 10
    page.locator("summary").first.click()
    assert "LLM_ATTEMPT" in page.locator("details[open] pre").inner_text()
    assert page.evaluate("window.hacked") is None
    assert troubles == []
    page.context.close()


def test_a_zoom_in_one_chart_is_a_zoom_in_all(browser: Browser, tmp_path: Path) -> None:
    page, troubles = opened(browser, tmp_path)

    page.evaluate(
        "Plotly.relayout(document.getElementById('chart-1'), {'xaxis.range': ['2026-03-02 00:06', '2026-03-02 00:08']})"
    )
    page.wait_for_function(
        """[0, 1, 2, 3].every(n => String(document.getElementById(`chart-${n}`).layout.xaxis.range[0])
            .replace("T", " ").startsWith("2026-03-02 00:06"))"""
    )

    assert troubles == []
    page.context.close()


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path) -> None:
    page, _ = opened(browser, tmp_path, viewport={"width": 390, "height": 844}, color_scheme="dark")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
