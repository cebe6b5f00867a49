"""A small receiver of OTLP over HTTP, which keeps the spans that it is sent."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_OK = 200


@dataclass(slots=True)
class Receiver:
    endpoint: str
    spans: list[Any] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def named(self, name: str) -> Any:
        [found] = [each for each in self.spans if each.name == name]
        return found


def attributes(span: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


def _of_protobuf(body: bytes) -> Iterator[tuple[dict[str, str], list[Any]]]:
    for each in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = {pair.key: pair.value.string_value for pair in each.resource.attributes}
        # The same field, before and after OTLP gave it another name.
        groups = each.scope_spans if hasattr(each, "scope_spans") else each.instrumentation_library_spans
        yield resource, [span for group in groups for span in group.spans]


def _of_json(body: bytes) -> Iterator[tuple[dict[str, str], list[Any]]]:
    """OTLP writes ids in hexadecimal, where protobuf's own JSON would have base64."""
    for each in json.loads(body)["resourceSpans"]:
        resource = {pair["key"]: pair["value"].get("stringValue", "") for pair in each["resource"]["attributes"]}
        spans = [span for scope in each["scopeSpans"] for span in scope["spans"]]
        yield resource, [ParseDict(_with_base64(span), Span(), ignore_unknown_fields=True) for span in spans]


def _with_base64(span: dict[str, Any]) -> dict[str, Any]:
    ids = {name: span[name] for name in ("traceId", "spanId", "parentSpanId") if span.get(name)}
    return span | {name: base64.b64encode(bytes.fromhex(text)).decode() for name, text in ids.items()}


@contextmanager
def receiver(port: int) -> Iterator[Receiver]:
    found = Receiver(f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self._body()
            found.paths.append(self.path)
            read = _of_json if "json" in self.headers.get("content-type", "") else _of_protobuf
            for resource, spans in read(body):
                found.resources.append(resource)
                found.spans += spans
            self.send_response(_OK)
            self.send_header("content-length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if "content-length" in self.headers:
                return self.rfile.read(int(self.headers["content-length"]))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
