"""docs/events.md as data: its tables, so that tests can hold the code against them."""

import re
from pathlib import Path

DOC = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")


class Row:
    """One row of a field table: | `name` | type | always or sometimes | meaning |."""

    def __init__(self, cells: list[str]) -> None:
        self.name, self.type, presence, self.meaning = cells
        self.always = {"always": True, "if known": False}[presence]


def section(title: str) -> str:
    """The text under the heading `title`, up to the next heading of any level."""
    match = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert match is not None, f"docs/events.md has no heading {title!r}"
    return match[1]


def rows(title: str) -> list[list[str]]:
    """The body rows of the table under a heading, without backquotes around the first cell."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    table = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [[cells[0].strip("`"), *cells[1:]] for cells in table]


def documented_fields(title: str) -> dict[str, Row]:
    return {cells[0]: Row(cells) for cells in rows(title)}
