"""What happens on a connection during one call, as a sequence of values.

A behaviour yields them; the virtual transport and the real servers play them. A sequence that ends without Reset,
Close, Garble, Hang or Refuse ends whole.
"""

from dataclasses import dataclass

from resilience.simulator.wire.values import Headers


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers; once per call. Without a content-length the body is chunked. gap_s: between its bytes."""

    status: int
    headers: Headers
    gap_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes of the body."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Garble:
    """Bytes that are no HTTP where the next chunk of the body should begin; then the connection is closed."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing any more, with the connection left open."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset (TCP RST)."""


@dataclass(frozen=True, slots=True)
class Close:
    """The connection is closed before the answer is whole (TCP FIN)."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The connection is not accepted. On a socket that already is, it is a reset."""


Step = Wait | Head | Send | Garble | Hang | Reset | Close | Refuse
