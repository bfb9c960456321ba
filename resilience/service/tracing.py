"""Whether spans are sent, and where to: OpenTelemetry's own variables decide. docs/tracing.md.

Without an endpoint nothing of OpenTelemetry is loaded.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping

from resilience.breaker import Emit
from resilience.service.version import running_version

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"
CLOSE_S = 2.0
"""How long the end of the service waits for a collector to take the last spans."""


class Tracing:
    """A listener for events, and its end. observe: gets each event; close: sends what is left, once."""

    def __init__(self, observe: Emit, close: Callable[[], None]) -> None:
        self.observe = observe
        self._close = close

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Send what is queued, but wait no longer than timeout_s."""
        ending = threading.Thread(target=self._close, name="tracing-end", daemon=True)
        ending.start()
        ending.join(timeout_s)


def tracing(
    service: str,
    environ: Mapping[str, str] = os.environ,
    say: Callable[[str], object] = sys.stderr.write,
) -> Tracing | None:
    """The listener if the environment names a collector, else None; `say` gets one line if it cannot be used.

    The library reads OTEL_* from the process's environment itself; environ: for the variables that decide here.
    """
    endpoint = next((name for name in ENDPOINTS if environ.get(name, "").strip()), None)
    switched_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if endpoint is None or switched_off or environ.get("OTEL_TRACES_EXPORTER", "otlp").strip() not in ("", "otlp"):
        return None
    for name in PROTOCOLS:
        if (protocol := environ.get(name, "").strip() or SPOKEN) != SPOKEN:
            say(f"warning: {name} must be {SPOKEN}, got {protocol!r}: no spans are sent\n")
            return None
    try:
        return _made(service, environ)
    except ImportError:
        say(
            f"warning: {endpoint} is set, but OpenTelemetry is not installed (pip install '.[otel]'): no spans are sent\n"
        )
    except ValueError as exc:  # a variable of the library's own
        say(f"warning: OpenTelemetry cannot be used ({exc}): no spans are sent\n")
    return None


def _made(service: str, environ: Mapping[str, str]) -> Tracing:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from resilience.service.spans import Spans

    version = running_version()
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    own = {"service.version": version} | ({} if named else {"service.name": service})
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))  # queues; a thread of its own sends
    return Tracing(Spans(provider.get_tracer("metis.llm", version)).observe, provider.shutdown)
