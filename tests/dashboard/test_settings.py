import os
import re
from pathlib import Path

import pytest

from dashboard import settings as settings_module
from dashboard.settings import Settings, SettingsError, load, store_file


def test_without_variables_the_usual_values_hold() -> None:
    assert load({}) == Settings(("backend_live.log",), None, "http://127.0.0.1:8000", 0.25, 30.0)


def test_every_variable_is_read() -> None:
    settings = load(
        {
            "METIS_DASHBOARD_LOG": f"one.log{os.pathsep}logs/*.log*, two.log",
            "METIS_DASHBOARD_STORE": "/data/events.duckdb",
            "METIS_CONTROL_URL": "https://backend:8443/control/",
            "METIS_DASHBOARD_REFRESH_SECONDS": "1.5",
            "METIS_DASHBOARD_STALE_SECONDS": "60",
            "METIS_CONTROL_TOKEN": "0123456789abcdef",
            "METIS_DASHBOARD_OPERATORS": "sre@example.org, group:on call",
            "METIS_DASHBOARD_VIEWERS": "@example.org",
            "METIS_DASHBOARD_RULES": "/etc/metis/rules.toml",
            "METIS_DASHBOARD_URL": "https://sre.example.org/metis/",
            "METIS_ALERT_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x",
            "METIS_ALERT_PAGERDUTY_ROUTING_KEY": "0123456789abcdef0123456789abcdef",
            "METIS_ALERT_PAGERDUTY_URL": "https://events.eu.pagerduty.com/v2/enqueue",
            "METIS_ALERT_WEBHOOK_URL": "https://example.org/in?token=x",
        }
    )

    assert settings == Settings(
        ("one.log", "logs/*.log*", "two.log"),
        Path("/data/events.duckdb"),
        "https://backend:8443/control",
        1.5,
        60.0,
        "0123456789abcdef",
        ("sre@example.org", "group:on call"),
        ("@example.org",),
        Path("/etc/metis/rules.toml"),
        "https://sre.example.org/metis",
        "https://hooks.slack.com/services/T0/B0/x",
        "0123456789abcdef0123456789abcdef",
        "https://events.eu.pagerduty.com/v2/enqueue",
        "https://example.org/in?token=x",
    )


def test_every_variable_is_in_the_docs_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    rows = dict(
        re.findall(r"^\| `(METIS_(?:DASHBOARD|CONTROL|ALERT)_[A-Z_]+)` \|\s*`?([^|`]*?)`?\s*\|", page, re.MULTILINE)
    )
    variables = {
        value for name, value in vars(settings_module).items() if name.isupper() and str(value).startswith("METIS_")
    }

    assert variables <= set(rows)
    assert float(rows["METIS_DASHBOARD_REFRESH_SECONDS"]) == Settings().refresh_s
    assert float(rows["METIS_DASHBOARD_STALE_SECONDS"]) == Settings().stale_s
    assert rows["METIS_CONTROL_URL"] == Settings().control_url
    assert rows["METIS_DASHBOARD_URL"] == Settings().url
    assert rows["METIS_ALERT_PAGERDUTY_URL"] == Settings().pagerduty_url


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({"METIS_DASHBOARD_LOG": " ", "METIS_DASHBOARD_STALE_SECONDS": ""}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("LOG", ", ,", "METIS_DASHBOARD_LOG must be paths parted by ':' or a comma, got ', ,'"),
        (
            "METIS_CONTROL_URL",
            "127.0.0.1:8000",
            "METIS_CONTROL_URL must be an http or https address such as http://127.0.0.1:8000, got '127.0.0.1:8000'",
        ),
        ("METIS_CONTROL_URL", "http://[::1", "got 'http://\\[::1'"),
        ("METIS_CONTROL_URL", "http://host:port", "got 'http://host:port'"),
        ("METIS_CONTROL_URL", "http://host/?q=1", "got 'http://host/\\?q=1'"),
        ("REFRESH_SECONDS", "fast", "METIS_DASHBOARD_REFRESH_SECONDS must be a number of seconds from 0.05 to 60, got"),
        ("REFRESH_SECONDS", "0", "from 0.05 to 60, got '0'"),
        (
            "STALE_SECONDS",
            "nan",
            "METIS_DASHBOARD_STALE_SECONDS must be a number of seconds from 1 to 86400, got 'nan'",
        ),
        ("STALE_SECONDS", "inf", "got 'inf'"),
        ("OPERATORS", "sre", "METIS_DASHBOARD_OPERATORS must be e-mails, @domain or group:name, parted by commas"),
        ("VIEWERS", "group:", "got 'group:'"),
        ("METIS_CONTROL_TOKEN", "short", "METIS_CONTROL_TOKEN must be 16 or more of the characters"),
    ],
)
def test_a_bad_value_is_refused_with_variable_rule_and_value(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load({variable if variable.startswith("METIS_") else f"METIS_DASHBOARD_{variable}": value})


def test_a_token_is_never_quoted() -> None:
    secret = "secret but with spaces"

    with pytest.raises(SettingsError) as raised:
        load({"METIS_CONTROL_TOKEN": secret})

    assert secret not in str(raised.value)
    assert "0123456789abcdef" not in repr(load({"METIS_CONTROL_TOKEN": "0123456789abcdef"}))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("METIS_ALERT_SLACK_WEBHOOK_URL", "hooks.slack.com/services/secret"),
        ("METIS_ALERT_SLACK_WEBHOOK_URL", "https://[secret"),
        ("METIS_ALERT_WEBHOOK_URL", "https://example.org:port/secret"),
        ("METIS_ALERT_WEBHOOK_URL", "https://example.org/a secret"),
        ("METIS_ALERT_PAGERDUTY_ROUTING_KEY", "secret"),
    ],
)
def test_where_alerts_are_sent_is_checked_and_never_quoted(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} must be .*, got 'another text'") as raised:
        load({variable: value})

    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_no_secret_of_the_alerts_is_in_what_the_settings_look_like() -> None:
    shown = repr(
        load(
            {
                "METIS_ALERT_SLACK_WEBHOOK_URL": "https://example.org/secret",
                "METIS_ALERT_PAGERDUTY_ROUTING_KEY": "secret-secret-secret",
                "METIS_ALERT_WEBHOOK_URL": "https://example.org/secret",
            }
        )
    )

    assert "secret" not in shown


def test_the_store_is_in_a_hidden_folder_beside_the_first_log(tmp_path: Path) -> None:
    settings = Settings(logs=(str(tmp_path / "backend_live.log"), "other.log"))

    place = store_file(settings)

    assert place.parent == tmp_path / ".metis-dashboard"
    assert place.name.startswith("backend_live.log-")
    assert place.suffix == ".duckdb"


def test_each_set_of_logs_has_a_store_of_its_own(tmp_path: Path) -> None:
    def place(*names: str) -> Path:
        return store_file(Settings(logs=tuple(str(tmp_path / name) for name in names)))

    assert len({place("a.log"), place("b.log"), place("a.log", "b.log"), place("*.log")}) == 4
    assert place("a.log") == place("a.log")


def test_a_pattern_has_its_store_where_its_fixed_part_ends(tmp_path: Path) -> None:
    settings = Settings(logs=(str(tmp_path / "*" / "app[12].log"),))

    assert store_file(settings).parent == tmp_path / ".metis-dashboard"


def test_a_place_that_cannot_be_written_to_gives_way_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = Settings(logs=(str(tmp_path / "not" / "there" / "backend_live.log"),))

    assert store_file(settings).parent == tmp_path / "cache" / "metis-dashboard"


def test_a_store_setting_may_be_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.d").mkdir()

    in_file = store_file(Settings(store=tmp_path / "mine.duckdb"))
    in_folder = store_file(Settings(store=tmp_path / "folder.d"))
    in_new_folder = store_file(Settings(store=tmp_path / "later"))

    assert in_file == tmp_path / "mine.duckdb"
    assert in_folder.parent == tmp_path / "folder.d"
    assert in_new_folder.parent == tmp_path / "later"
