"""Alerts in a browser: rows that tick, lanes, the way to the prepared step, the Alerts page, over real logs."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from dashboard.alert_board import tables
from dashboard.alerts.episodes import episodes
from dashboard.alerts.evaluate import Evaluation
from dashboard.alerts.reading import read_history
from dashboard.alerts.rulefile import load_rules
from dashboard.ingest import Ingest
from dashboard.store import Store
from resilience.events import Event
from tests.browser import traffic
from tests.browser.conftest import IN_A_BROWSER, REPOSITORY, Dashboard, Watched
from tests.browser.looking import drawn, mode
from tests.browser.operating import shows_order
from tests.browser.traffic import attempt, line, now, request
from tests.dashboard.control_api import ControlApi, serving

pytestmark = IN_A_BROWSER

Open = Callable[..., Watched]
Serve = Callable[..., Dashboard]
SIX = (
    "All providers exhausted", "All circuits open", "Error rate", "Primary's circuit open", "Fallback rate",
    "Response time p95",
)  # fmt: skip
HOSTILE = "<img src=http://evil.example/x.png> [x](javascript:1)"


def rule_row(page: Page, rule: str, place: str = "live-alerts") -> str:
    """How to find a rule's row."""
    return f".st-key-{place} .row[data-rule='{rule}']"


@pytest.fixture(scope="module")
def past(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    """A log that has ended, without anything beside it."""
    log = tmp_path_factory.mktemp("past") / "all_down.log"
    log.write_bytes((REPOSITORY / "sample_logs" / "all_down.log").read_bytes())
    return serve(log)


def failing(end: datetime, minutes: float) -> Iterator[str]:
    """Two minutes of good requests, then all fail, up to `end`."""
    yield from traffic.story(end - timedelta(minutes=minutes), minutes=2)
    start, number = end - timedelta(minutes=minutes), 0
    while (at := start + timedelta(seconds=number)) < end:
        number += 1
        events: list[Event] = [
            attempt(f"bad-{number}", "openrouter", 900.0, traffic.Reason.SERVER_ERROR),
            request(f"bad-{number}", None, 900.0),
        ]
        yield from (line(event, at) for event in events)


@pytest.fixture(scope="module")
def pending(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Dashboard:
    """A live log whose error rate has been beyond its threshold for less than five minutes; a rule file of one's own."""
    rules = tmp_path_factory.mktemp("rules") / "rules.toml"
    rules.write_text(
        f'[rule.own]\ntitle = "{HOSTILE}"\nseverity = "warning"\nmetric = "error_rate"\ncomparison = ">"\n'
        f'threshold = 0.5\nwindow_s = 60\nrunbook = "{HOSTILE}"\naction = "{HOSTILE}"\nstep = "checks"\n',
        "utf-8",
    )
    return serve(list(failing(now(), 2)), METIS_DASHBOARD_RULES=str(rules))


def test_a_past_log_says_how_it_stood_at_its_end_and_has_its_alerts_in_lanes(past: Dashboard, open_page: Open) -> None:
    watched = open_page(past.url)
    page = watched.page
    drawn(page)

    expect(page.locator(".st-key-live-alerts .title")).to_have_text(list(SIX))
    expect(page.locator(".st-key-live-alerts .state").first).to_contain_text("was ok")
    lanes = page.locator(".st-key-live-circuits .ytick text").all_text_contents()
    assert lanes[:3] == ["actions", "◆ warning", "▲ critical"]
    named = "name => document.querySelector('.st-key-live-circuits .js-plotly-plot').data.find(t => t.name === name).x.length"
    assert [page.evaluate(named, lane) for lane in ("▲ critical", "◆ warning")] == [5, 3]
    assert page.locator(".st-key-live-alerts a").count() == 0  # what is past is past
    assert (watched.errors, watched.foreign) == ([], [])


def test_a_fixed_range_shows_the_alerts_of_its_end(past: Dashboard, open_page: Open) -> None:
    page = open_page(past.url, "/?live.from=2026-03-02T00:00:00Z&live.to=2026-03-02T00:16:00Z").page
    drawn(page)

    mode(page, "PAUSED")
    expect(page.locator(rule_row(page, "error_rate"))).to_contain_text("was firing")
    expect(page.locator(rule_row(page, "error_rate"))).to_contain_text("7:00 of 5:00")
    expect(page.locator(".st-key-live-strip .level")).to_have_text("▲ WAS CRITICAL")
    expect(page.locator(".st-key-live-strip .count")).to_have_text("5 alerts")


def test_the_history_of_the_alerts_page_is_that_of_the_evaluation(past: Dashboard, open_page: Open) -> None:
    store, rules = Store.open(None), load_rules()
    Ingest(store, [str(past.log)], follow=False).run_once()
    extent = store.extent()
    assert extent is not None
    evaluation = Evaluation(rules)
    moments = evaluation.moments(extent[0], extent[1] + timedelta(seconds=rules.interval_s))
    evaluation, changes = evaluation.advanced(read_history(store, rules, moments), moments)
    wanted = tables.history(episodes(changes), rules, moments[-1])

    page = open_page(past.url, "/alerts").page

    rows = page.locator(".st-key-alerts-history tbody tr")
    expect(rows).to_have_count(len(wanted.rows))
    assert [tuple(row.locator("td").all_inner_texts()) for row in rows.all()] == [row.cells for row in wanted.rows]
    rows.first.get_by_role("link", name="show").click()
    mode(page, "PAUSED")
    expect(page.locator(rule_row(page, "all_circuits_open"))).to_contain_text("was ok")
    assert "live.from=2026-03-02T00" in page.url


def test_a_pending_rule_counts_on_by_itself(pending: Dashboard, open_page: Open) -> None:
    page = open_page(pending.url).page
    timer = page.locator(rule_row(page, "error_rate")).locator(".timer")
    expect(page.locator(rule_row(page, "error_rate"))).to_contain_text("◐ pending")
    expect(timer).to_have_text(re.compile(r"^\d:\d\d of 5:00$"))

    before = timer.inner_text()

    expect(timer).not_to_have_text(before)
    expect(page.locator(".st-key-live-strip .count")).to_contain_text("pending")


def test_a_rules_text_stays_text(pending: Dashboard, open_page: Open) -> None:
    watched = open_page(pending.url)
    page = watched.page
    drawn(page)
    expect(page.locator(rule_row(page, "own"))).to_contain_text(HOSTILE)

    page.goto(pending.url + "/alerts")

    expect(page.locator(rule_row(page, "own", "alerts-rows"))).to_contain_text(HOSTILE)
    expect(page.locator(".st-key-alerts-definitions")).to_contain_text(HOSTILE)
    assert page.locator("[src*='evil'], [href*='evil'], [href^='javascript']").count() == 0
    assert (watched.errors, watched.foreign) == ([], [])


def test_a_firing_rules_button_leads_to_the_prepared_step(
    serve: Serve, open_page: Open, tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = tmp_path_factory.mktemp("prepared") / "backend_live.log"
    log.write_text("".join(traffic.story(now())), "utf-8")
    api = ControlApi(log=log)
    with serving(api) as url:
        page = open_page(serve(log, METIS_CONTROL_URL=url).url).page
        fallbacks = page.locator(rule_row(page, "fallback_rate"))
        expect(fallbacks).to_contain_text("firing")
        expect(page.locator(rule_row(page, "all_circuits_open")).get_by_role("link")).to_have_count(0)

        fallbacks.get_by_role("link", name="Make anthropic first…").click()

        expect(page.get_by_text("Chain, not yet set")).to_be_visible()
        shows_order(page, "anthropic", "openrouter")
        assert api.seen == []


def test_an_alert_is_acknowledged_and_silenced_on_the_page(pending: Dashboard, open_page: Open) -> None:
    watched = open_page(pending.url, "/alerts")
    page = watched.page
    own = page.locator(rule_row(page, "own", "alerts-rows"))
    expect(own).to_contain_text("firing")

    page.get_by_label("Reason").fill("mine <b>")
    page.locator(".st-key-alerts-do button").click()
    exhausted = page.locator(rule_row(page, "all_providers_exhausted", "alerts-rows"))  # the first of the active ones
    expect(exhausted).to_contain_text("acknowledged by local: mine <b>")
    page.get_by_role("radio", name="Silence", exact=True).click()
    page.get_by_label("Reason").fill("deploying")
    page.locator(".st-key-alerts-do button").last.click()

    expect(page.locator(".st-key-alerts-silences tbody tr")).to_contain_text("deploying")
    expect(page.locator(".st-key-alerts-audit tbody tr")).to_have_count(2)
    expect(page.locator(".st-key-alerts-said_shown")).to_contain_text("Silenced: All providers exhausted, until")
    expect(own).to_contain_text("firing")
    assert (watched.errors, watched.foreign) == ([], [])


@pytest.mark.parametrize(
    ("name", "scheme", "width", "height"),
    [("light", "light", 1280, 800), ("dark", "dark", 1280, 800), ("phone", "light", 390, 844)],
)
def test_the_page_looks_right(
    past: Dashboard,
    open_page: Open,
    screenshots: Path,
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
    height: int,
) -> None:
    page = open_page(past.url, "/alerts").page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    expect(page.locator(".st-key-alerts-history tbody tr")).to_have_count(6)

    page.screenshot(path=screenshots / f"alerts-{name}.png")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
