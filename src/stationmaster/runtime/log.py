"""Structured logs: one event and its keys a line, on standard error."""

import logging
import sys
from contextlib import suppress
from typing import TextIO

import structlog


class Undeterred:
    """A stream that drops what it cannot write: a full disk or a reader that left must not end who only tells."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def undeterred(stream: TextIO) -> TextIO:
    return Undeterred(stream)  # type: ignore[return-value]


def configure(*, json_lines: bool, level: str = "info") -> None:
    """Sets structlog up once per process."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(undeterred(sys.stderr)),
        cache_logger_on_first_use=False,
    )
