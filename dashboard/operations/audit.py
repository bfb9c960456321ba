"""Who did what, when and why, as the log tells it."""

import pandas as pd

from dashboard.inert import inert

COLUMNS = ("when (UTC)", "who", "what", "why", "by way of", "version")
WIDTHS_PX = (92, 76, 282, 99, 70, 60)
LINES_PX = 64  # three lines: a whole order before and after, and why
LONGEST = 300
PREFIX = "METIS_LLM_"  # of nearly all settings' names; without it there is room for their values


def audit(changes: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """Changes of settings and of circuits by hand, newest first; inert text.

    Columns: COLUMNS. changes: metrics.config_changes; actions: metrics.actions.
    """
    by_hand = actions[actions["kind"] == "reset"]
    parts = by_hand["text"].str.extract(r"^([^(]*?)(?: \((.*)\))?$")
    circuits = pd.DataFrame(
        {"at": by_hand["at"], "actor": by_hand["actor"], "changes": parts[0], "reason": parts[1], "origin": "api"}
    )
    rows = pd.concat([part for part in (changes, circuits) if len(part)] or [changes], ignore_index=True)
    rows = rows.reindex(columns=["at", "actor", "changes", "reason", "origin", "version"])
    rows = rows.sort_values("at", ascending=False, ignore_index=True)
    texts = {
        name: [inert(text, LONGEST) if isinstance(text, str) else "" for text in rows[column]]
        for name, column in zip(COLUMNS[1:5], ("actor", "changes", "reason", "origin"), strict=True)
    }
    texts["what"] = [text.replace(PREFIX, "") for text in texts["what"]]
    when = pd.to_datetime(rows["at"], utc=True).dt.strftime("%Y-%m-%d %H:%M:%S")
    versions = ["" if pd.isna(version) else f"{version:.0f}" for version in rows["version"]]
    return pd.DataFrame({"when (UTC)": when, **texts, "version": versions}, columns=list(COLUMNS))
