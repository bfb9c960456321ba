"""Who did what, when and why, as the log tells it."""

from dataclasses import dataclass

import pandas as pd

from dashboard.inert import inert

LONGEST = 300
PREFIX = "METIS_LLM_"  # of nearly all settings' names; without it there is room for their values


@dataclass(frozen=True, slots=True)
class Act:
    """One change. All texts are inert; when: UTC; version: of the settings after it, "" of a circuit's change."""

    when: str
    who: str
    what: str
    why: str
    version: str


def audit(changes: pd.DataFrame, actions: pd.DataFrame) -> tuple[Act, ...]:
    """Changes of settings and of circuits by hand, newest first.

    changes: metrics.config_changes; actions: metrics.actions.
    """
    by_hand = actions[actions["kind"] == "reset"]
    parts = by_hand["text"].str.extract(r"^([^(]*?)(?: \((.*)\))?$")
    circuits = pd.DataFrame(
        {"at": by_hand["at"], "actor": by_hand["actor"], "changes": parts[0], "reason": parts[1], "origin": "api"}
    )
    rows = pd.concat([part for part in (changes, circuits) if len(part)] or [changes], ignore_index=True)
    rows = rows.reindex(columns=["at", "actor", "changes", "reason", "origin", "version"])
    rows = rows.sort_values("at", ascending=False, ignore_index=True)
    return tuple(
        Act(
            when=f"{pd.Timestamp(row['at']):%Y-%m-%d %H:%M:%S}",
            who=_who(_text(row["actor"]), _text(row["origin"])),
            what=_text(row["changes"]).replace(PREFIX, ""),
            why=_text(row["reason"]),
            version="" if pd.isna(row["version"]) else f"{row['version']:.0f}",
        )
        for row in rows.to_dict("records")
    )


def _who(actor: str, origin: str) -> str:
    """Who, and by way of what, unless the actor says it or it is the usual one."""
    return actor if origin in ("api", actor, "") else f"{actor} ({origin})"


def _text(value: object) -> str:
    return inert(value, LONGEST) if isinstance(value, str) else ""
