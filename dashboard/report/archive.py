"""The archive of an incident: the evidence as text, events and metrics as tables, and the rules of then."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dashboard import circuits
from dashboard.incidents import words
from dashboard.incidents.evidence import Evidence
from dashboard.inert import inert
from dashboard.kinds import ATTEMPT, REQUEST, of_kind, within
from dashboard.report.content import Report
from dashboard.report.in_force import InForce, in_force, settings_records
from dashboard.store import Store
from dashboard.window import Window
from resilience.guards.pii import redacted

if TYPE_CHECKING:
    import pandas as pd

_NOTE = (
    "As far as the log tells. complete: settings that are not named were at the defaults of that program version; "
    "else only those changed since the log's beginning are known."
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def archive(report: Report, store: Store, documents: dict[str, str]) -> bytes:
    """A zip with incident_logs.txt, tables as CSV and Parquet, rules.json, settings.json, and the documents by name.

    The same report gives the same bytes. Raises: what the store raises.
    """
    files = {name: text.encode() for name, text in documents.items()}
    files["incident_logs.txt"] = incident_logs(report.evidence).encode("utf-8", "replace")
    files["rules.json"] = _json(asdict(report.rules))
    files["settings.json"] = _json(_settings(report, store))
    for name, frame in _tables(report, store):
        files[f"{name}.csv"] = _csv(frame)
        files[f"{name}.parquet"] = _parquet(frame)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(files):
            bundle.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def incident_logs(found: Evidence) -> str:
    """The evidence as grep would print it: blocks of neighbouring lines, parted by `--`. Redacted."""
    blocks = ["\n".join(inert(redacted(line.text), 20_000) for line in block) for block in found.blocks()]
    rest = f"\n--\n({found.left_out:,} more lines are left out)" if found.left_out else ""
    return "\n--\n".join(blocks) + rest + "\n"


def _tables(report: Report, store: Store) -> Iterator[tuple[str, "pd.DataFrame"]]:
    incident = report.incident
    window = Window.of(incident.start_at, incident.end_at + timedelta(microseconds=1))
    for name, table in (
        ("transitions", within(circuits.transitions(store.events), window)),
        ("attempts", within(of_kind(store.events, ATTEMPT), window)),
        ("requests", within(of_kind(store.events, REQUEST), window)),
    ):
        frame = store.run(table.order_by("at", "source", "offset")).dropna(axis="columns", how="all")
        yield name, _redacted(frame.drop(columns=["source", "offset"], errors="ignore"))
    for name in ("requests_by_bucket", "attempts_by_bucket"):
        yield f"metrics_{name}", _redacted(store.read(name, window))


def _redacted(frame: "pd.DataFrame") -> "pd.DataFrame":
    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return inert(redacted(value))
        return [clean(each) for each in value] if isinstance(value, list) or hasattr(value, "tolist") else value

    text = [column for column, kind in frame.dtypes.items() if kind == "object" or str(kind) in ("str", "string")]
    return frame.assign(**{str(column): frame[column].map(clean) for column in text})


def _csv(frame: "pd.DataFrame") -> bytes:
    # A spreadsheet would run a text that begins like a formula: OWASP, "CSV Injection".
    def harmless(value: Any) -> Any:
        if isinstance(value, list):
            value = " ".join(map(str, value))
        return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

    text = [column for column, kind in frame.dtypes.items() if kind == "object" or str(kind) in ("str", "string")]
    harmless_frame = frame.assign(**{str(column): frame[column].map(harmless) for column in text})
    return harmless_frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ").encode()


def _parquet(frame: "pd.DataFrame") -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _settings(report: Report, store: Store) -> dict[str, Any]:
    """What was in force when the incident began; the orders and every change from the log's start to the incident's end."""
    incident, extent = report.incident, store.extent()
    start = incident.start_at if extent is None else min(extent[0], incident.start_at)
    until = Window.of(start, incident.end_at + timedelta(microseconds=1))
    changes = [
        {name: str(value) if value is not None else None for name, value in row.items()}
        | {"at": words.clock(row["at"])}
        for row in store.rows("config_changes", until)
    ]
    orders = [{"at": words.clock(row["at"]), "order": list(row["chain_order"])} for row in store.rows("orders", until)]
    then = in_force(settings_records(store, incident.start_at), incident.start_at)
    return {
        "at": words.clock(incident.start_at),
        "in_force": [_as_json(each) for each in then],
        "orders": orders,
        "changes": changes,
        "note": _NOTE if then else f"The log does not tell what was in force. {_NOTE}",
    }


def _as_json(then: InForce) -> dict[str, Any]:
    return asdict(then) | {"started_at": None if then.started_at is None else words.clock(then.started_at)}


def _json(value: Any) -> bytes:
    return redacted(json.dumps(value, indent=2, ensure_ascii=False)).encode() + b"\n"
