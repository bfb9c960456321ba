"""The document of `alerts` as tables for a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboard.inert import inert

_WIDE = 160  # columns, where no terminal says how many there are
_STYLES = {"firing": "bold red", "pending": "yellow", "no_data": "dim", "ok": "green"}


def rendered(found: dict[str, Any]) -> str:
    """The text, coloured only for a terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    with console.capture() as captured:
        incident = f", incident {found['incident']}" if found["incident"] else ""
        console.print(Text(f"Alerts at {found['at']}{incident}" if found["at"] else "No events yet."), style="bold")
        table = Table(box=None)
        for heading in ("phase", "severity", "rule", "value", "condition", "since (UTC)"):
            table.add_column(heading, no_wrap=True)
        table.add_column("remarks")
        for alert in found["alerts"]:
            phase = alert["phase"].replace("_", " ")
            # An alert whose data stopped has not been resolved.
            phase = f"firing, {phase}" if alert["active"] and alert["phase"] != "firing" else phase
            style = _STYLES["firing" if alert["active"] else alert["phase"]]
            cells = (alert["severity"], alert["rule"], alert["value_text"], alert["condition"])
            table.add_row(Text(phase, style), *map(Text, cells), alert["since"] or "", Text(inert(_remarks(alert))))
        console.print(table)
        for alert in found["alerts"]:
            if alert["active"]:
                console.print(Text(inert(f"{alert['rule']}: {alert['runbook']}: {alert['action']}")))
        for silence in found["silences"]:
            words = "silence {id} of {matcher} until {until}, {actor}: {reason}".format(**silence)
            console.print(Text(inert(words)))
        for note in found["notes"]:
            console.print(Text(inert(note)))
    return captured.get()


def _remarks(alert: dict[str, Any]) -> str:
    remarks = []
    if alert["acknowledged_by"]:
        remarks.append(f"acknowledged by {alert['acknowledged_by']}")
    if alert["silenced_until"]:
        remarks.append(f"silenced until {alert['silenced_until']}")
    return ", ".join(remarks)
