"""The Operations page over the real service and simulated providers: a click, what became of it, and its proof."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from resilience.events import Cause, CircuitChanged, ConfigChanged, RequestFinished, State
from tests.browser.conftest import IN_A_BROWSER, Dashboard, Watched
from tests.browser.live_service import CONTROL, HEALTHY, LiveService, live_service
from tests.browser.operating import do, give_reason, has_no_way_to_act, rows, says, shows_order
from tests.composed_log import CHAIN
from tests.resilience.service_kit import http

pytestmark = IN_A_BROWSER

Visit = Callable[..., Page]
ANTHROPIC_FIRST = ("anthropic", "openrouter", "deepseek", "openai")
DESK, OLGA, VERA = "desk-0123456789abcdef", "olga-0123456789abcdef", "vera-0123456789abcdef"
TOKENS = f"desk:operator:{DESK},olga:operator:{OLGA},vera:viewer:{VERA}"
REASON = "Reason (goes into the log)"

STOPWATCH = """words => {
    const text = node => [...(node.shadowRoot ?? node).childNodes].map(
        child => child.nodeType === Node.TEXT_NODE ? child.data : child.nodeName === "STYLE" ? "" : text(child)).join("");
    const parts = {click: 0};
    document.querySelector(".st-key-ops-do button").addEventListener("click", () => {
        const began = performance.now();
        const timer = setInterval(() => {
            for (const [name, [part, wanted]] of Object.entries(words)) {
                const shown = document.querySelector(`.st-key-ops-${part}`);
                if (!(name in parts) && shown && text(shown).includes(wanted)) parts[name] = performance.now() - began;
            }
            if (Object.keys(words).every(name => name in parts)) clearInterval(timer);
        }, 10);
    }, {capture: true, once: true});
    window.stopwatch = parts;
}"""
"""Notes, in ms since the next click on the button, when each part of the page first says its words."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """The service as `make run` has it: no tokens, this machine alone."""
    with live_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="module")
def running_with_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with live_service(tmp_path_factory.mktemp("tokens"), METIS_CONTROL_TOKENS=TOKENS) as service:
        yield service


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Dashboard], running: LiveService) -> Dashboard:
    return serve(running.log, METIS_CONTROL_URL=running.url)


@pytest.fixture
def service(running: LiveService) -> LiveService:
    running.as_usual()
    return running


@pytest.fixture
def guarded(running_with_tokens: LiveService) -> LiveService:
    """The service with tokens."""
    running_with_tokens.as_usual(OLGA)
    return running_with_tokens


@pytest.fixture
def visit(open_page: Callable[..., Watched]) -> Iterator[Visit]:
    """Opens a dashboard's Operations page; at the end no error and no foreign request may have been seen."""
    opened: list[Watched] = []

    def go(dashboard: Dashboard, query: str = "") -> Page:
        watched = open_page(dashboard.url, path=f"/operations{query}")
        opened.append(watched)
        expect(rows(watched.page)).to_have_count(4)
        return watched.page

    yield go
    for watched in opened:
        assert (watched.errors, watched.foreign) == ([], [])
        watched.page.close()


def test_the_primary_is_down_and_one_click_makes_anthropic_first(
    visit: Visit, dashboard: Dashboard, service: LiveService, record_property: Callable[[str, object], None]
) -> None:
    service.goes_down("openrouter")
    page = visit(dashboard)
    shows_order(page, *CHAIN)
    expect(rows(page).first).to_contain_text("OPEN")

    page.get_by_role("button", name="Move anthropic up").click()
    expect(says(page, "preview_shown")).to_contain_text("The next request goes to anthropic.")
    give_reason(page, "openrouter is down")
    page.evaluate(
        STOPWATCH,
        {
            "acknowledged": ("result_shown", "The service says it is done"),
            "changed": ("proof_shown", "CONFIG_CHANGED"),
            "proven": ("proof_shown", "first request: anthropic, success"),
        },
    )
    do(page).click()

    proof = says(page, "proof_shown")
    expect(proof).to_contain_text("first request: anthropic, success")
    [change] = service.logged(ConfigChanged)
    said = f"CONFIG_CHANGED, version {change.version} by local: METIS_LLM_PROVIDER_ORDER"
    expect(proof).to_contain_text(said)
    expect(proof).to_contain_text(re.compile(r"100\.0 % \(n \d+\) in the 5 min before, 100\.0 % \(n \d+\) since"))
    expect(proof).not_to_contain_text("waiting")
    shows_order(page, *ANTHROPIC_FIRST)
    expect(rows(page).first).to_contain_text("PRIMARY")
    ms = page.evaluate("window.stopwatch")
    after_ms = {name: round(ms[name] - ms["acknowledged"]) for name in ("changed", "proven")}
    record_property("ms_from_click_to_acknowledgement", round(ms["acknowledged"]))
    record_property("ms_from_acknowledgement_to_change_in_log", after_ms["changed"])
    record_property("ms_from_acknowledgement_to_proof", after_ms["proven"])
    assert after_ms["proven"] < 10_000

    assert (change.actor, change.reason, change.origin) == ("local", "openrouter is down", "api")
    assert change.changes == (("METIS_LLM_PROVIDER_ORDER", ",".join(CHAIN), ",".join(ANTHROPIC_FIRST)),)
    first = next(each for each in service.logged(RequestFinished) if each.config_version == change.version)
    assert (first.provider, first.status, first.attempts, first.fallbacks) == ("anthropic", "success", 1, 0)
    assert service.order_in_env_file() == ",".join(ANTHROPIC_FIRST)
    assert "Claude/Anthropic provider initialized (PRIMARY)" in service.shell(
        f'grep "PRIMARY" {service.log.name} | tail -1'
    )


def test_an_open_circuit_is_reset_once_the_provider_is_healthy_again(
    visit: Visit, dashboard: Dashboard, service: LiveService, screenshots: Path
) -> None:
    service.goes_down("openrouter")
    page = visit(dashboard, "?ops.what=Circuit&ops.provider=openrouter&ops.verb=reset")
    expect(rows(page).first).to_contain_text("OPEN")
    expect(rows(page).first).to_contain_text("3 failures in a row")
    service.providers.set(HEALTHY, "openrouter")
    give_reason(page, "openrouter is confirmed healthy")

    do(page).click()

    proof = says(page, "proof_shown")
    expect(proof).to_contain_text("BREAKER_TRANSITION by local: openrouter: manual_reset")
    expect(proof).to_contain_text("first call: openrouter, success")
    expect(proof).not_to_contain_text("waiting")
    expect(rows(page).first).to_contain_text("CLOSED")
    page.screenshot(path=screenshots / "for-real-reset.png")
    last = service.logged(CircuitChanged)[-1]
    assert (last.provider, last.from_, last.to) == ("openrouter", State.OPEN, State.CLOSED)
    assert (last.cause, last.actor) == (Cause.MANUAL_RESET, "local")
    assert last.reason == "openrouter is confirmed healthy"
    assert service.logged(ConfigChanged) == []
    service.serves(2)
    assert service.logged(RequestFinished)[-1].provider == "openrouter"


def test_a_second_operators_change_is_shown_and_stands(
    visit: Visit, serve: Callable[..., Dashboard], guarded: LiveService, screenshots: Path
) -> None:
    desk = serve(guarded.log, METIS_CONTROL_URL=guarded.url, METIS_CONTROL_TOKEN=DESK)
    page = visit(desk)
    page.get_by_role("button", name="Move deepseek up").click()
    give_reason(page, "my own plan")
    page.get_by_label(REASON).press("Tab")
    expect(do(page)).to_be_enabled()

    theirs = ("openai", "openrouter", "anthropic", "deepseek")
    assert guarded.post("/order", OLGA, order=theirs, reason="their plan").is_success
    do(page).click()

    expect(says(page, "between")).to_contain_text("Changed by somebody else since you began")
    expect(page.get_by_text("olga").first).to_contain_text(",".join(theirs))
    expect(page.get_by_text("olga").first).to_contain_text("(their plan)")
    expect(says(page, "result_shown")).to_contain_text("Nothing was done")
    expect(page.get_by_label(REASON)).to_have_value("my own plan")
    shows_order(page, "openrouter", "deepseek", "anthropic", "openai")
    page.screenshot(path=screenshots / "for-real-conflict.png")
    assert [change.actor for change in guarded.logged(ConfigChanged)] == ["olga"]
    assert guarded.order_in_env_file() == ",".join(theirs)

    page.get_by_role("button", name="I have read this").click()
    expect(says(page, "between")).to_have_count(0)
    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("first request: openrouter, success")
    assert [change.actor for change in guarded.logged(ConfigChanged)] == ["olga", "local via desk"]
    assert guarded.order_in_env_file() == "openrouter,deepseek,anthropic,openai"


def test_a_viewers_token_shows_everything_and_acts_on_nothing(
    visit: Visit, serve: Callable[..., Dashboard], guarded: LiveService, screenshots: Path
) -> None:
    guarded.goes_down("openrouter")
    viewers = serve(guarded.log, METIS_CONTROL_URL=guarded.url, METIS_CONTROL_TOKEN=VERA)
    page = visit(viewers, "?ops.what=Circuit&ops.provider=openrouter&ops.verb=reset")

    expect(says(page, "status")).to_contain_text("viewer")
    expect(page.get_by_text("Read-only:")).to_contain_text("METIS_CONTROL_TOKEN")
    shows_order(page, *CHAIN)
    expect(rows(page).first).to_contain_text("OPEN")
    expect(rows(page).first).to_contain_text("3 failures in a row")
    has_no_way_to_act(page)
    page.get_by_role("button", name="Run the runbook's checks").click()
    expect(says(page, "checks_shown")).to_contain_text("circuit openrouter")
    page.screenshot(path=screenshots / "for-real-viewer.png")

    tried = [
        guarded.post(path, VERA, reason="all the same", **body)
        for path, body in (
            ("/order", {"order": ANTHROPIC_FIRST}),
            ("/circuits/openrouter/reset", {}),
            ("/settings", {"settings": {"METIS_LLM_MAX_RETRIES": "1"}}),
        )
    ]
    assert [(answer.status_code, answer.json()["error"]["code"]) for answer in tried] == [(403, "operator_only")] * 3
    assert http.get(f"{guarded.url}{CONTROL}/state").status_code == 401
    assert guarded.logged(ConfigChanged) == []
    assert guarded.circuit("openrouter") is State.OPEN


def test_a_double_click_changes_once(visit: Visit, dashboard: Dashboard, service: LiveService) -> None:
    page = visit(dashboard)
    page.get_by_role("button", name="Most reliable first").click()
    give_reason(page, "twice")
    expect(do(page)).to_be_enabled()

    do(page).dblclick()

    expect(says(page, "proof_shown")).to_contain_text("first request: anthropic, success")
    service.serves(5)
    [change] = service.logged(ConfigChanged)
    assert change.reason == "twice"
    assert service.state()["version"] == change.version


def test_without_the_service_the_page_stays_useful_and_comes_back_by_itself(
    visit: Visit, dashboard: Dashboard, service: LiveService, screenshots: Path
) -> None:
    service.goes_down("openrouter")
    page = visit(dashboard)
    page.get_by_role("button", name="Move anthropic up").click()
    give_reason(page, "half a thought")
    page.get_by_label(REASON).press("Tab")
    expect(do(page)).to_be_enabled()
    settings = visit(dashboard, "?ops.what=Settings")
    settings.get_by_label("Timeout per provider").fill("50")
    settings.get_by_label("Timeout per provider").press("Tab")
    expect(do(settings)).to_have_text("Set 1 setting")
    circuit = visit(dashboard, "?ops.what=Circuit&ops.provider=openrouter&ops.verb=reset")
    expect(do(circuit)).to_have_text("Reset the circuit of openrouter")

    service.stop()

    expect(page.get_by_role("heading", name="Chain, as the log tells it")).to_be_visible()
    expect(says(page, "problem")).to_contain_text("The control API cannot be reached")
    expect(says(page, "problem")).to_contain_text("python -m resilience serve")
    shows_order(page, *CHAIN)
    expect(rows(page).first).to_contain_text("OPEN")
    pressable = page.get_by_test_id("stButton").get_by_role("button")
    expect(pressable).to_have_count(2)
    for i in range(2):
        expect(pressable.nth(i)).to_be_disabled()
    page.screenshot(path=screenshots / "for-real-stopped.png")
    for other in (settings, circuit):
        expect(other.get_by_role("heading", name="Chain, as the log tells it")).to_be_visible()

    service.start()

    expect(page.get_by_role("heading", name="Chain, not yet set")).to_be_visible()
    expect(says(page, "status")).to_contain_text("settings version")
    shows_order(page, *ANTHROPIC_FIRST)
    expect(rows(page).nth(1)).to_contain_text("OPEN")
    expect(page.get_by_label(REASON)).to_have_value("half a thought")
    expect(settings.get_by_label("Timeout per provider")).to_have_value("50")
    expect(do(settings)).to_have_text("Set 1 setting")
    expect(do(circuit)).to_have_text("Reset the circuit of openrouter")
    do(page).click()
    expect(says(page, "proof_shown")).to_contain_text("first request: anthropic, success")
    assert service.logged(ConfigChanged)[-1].reason == "half a thought"


@pytest.mark.parametrize(
    ("name", "scheme", "width", "height"),
    [("light", "light", 1280, 800), ("dark", "dark", 1280, 800), ("phone", "light", 390, 1500)],
)
def test_it_looks_right(
    visit: Visit,
    dashboard: Dashboard,
    service: LiveService,
    screenshots: Path,
    name: str,
    scheme: Literal["light", "dark"],
    width: int,
    height: int,
) -> None:
    service.goes_down("openrouter")
    page = visit(dashboard)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_role("button", name="Most reliable first").click()
    give_reason(page, "openrouter answers 503")
    do(page).click()
    expect(says(page, "proof_shown")).to_contain_text("first request: anthropic, success")
    page.get_by_role("button", name="Cheapest first").click()
    expect(says(page, "preview_shown")).to_contain_text("The next request goes to deepseek.")

    page.screenshot(path=screenshots / f"for-real-{name}.png")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
