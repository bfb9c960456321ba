"""Sign-in with a real OpenID Connect provider: who sees what, who may act, and under which name."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dashboard.access import SIGNED_IN_FOR_S
from resilience.events import ConfigChanged
from tests.browser.conftest import IN_A_BROWSER, REPOSITORY, Dashboard, Watched
from tests.browser.identity_provider import STYLE, IdentityProvider, free_port, identity_provider
from tests.browser.live_service import LiveService, live_service
from tests.browser.operating import do, give_reason, has_no_way_to_act, rows, says, shows_order
from tests.composed_log import CHAIN

_MISSING = [name for name in ("authlib", "oidc_provider_mock") if find_spec(name) is None]
pytestmark = [
    *IN_A_BROWSER,
    pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)} (the extra dev brings them)"),
]

OPERATORS = "sre@example.org,group:on-call"
VIEWERS = "@example.org"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with identity_provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with live_service(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(running: LiveService) -> LiveService:
    running.as_usual()
    return running


@pytest.fixture(scope="module")
def dashboard(
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., Dashboard],
    provider: IdentityProvider,
    running: LiveService,
) -> Dashboard:
    """Started as the documentation says, in a folder with its secrets."""
    folder, port = tmp_path_factory.mktemp("signin"), free_port()
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(documented_secrets(port, provider), "utf-8")
    served = serve(
        running.log,
        within=folder,
        port=port,
        METIS_CONTROL_URL=running.url,
        METIS_DASHBOARD_OPERATORS=OPERATORS,
        METIS_DASHBOARD_VIEWERS=VIEWERS,
    )
    return Dashboard(f"http://localhost:{port}", served.log)


def documented_secrets(port: int, provider: IdentityProvider) -> str:
    """The secrets that docs/operations.md shows, with this test's addresses."""
    [shown] = re.findall(r"```toml\n(.*?)```", (REPOSITORY / "docs/operations.md").read_text("utf-8"), re.DOTALL)
    secrets = shown.replace("localhost:8501", f"localhost:{port}")
    return secrets.replace("https://id.example.org", provider.url)


class Visitor:
    """Somebody with a browser of their own, and what an identity token says about them."""

    def __init__(self, watched: Watched, provider: IdentityProvider, dashboard: Dashboard) -> None:
        self.page = watched.page
        self.watched = watched
        self._provider = provider
        self._dashboard = dashboard

    def signs_in(self, claims: Mapping[str, object], person: str = "somebody") -> Page:
        """Through the button, the provider's page, and back; nothing of it waits for what the dashboard then shows."""
        self._provider.knows(person, claims)
        self.page.get_by_role("button", name="Sign in").click()
        self._provider.lets_in(self.page, person)
        self.page.wait_for_url(f"{self._dashboard.url}/")
        return self.page

    def operates(self, claims: Mapping[str, object]) -> Page:
        """Signs in and goes to the Operations page, by the link on the page that one arrives at."""
        self.signs_in(claims)
        self.page.get_by_role("link", name="Operations").click()
        expect(rows(self.page)).to_have_count(len(CHAIN))
        return self.page


@pytest.fixture
def visitor(
    open_page: Callable[..., Watched], dashboard: Dashboard, provider: IdentityProvider, service: LiveService
) -> Iterator[Visitor]:
    """A browser at the dashboard's door; at the end no error and no request to anybody else may have been seen."""
    watched = open_page(dashboard.url)
    watched.page.route(STYLE, lambda route: route.fulfill(content_type="text/css", body=""))
    yield Visitor(watched, provider, dashboard)
    foreign = [url for url in watched.foreign if url != STYLE and not url.startswith(provider.url)]
    assert (watched.errors, foreign) == ([], [])
    watched.page.close()


def shows_nothing(page: Page, *buttons: str) -> None:
    """Checks that there are these buttons, and neither a number, nor a provider, nor a way to another page."""
    for button in buttons:
        expect(page.get_by_role("button", name=button)).to_be_visible()
    assert page.get_by_test_id("stButton").all_inner_texts() == [*buttons]
    assert page.locator("[class*=st-key-live], [class*=st-key-ops], input").count() == 0
    assert page.get_by_role("link").all_inner_texts() == ["Skip to main content"]
    assert not any(name in page.content() for name in CHAIN)


@pytest.mark.parametrize("path", ["/", "/operations?ops.what=Circuit&ops.provider=openrouter"])
def test_who_is_not_signed_in_sees_a_way_to_sign_in_and_nothing_else(
    visitor: Visitor, dashboard: Dashboard, path: str
) -> None:
    visitor.page.goto(dashboard.url + path)

    shows_nothing(visitor.page, "Sign in")


def test_an_operator_by_e_mail_acts_under_that_e_mail(
    visitor: Visitor, service: LiveService, screenshots: Path
) -> None:
    page = visitor.operates({"email": "sre@example.org", "email_verified": True})
    expect(says(page, "status")).to_contain_text("sre@example.org, operator")

    page.get_by_role("button", name="Move anthropic up").click()
    give_reason(page, "signed in")
    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("by sre@example.org via local: METIS_LLM_PROVIDER_ORDER")
    page.screenshot(path=screenshots / "sign-in-operator.png")
    [change] = service.logged(ConfigChanged)
    assert (change.actor, change.reason, change.origin) == ("sre@example.org via local", "signed in", "api")
    shows_order(page, "anthropic", "openrouter", "deepseek", "openai")


def test_an_operator_by_group_acts_under_the_e_mail(visitor: Visitor, service: LiveService) -> None:
    page = visitor.operates({"email": "dev@other.example", "email_verified": True, "groups": ["dev", "On-Call"]})
    expect(says(page, "status")).to_contain_text("dev@other.example, operator")

    page.get_by_role("button", name="Move anthropic up").click()
    give_reason(page, "on call")
    do(page).click()

    expect(says(page, "proof_shown")).to_contain_text("by dev@other.example via local: METIS_LLM_PROVIDER_ORDER")
    assert [change.actor for change in service.logged(ConfigChanged)] == ["dev@other.example via local"]


def test_a_viewer_sees_everything_and_has_no_way_to_act(
    visitor: Visitor, service: LiveService, screenshots: Path
) -> None:
    service.goes_down("openrouter")

    page = visitor.signs_in({"email": "dev@example.org", "email_verified": True, "groups": ["dev"]})

    cards = page.locator(".st-key-live-cards")
    expect(cards).to_contain_text("OPEN")
    expect(cards.get_by_role("link")).to_have_count(0)
    page.get_by_role("link", name="Operations").click()
    shows_order(page, *CHAIN)
    expect(rows(page).first).to_contain_text("OPEN")
    expect(says(page, "status")).to_contain_text("dev@example.org, viewer")
    expect(page.get_by_text("Read-only:")).to_contain_text("METIS_DASHBOARD_OPERATORS")
    has_no_way_to_act(page, "Sign out")
    page.screenshot(path=screenshots / "sign-in-viewer.png")
    assert service.logged(ConfigChanged) == []


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"email": "sre@example.org", "email_verified": False, "groups": ["on-call"]}, "no verified e-mail"),
        ({"groups": ["on-call"]}, "no verified e-mail"),
        ({"email": "sre@example.org.other.example", "email_verified": True}, "METIS_DASHBOARD_VIEWERS"),
    ],
    ids=["unverified", "no e-mail", "another domain"],
)
def test_who_is_not_known_by_a_verified_e_mail_sees_nothing(
    visitor: Visitor, dashboard: Dashboard, claims: Mapping[str, object], why: str
) -> None:
    page = visitor.signs_in(claims)

    expect(page.get_by_text("No access:")).to_contain_text(why)
    shows_nothing(page, "Sign out")
    page.goto(f"{dashboard.url}/operations")
    expect(page.get_by_text("No access:")).to_contain_text(why)
    shows_nothing(page, "Sign out")


def test_yesterdays_sign_in_counts_for_nothing(visitor: Visitor) -> None:
    long_ago_s = int(time.time() - SIGNED_IN_FOR_S - 60)

    page = visitor.signs_in({"email": "sre@example.org", "email_verified": True, "iat": long_ago_s})

    expect(page.get_by_text("No access:")).to_contain_text("more than 12 h old: sign in again")
    shows_nothing(page, "Sign out")


def test_pages_that_stay_open_end_with_their_sign_in(
    visitor: Visitor, dashboard: Dashboard, open_page: Callable[..., Watched]
) -> None:
    soon_s = int(time.time() - SIGNED_IN_FOR_S + 25)  # enough to get in
    parts = {
        "/": (".st-key-live-cards", "anthropic"),
        "/review": (".stMain", "in this log"),
        "/operations": (".st-key-ops-chain", "anthropic"),
        "/alerts": (".st-key-alerts-rows", "Fallback rate"),
        "/logs": (".stMain", "SQL, read only"),
    }

    signed_in = visitor.signs_in({"email": "sre@example.org", "email_verified": True, "iat": soon_s}).context
    pages = {path: signed_in.new_page() for path in parts}
    for path, page in pages.items():
        page.goto(dashboard.url + path, wait_until="commit")
    for path, (part, text) in parts.items():
        expect(pages[path].locator(part)).to_contain_text(text)

    kept = ", ".join(f"[class*=st-key-{name}]" for name in ("live", "ops", "alerts", "logs", "review", "whatif"))
    for page in pages.values():
        expect(page.get_by_text("No access:")).to_contain_text("more than 12 h old: sign in again")
        expect(page.locator(kept)).to_have_count(0)
        shows_nothing(page, "Sign out")


def test_signed_out_again_there_is_nothing_to_see(
    visitor: Visitor, dashboard: Dashboard, provider: IdentityProvider
) -> None:
    page = visitor.operates({"email": "sre@example.org", "email_verified": True})

    page.get_by_role("button", name="Sign out").click()
    provider.lets_out(page)

    page.wait_for_url(f"{dashboard.url}/")
    shows_nothing(page, "Sign in")
    page.goto(f"{dashboard.url}/operations")
    shows_nothing(page, "Sign in")
    assert [cookie for cookie in page.context.cookies(dashboard.url) if "user" in cookie["name"]] == []


def test_who_turns_back_at_the_provider_is_not_signed_in(
    visitor: Visitor, dashboard: Dashboard, provider: IdentityProvider
) -> None:
    visitor.page.get_by_role("button", name="Sign in").click()
    visitor.page.wait_for_url(f"{provider.url}/**")

    provider.turns_away(visitor.page)

    visitor.page.wait_for_url(f"{dashboard.url}/")
    shows_nothing(visitor.page, "Sign in")


@pytest.mark.parametrize(
    ("secrets", "settings"),
    [(None, {"METIS_DASHBOARD_OPERATORS": OPERATORS}), ("[auth]\nredirect_uri = http://no.quotes\n", {})],
    ids=["people are named, no secrets", "secrets with a slip"],
)
def test_without_its_secrets_the_dashboard_lets_nobody_in(
    tmp_path: Path,
    serve: Callable[..., Dashboard],
    open_page: Callable[..., Watched],
    running: LiveService,
    secrets: str | None,
    settings: Mapping[str, str],
) -> None:
    if secrets is not None:
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "secrets.toml").write_text(secrets, "utf-8")
    opened = serve(running.log, within=tmp_path, METIS_CONTROL_URL=running.url, **settings)

    page = open_page(opened.url, path="/operations").page

    expect(page.get_by_text("No access:")).to_contain_text("no [auth] section")
    shows_nothing(page)
