"""Where nodes send traces, if they do."""

from urllib.parse import urlsplit

from stationmaster.core.monitoring import Traces
from stationmaster.gateway.ir import TraceSink

_PATH = "/v1/traces"
_PORTS = {"http": 80, "https": 443}


def trace_sink(traces: Traces | None) -> TraceSink | None:
    """None where traces are off, and where the endpoint is no URL of HTTP. The path may be left out."""
    if traces is None:
        return None
    url = urlsplit(traces.endpoint)
    if url.scheme not in _PORTS or url.hostname is None:
        return None
    path = url.path.rstrip("/")
    return TraceSink(
        host=url.hostname,
        port=url.port or _PORTS[url.scheme],
        path=path if path.endswith(_PATH) else path + _PATH,
        secure=url.scheme == "https",
        share=traces.ratio,
    )
