"""A page as Streamlit runs it, and what its components were given. The log is the fixture's (conftest.py)."""

from pathlib import Path
from typing import Any

import orjson
from streamlit.testing.v1 import AppTest

from dashboard import state

PAGES = Path(state.__file__).with_name("app.py")


def app(timeout_s: float = 60) -> AppTest:
    """The pages, not run yet."""
    return AppTest.from_file(str(PAGES), default_timeout=timeout_s)


def panels(page: AppTest, name: str) -> list[Any]:
    """What the components of that name were given."""
    found = (c for c in page.get("bidi_component") if c.proto.component_name == f"metis.{name}")
    return [orjson.loads(component.proto.bytes) for component in found]


def panel(page: AppTest, name: str) -> Any:
    """What the one component of that name was given."""
    (found,) = panels(page, name)
    return found
