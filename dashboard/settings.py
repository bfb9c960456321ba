"""The dashboard's settings, from the environment, checked before anything starts.

METIS_DASHBOARD_LOG              log files and patterns, parted by ":" or ","  (backend_live.log)
METIS_DASHBOARD_STORE            where the events are kept: a file or a folder (beside the first log)
METIS_DASHBOARD_OPERATORS        who may change things: e-mails, @domain, group:name, parted by commas
METIS_DASHBOARD_VIEWERS          who may look, likewise                        (whoever is signed in)
METIS_CONTROL_URL                the service whose control API is used         (http://127.0.0.1:8000)
METIS_CONTROL_TOKEN              the dashboard's token for it                  (none)
METIS_DASHBOARD_REFRESH_SECONDS  shortest time between two refreshes of a page (0.25)
METIS_DASHBOARD_STALE_SECONDS    age of the newest line that counts as stale   (30)
METIS_DASHBOARD_RULES            alert rules over the default ones: TOML file  (none)
METIS_DASHBOARD_URL              the page's address, for links in messages     (http://127.0.0.1:8501)
METIS_ALERT_SLACK_WEBHOOK_URL    where alerts are sent; a secret               (none)
METIS_ALERT_PAGERDUTY_ROUTING_KEY  likewise, for critical ones; a secret       (none)
METIS_ALERT_PAGERDUTY_URL        PagerDuty's address, another one in the EU    (https://events.pagerduty.com/v2/enqueue)
METIS_ALERT_WEBHOOK_URL          where alerts are sent as JSON; a secret       (none)
"""

import glob
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

LOG = "METIS_DASHBOARD_LOG"
STORE = "METIS_DASHBOARD_STORE"
OPERATORS = "METIS_DASHBOARD_OPERATORS"
VIEWERS = "METIS_DASHBOARD_VIEWERS"
CONTROL_URL = "METIS_CONTROL_URL"
CONTROL_TOKEN = "METIS_CONTROL_TOKEN"  # noqa: S105 (a variable's name)
REFRESH_SECONDS = "METIS_DASHBOARD_REFRESH_SECONDS"
STALE_SECONDS = "METIS_DASHBOARD_STALE_SECONDS"
RULES = "METIS_DASHBOARD_RULES"
URL = "METIS_DASHBOARD_URL"
SLACK_WEBHOOK_URL = "METIS_ALERT_SLACK_WEBHOOK_URL"
PAGERDUTY_ROUTING_KEY = "METIS_ALERT_PAGERDUTY_ROUTING_KEY"
PAGERDUTY_URL = "METIS_ALERT_PAGERDUTY_URL"
WEBHOOK_URL = "METIS_ALERT_WEBHOOK_URL"

HIDDEN_FOLDER = ".metis-dashboard"


class SettingsError(ValueError):
    """A setting breaks its rule; the message names the variable, the rule and the value."""

    def __init__(self, variable: str, rule: str, value: object) -> None:
        super().__init__(f"{variable} must be {rule}, got {value!r}")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Settings:
    """What the dashboard reads, where it keeps it, and how it behaves.

    logs: paths and patterns; store: file or folder for the events, None for the usual place; control_url:
    without a slash at its end; control_token: never shown; operators, viewers: for access.signed_in;
    refresh_s: shortest time between two refreshes; stale_s: age of the newest line from
    which on the data count as stale. rules: file of alert rules over the default ones; url: the page's address, without
    a slash at its end; slack_webhook_url, pagerduty_routing_key, webhook_url: where alerts are sent, never shown.
    """

    logs: tuple[str, ...] = ("backend_live.log",)
    store: Path | None = None
    control_url: str = "http://127.0.0.1:8000"
    refresh_s: float = 0.25
    stale_s: float = 30.0
    control_token: str | None = field(default=None, repr=False)
    operators: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    rules: Path | None = None
    url: str = "http://127.0.0.1:8501"
    slack_webhook_url: str | None = field(default=None, repr=False)
    pagerduty_routing_key: str | None = field(default=None, repr=False)
    pagerduty_url: str = "https://events.pagerduty.com/v2/enqueue"
    webhook_url: str | None = field(default=None, repr=False)


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this environment; an empty variable counts as not set.

    Raises: SettingsError for a value that breaks its rule.
    """
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    usual = Settings()
    return Settings(
        logs=_logs(given[LOG]) if LOG in given else usual.logs,
        store=_expanded(given[STORE]) if STORE in given else None,
        control_url=_url(CONTROL_URL, given.get(CONTROL_URL, usual.control_url)),
        refresh_s=_seconds(REFRESH_SECONDS, given.get(REFRESH_SECONDS, usual.refresh_s), 0.05, 60),
        stale_s=_seconds(STALE_SECONDS, given.get(STALE_SECONDS, usual.stale_s), 1, 86_400),
        control_token=_token(given.get(CONTROL_TOKEN)),
        operators=_people(OPERATORS, given.get(OPERATORS, "")),
        viewers=_people(VIEWERS, given.get(VIEWERS, "")),
        rules=_expanded(given[RULES]) if RULES in given else None,
        url=_url(URL, given.get(URL, usual.url)),
        slack_webhook_url=_secret_url(SLACK_WEBHOOK_URL, given),
        pagerduty_routing_key=_routing_key(given.get(PAGERDUTY_ROUTING_KEY)),
        pagerduty_url=_url(PAGERDUTY_URL, given.get(PAGERDUTY_URL, usual.pagerduty_url)),
        webhook_url=_secret_url(WEBHOOK_URL, given),
    )


def store_file(settings: Settings) -> Path:
    """The file in which the events of the settings' logs are kept; neither it nor its folder need exist.

    Where no setting names a file or folder, it is in a hidden folder beside the first log, or in the user's cache if
    that place cannot be written to. In a folder each set of logs has a file of its own, so that one log's numbers
    never hold another's.
    """
    if settings.store is not None and settings.store.suffix and not settings.store.is_dir():
        return settings.store
    places = [_expanded(log).absolute() for log in settings.logs]
    digest = hashlib.blake2b("\n".join(map(str, places)).encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", places[0].name)
    return (settings.store or _usual_folder(_fixed_part(places[0]))) / f"{name}-{digest}.duckdb"


def _usual_folder(beside: Path) -> Path:
    folder = beside / HIDDEN_FOLDER
    if os.access(folder if folder.exists() else beside, os.W_OK | os.X_OK):
        return folder
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "metis-dashboard"


def _fixed_part(path: Path) -> Path:
    """The directory that a path or pattern surely lies in: what precedes the first part with a wildcard."""
    place = path.parent
    while glob.has_magic(str(place)) and not place.exists():
        place = place.parent
    return place


def _expanded(text: str) -> Path:
    return Path(os.path.expanduser(text))  # noqa: PTH111  Path.expanduser raises for an unknown user


def _logs(text: str) -> tuple[str, ...]:
    logs = tuple(part.strip() for part in re.split(f"[,{os.pathsep}]", text) if part.strip())
    if not logs:
        raise SettingsError(LOG, f"paths parted by {os.pathsep!r} or a comma", text)
    return logs


def _url(variable: str, text: str) -> str:
    rule = "an http or https address such as http://127.0.0.1:8000"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as exc:  # brackets that do not match, a port that is no number
        raise SettingsError(variable, rule, text) from exc
    if not usable or parts.query or parts.fragment:
        raise SettingsError(variable, rule, text)
    return text.rstrip("/")


def _token(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[A-Za-z0-9_.~-]{16,256}", text):
        raise SettingsError(CONTROL_TOKEN, "16 or more of the characters A-Z a-z 0-9 _ . ~ -", "another text")
    return text


def _secret_url(variable: str, given: Mapping[str, str]) -> str | None:
    """An address that is a secret: it is not quoted in the error, and may have a query."""
    text = given.get(variable)
    if text is None:
        return None
    rule = "an http or https address"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise SettingsError(variable, rule, "another text") from None
    return text


def _routing_key(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[A-Za-z0-9_-]{16,128}", text):
        raise SettingsError(PAGERDUTY_ROUTING_KEY, "16 or more of the characters A-Z a-z 0-9 _ -", "another text")
    return text


def _people(variable: str, text: str) -> tuple[str, ...]:
    people = tuple(part.strip() for part in text.split(",") if part.strip())
    for each in people:
        # An e-mail, a whole domain, or a group: nothing that would match by accident.
        if not re.fullmatch(r"group:\S.{0,98}|[^@\s]{0,64}@[^@\s]+", each):
            raise SettingsError(variable, "e-mails, @domain or group:name, parted by commas", each)
    return people


def _seconds(variable: str, value: str | float, low: float, high: float) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not low <= seconds <= high:  # also refuses NaN
        raise SettingsError(variable, f"a number of seconds from {low:g} to {high:g}", value)
    return seconds
