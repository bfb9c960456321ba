"""The Operations page over a control API and its log: what is clicked, what the service was asked, what the log proves."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.backend import Backend, begun
from tests.browser.conftest import IN_A_BROWSER, Dashboard, Watched
from tests.browser.operating import do, give_reason, has_no_way_to_act, rows, says, shows_order
from tests.dashboard.control_api import NAMES, serving

pytestmark = IN_A_BROWSER

Open = Callable[..., Watched]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    api = begun(tmp_path_factory.mktemp("backend"))
    with serving(api) as url:
        assert api.log is not None
        yield Backend(url, api.log, api)


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Dashboard], backend: Backend) -> Dashboard:
    return serve(backend.log, METIS_CONTROL_URL=backend.url)


@pytest.fixture
def usual(backend: Backend) -> Iterator[Backend]:
    """The backend as it is when nothing is wrong, and nothing has been asked of it."""
    api = backend.api
    if api.order != list(NAMES):
        api.set_order(list(NAMES), "local", "before a test")
    for name in NAMES:
        api.circuits[name]["state"] = "CLOSED"
    api.role, api.refuses, api.answers_after_s, api.logs_after_s = "operator", None, 0.0, 0.0
    api.seen.clear()
    yield backend
    api.role, api.refuses = "operator", None


@pytest.fixture
def visit(dashboard: Dashboard, usual: Backend, open_page: Open) -> Iterator[Callable[..., Page]]:
    """Opens the Operations page in a window of its own; at the end no error may have been seen."""
    opened: list[Watched] = []

    def go(query: str = "") -> Page:
        watched = open_page(dashboard.url, path=f"/operations{query}")
        opened.append(watched)
        expect(rows(watched.page).first).to_be_visible()
        expect(says(watched.page, "status")).to_contain_text(f"settings version {usual.api.version},")
        return watched.page

    yield go
    for watched in opened:
        assert (watched.errors, watched.foreign) == ([], [])
        watched.page.close()


def test_an_order_is_moved_previewed_reasoned_set_and_proven(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()
    shows_order(page, *NAMES)
    expect(do(page)).to_be_disabled()

    page.get_by_role("button", name="Move anthropic up").click()

    shows_order(page, "anthropic", "openrouter", "deepseek", "openai")
    expect(says(page, "preview_shown")).to_contain_text("The next request goes to anthropic.")
    assert usual.made() == []
    give_reason(page, "openrouter is slow")
    do(page).click()
    proof = says(page, "proof_shown")
    version = usual.api.version
    expect(proof).to_contain_text(re.compile(r"CONFIG_CHANGED, version \d+ by local: METIS_LLM_PROVIDER_ORDER"))
    expect(proof).to_contain_text("waiting for the first request under the change")
    expect(page.get_by_label("Reason (goes into the log)")).to_have_value("")
    usual.api.serve_request("proof-1")
    expect(proof).to_contain_text("first request: anthropic, success, 812 ms")
    expect(proof).to_contain_text("100.0 % (n 1) since")
    expect(proof).not_to_contain_text("waiting")
    [(path, body)] = usual.api.seen
    assert path == "/order"
    assert body["order"] == ["anthropic", "openrouter", "deepseek", "openai"]
    assert (body["reason"], body["actor"]) == ("openrouter is slow", "local")
    assert version <= usual.api.version
    expect(do(page)).to_be_disabled()


def test_the_keyboard_stays_with_the_provider_that_it_moves(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()

    page.get_by_role("button", name="Move openai up").focus()
    for _ in range(3):
        page.keyboard.press("Enter")

    shows_order(page, "openai", "openrouter", "anthropic", "deepseek")
    focused = "document.activeElement.shadowRoot?.activeElement ?? document.activeElement"
    assert page.evaluate(f"({focused}).dataset.provider") == "openai"
    page.wait_for_timeout(1500)  # a refresh does not take the focus or the move back
    shows_order(page, "openai", "openrouter", "anthropic", "deepseek")
    assert page.evaluate(f"({focused}).dataset.provider") == "openai"


def test_a_preset_fills_the_order_and_a_provider_can_be_left_out(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()

    page.get_by_role("button", name="Known good (emergency)").click()
    shows_order(page, "anthropic", "openai", "deepseek", "openrouter")
    page.get_by_role("button", name="Leave openrouter out").click()

    expect(page.get_by_role("button", name="Add openrouter")).to_be_visible()
    expect(says(page, "preview_shown")).to_contain_text("openrouter is left out.")
    page.get_by_role("button", name="Discard").click()
    shows_order(page, *NAMES)
    expect(do(page)).to_be_disabled()


def test_without_a_reason_nothing_is_asked(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()
    page.get_by_role("button", name="Cheapest first").click()
    expect(do(page)).to_be_enabled()

    do(page).click()

    expect(says(page, "result_shown")).to_contain_text("Say why")
    assert usual.made() == []


def test_an_open_circuit_is_reset_from_a_prepared_link(visit: Callable[..., Page], usual: Backend) -> None:
    usual.api.open_circuit("openrouter")
    page = visit("?ops.what=Circuit&ops.provider=openrouter&ops.verb=reset")
    expect(rows(page).first).to_contain_text("OPEN")
    expect(rows(page).first).to_contain_text("3 failures in a row")
    expect(says(page, "preview_shown")).to_contain_text("confirmed healthy")
    give_reason(page, "healthy again")

    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("BREAKER_TRANSITION by local: openrouter: manual_reset")
    expect(rows(page).first).to_contain_text("CLOSED")
    usual.api.serve_request("after-reset", "openrouter", 450.0)
    expect(says(page, "proof_shown")).to_contain_text("first call: openrouter, success, 450 ms")
    assert usual.made() == ["/circuits/openrouter/reset"]


def test_a_double_click_acts_once(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit("?ops.what=Circuit&ops.provider=deepseek&ops.verb=isolate")
    give_reason(page, "bad answers")
    expect(do(page)).to_have_text("Isolate deepseek for 30 min")

    do(page).dblclick()

    expect(says(page, "proof_shown")).to_contain_text("deepseek: isolated")
    page.wait_for_timeout(1500)
    assert usual.made() == ["/circuits/deepseek/isolate"]
    expect(rows(page).nth(2)).to_contain_text("isolated 29:")


def test_while_a_change_is_under_way_the_button_is_off(visit: Callable[..., Page], usual: Backend) -> None:
    usual.api.answers_after_s = 2.0
    page = visit()
    page.get_by_role("button", name="Cheapest first").click()
    give_reason(page, "costs")

    do(page).click()

    expect(do(page)).to_have_text("Under way …")
    expect(do(page)).to_be_disabled()
    expect(says(page, "proof_shown")).to_contain_text("CONFIG_CHANGED")
    assert usual.made() == ["/order"]


def test_somebody_elses_change_is_shown_and_not_overwritten(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()
    page.get_by_role("button", name="Move deepseek up").click()
    give_reason(page, "my own plan")
    page.get_by_label("Reason (goes into the log)").press("Tab")
    expect(do(page)).to_be_enabled()

    theirs = ["openai", "openrouter", "anthropic", "deepseek"]
    usual.api.set_order(theirs, "other@example.org via pager", "their <b>plan</b>")

    expect(says(page, "between")).to_contain_text("Changed by somebody else since you began")
    told = page.get_by_text("other@example.org via pager").first
    expect(told).to_contain_text("openai,openrouter,anthropic,deepseek")
    expect(told).to_contain_text("(their <b>plan</b>)")
    do(page).click()
    expect(says(page, "result_shown")).to_contain_text("Nothing was done")
    assert usual.made() == []
    assert usual.api.order == theirs
    expect(page.get_by_label("Reason (goes into the log)")).to_have_value("my own plan")
    shows_order(page, "openrouter", "deepseek", "anthropic", "openai")

    page.get_by_role("button", name="I have read this").click()
    expect(says(page, "between")).to_have_count(0)
    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("CONFIG_CHANGED")
    assert usual.api.order == ["openrouter", "deepseek", "anthropic", "openai"]


def test_a_refusal_can_be_forced_only_by_a_second_plain_click(visit: Callable[..., Page], usual: Backend) -> None:
    usual.api.refuses = "primary_circuit_open"
    page = visit()
    page.get_by_role("button", name="Cheapest first").click()
    expect(says(page, "preview_shown")).to_contain_text("Would be refused")
    expect(page.locator(".st-key-ops-force")).to_have_count(0)
    give_reason(page, "drill")

    do(page).click()

    expect(says(page, "result_shown")).to_contain_text("Refused: refused: primary_circuit_open")
    assert usual.made() == []
    page.get_by_role("button", name="in spite of the refusal").click()
    expect(says(page, "proof_shown")).to_contain_text("CONFIG_CHANGED")
    [(_, body)] = usual.api.seen
    assert body["force"] is True


def test_settings_are_set_checked_and_put_back(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit("?ops.what=Settings")
    field = page.get_by_label("Failures that open a circuit")
    field.fill("many")
    field.press("Tab")
    expect(says(page, "preview_shown")).to_contain_text("must be a whole number from 1 to 1000, got 'many'")

    field.fill("5")
    page.get_by_label("Timeout per provider").fill("150")
    give_reason(page, "unstable")
    page.get_by_label("Reason (goes into the log)").press("Tab")
    expect(says(page, "preview_shown")).to_contain_text("Timeouts above 120 s")
    expect(do(page)).to_have_text("Set 2 settings")
    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("METIS_LLM_CIRCUIT_THRESHOLD: 3 → 5")
    expect(field).to_have_value("")
    assert usual.api.settings["METIS_LLM_CIRCUIT_THRESHOLD"] == "5"


def test_what_was_typed_survives_a_look_at_another_kind_of_change(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit("?ops.what=Settings")
    page.get_by_label("Failures that open a circuit").fill("7")
    page.get_by_label("Failures that open a circuit").press("Tab")
    expect(do(page)).to_have_text("Set 1 setting")
    page.get_by_role("radio", name="Circuit").click()
    page.get_by_role("radio", name="deepseek").click()
    page.get_by_role("radio", name="isolate").click()
    page.get_by_role("combobox", name="For").click()
    page.get_by_role("option", name="5 min", exact=True).click()
    expect(do(page)).to_have_text("Isolate deepseek for 5 min")

    page.get_by_role("radio", name="Settings").click()
    expect(page.get_by_label("Failures that open a circuit")).to_have_value("7")
    expect(do(page)).to_have_text("Set 1 setting")
    page.get_by_role("radio", name="Circuit").click()
    expect(do(page)).to_have_text("Isolate deepseek for 5 min")
    assert usual.made() == []


def test_a_guard_is_switched_off_with_a_warning_and_for_a_while(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit("?ops.what=Guards")
    page.get_by_role("radio", name="pii").click()
    expect(says(page, "preview_shown")).to_contain_text("Disabling security features reduces protection")
    expect(says(page, "preview_shown")).to_contain_text("switches back on by itself")
    give_reason(page, "debugging")
    do(page).click()

    expect(says(page, "guards")).to_contain_text("pii: OFF until")
    assert usual.api.guards["pii"]["enabled"] is False


def test_the_last_change_is_undone(visit: Callable[..., Page], usual: Backend) -> None:
    usual.api.set_order(["openai", "anthropic"], "local", "a mistake")
    page = visit("?ops.what=Undo")
    expect(says(page, "preview_shown")).to_contain_text("back from openai,anthropic to openrouter,anthropic")
    give_reason(page, "it was one")

    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("CONFIG_CHANGED")
    assert usual.api.order == list(NAMES)


def test_a_viewers_page_has_no_way_to_act(visit: Callable[..., Page], usual: Backend) -> None:
    usual.api.role = "viewer"
    usual.api.open_circuit("openrouter")
    page = visit("?ops.what=Circuit&ops.provider=openrouter&ops.verb=reset")

    expect(page.get_by_text("Read-only:")).to_be_visible()
    expect(rows(page).first).to_contain_text("OPEN")
    has_no_way_to_act(page)
    page.get_by_role("link", name="Live").click()
    expect(page.locator(".st-key-live-cards .card")).to_have_count(4)
    expect(page.locator(".st-key-live-cards a.way")).to_have_count(0)
    assert usual.made() == []


def test_rights_that_are_gone_at_the_click_act_no_more(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()
    page.get_by_role("button", name="Cheapest first").click()
    give_reason(page, "late")
    page.get_by_label("Reason (goes into the log)").press("Tab")
    expect(do(page)).to_be_enabled()

    usual.api.role = "viewer"
    do(page).click()

    expect(page.get_by_text("Read-only:")).to_be_visible()
    assert usual.made() == []


def test_without_a_service_the_log_still_tells_the_chain_and_nothing_can_be_pressed(
    serve: Callable[..., Dashboard], usual: Backend, open_page: Open, screenshots: Path
) -> None:
    alone = serve(usual.log)
    watched = open_page(alone.url, path="/operations")
    page = watched.page

    expect(page.get_by_role("heading", name="Chain, as the log tells it")).to_be_visible()
    expect(rows(page)).to_have_count(4)
    expect(says(page, "problem")).to_contain_text("The control API cannot be reached")
    expect(says(page, "problem")).to_contain_text("python -m resilience serve")
    expect(page.get_by_role("button", name="Run the runbook's checks")).to_be_visible()  # the last of the page
    pressable = page.get_by_test_id("stButton").get_by_role("button")  # the table's own tools are none of these
    expect(pressable).to_have_count(2)
    for button in pressable.all():
        expect(button).to_be_disabled()
    page.screenshot(path=screenshots / "operations-unreachable.png")
    assert (watched.errors, watched.foreign) == ([], [])


def test_a_proof_that_does_not_come_says_what_to_do(visit: Callable[..., Page], usual: Backend) -> None:
    at = quote("2026-01-01T00:00:00.000+00:00")
    page = visit(f"?ops.proof=99~{at}")

    proof = says(page, "proof_shown")
    expect(proof).to_contain_text("waiting for the change's own line in the log")
    expect(proof).to_contain_text("Is this the service's log?")
    expect(page.get_by_text(str(usual.log)).first).to_be_visible()


def test_the_runbooks_checks_are_run(visit: Callable[..., Page], usual: Backend) -> None:
    page = visit()

    page.get_by_role("button", name="Run the runbook's checks").click()

    expect(says(page, "checks_shown")).to_contain_text("key openrouter: a placeholder")
    expect(says(page, "checks_shown").locator(".critical")).to_have_count(1)


def test_a_card_of_the_live_page_leads_to_the_prepared_action(
    dashboard: Dashboard, usual: Backend, open_page: Open
) -> None:
    watched = open_page(dashboard.url)
    page = watched.page
    card = page.locator(".st-key-live-cards .card").nth(1)
    expect(card).to_contain_text("anthropic")

    card.get_by_role("link", name="Make first…").click()

    shows_order(page, "anthropic", "openrouter", "deepseek", "openai")
    expect(do(page)).to_have_text("Set this order: anthropic first")
    assert usual.made() == []
    assert (watched.errors, watched.foreign) == ([], [])


def test_hostile_text_of_the_service_stays_text(visit: Callable[..., Page], usual: Backend) -> None:
    evil = "![x](http://evil.example/i.png) <img src=http://evil.example/j.png> :red[spoof] \u202egnp.exe"
    usual.api.set_order(["openai", *NAMES[:3]], evil, evil)
    page = visit("?ops.what=Undo")

    newest = says(page, "audit_shown").locator(".act").first
    expect(newest).to_contain_text("![x](http://evil.example/i.png) <img src=http://evil.example/j.png> :red[spoof]")
    page.wait_for_timeout(1000)
    assert "\u202e" not in newest.inner_text()
    assert page.locator("[src*='evil'], [href*='evil']").count() == 0
    assert "\u202e" not in page.content()


@pytest.mark.parametrize(
    ("name", "scheme", "width", "height"),
    [("light", "light", 1280, 800), ("dark", "dark", 1280, 800), ("phone", "light", 390, 844)],
)
def test_it_looks_right(
    visit: Callable[..., Page],
    usual: Backend,
    screenshots: Path,
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
    height: int,
) -> None:
    usual.api.open_circuit("openrouter")
    page = visit()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_role("button", name="Most reliable first").click()
    give_reason(page, "openrouter times out")
    do(page).click()
    expect(says(page, "proof_shown")).to_contain_text("CONFIG_CHANGED")
    usual.api.serve_request(f"looks-{name}")
    expect(says(page, "proof_shown")).to_contain_text("first request: anthropic")
    page.get_by_role("button", name="Move openrouter up").click()
    expect(says(page, "preview_shown")).to_contain_text("The next request goes to openrouter.")

    page.screenshot(path=screenshots / f"operations-{name}.png", full_page=width < 600)
    audit = says(page, "audit_shown").locator(".root")
    assert audit.evaluate("root => root.scrollWidth <= root.clientWidth")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
