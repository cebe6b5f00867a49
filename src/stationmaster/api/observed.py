"""Times every request to the API and, where traces are on, makes it a span that goes on with the caller's trace."""

import time
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from stationmaster.runtime.spans import Span
from stationmaster.runtime.timings import Timings
from stationmaster.runtime.tracing import span

_UNKNOWN = "unknown"
"""The path of requests that no route takes: theirs could be any."""
_FAULT = 500
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def observed(app: ASGIApp, timings: Timings) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        status, started = _FAULT, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = _method(scope)
        with span(method, parent=_traceparent(scope), http__request__method=method) as current:
            try:
                await app(scope, receive, answer)
            finally:
                path = _path(scope)
                _tell(current, f"{method} {path}", path, status)
                timings.observe(time.perf_counter() - started, method, path, str(status))

    return serve


def _tell(current: Span, name: str, path: str, status: int) -> None:
    current.rename(name)
    current.note(http__route=path, http__response__status_code=status)
    if status >= _FAULT:
        current.failed(f"answered {status}")


def _method(scope: Any) -> str:
    """The API speaks HTTP alone."""
    method = str(scope.get("method"))
    return method if method in _METHODS else _UNKNOWN


def _path(scope: Any) -> str:
    """The pattern of the path, of which there are only so many."""
    return str(scope.get("path_template") or _UNKNOWN)


def _traceparent(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), "")
