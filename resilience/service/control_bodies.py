"""The bodies of changes; docs/control.md describes each field."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_Version = Annotated[int, Field(ge=0, lt=2**53, description="the version that was seen")]
_Force = Annotated[bool, Field(description="do it in spite of a refusal that says forceable")]
_Order = Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=64)]
_Settings = Annotated[
    dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=200)] | None],
    Field(min_length=1, max_length=100, description="name to value; null for the default"),
]
_Isolation = Annotated[float, Field(ge=60, le=86_400, description="seconds")]


def _printable(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("must be printable, on one line, and not blank")
    return text


class Change(BaseModel):
    """What each change says: the version that was seen, why, and on whose behalf."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: _Version
    reason: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
    actor: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)] | None = None


class OrderBody(Change):
    """POST /order."""

    order: _Order
    force: _Force = False


class SettingsBody(Change):
    """POST /settings."""

    settings: _Settings
    force: _Force = False


class CircuitBody(Change):
    """POST /circuits/{provider}/reset and release."""

    force: _Force = False


class IsolateBody(CircuitBody):
    """POST /circuits/{provider}/isolate."""

    for_s: _Isolation = 1800


class GuardBody(Change):
    """POST /guards/{guard}."""

    enabled: bool
    for_s: Annotated[float, Field(ge=60, le=3600, description="seconds")] = 600
    force: _Force = False


class UndoBody(Change):
    """POST /undo."""

    change: _Version
    force: _Force = False


class PreviewBody(BaseModel):
    """POST /preview: a change's body and its action; version, reason and actor may be left out."""

    model_config = ConfigDict(strict=True, extra="forbid")

    action: Literal["order", "settings", "isolate", "reset", "release"]
    version: _Version | None = None
    reason: Annotated[str, Field(max_length=200)] | None = None
    actor: Annotated[str, Field(max_length=100)] | None = None
    order: _Order | None = None
    settings: _Settings | None = None
    provider: Annotated[str, Field(max_length=64)] | None = None
    for_s: _Isolation = 1800
    force: _Force = False
