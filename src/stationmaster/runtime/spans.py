"""What goes on while a span is open, and what may be noted of it."""

from typing import TypeAlias

Value: TypeAlias = str | int | float | bool


class Span:
    """What goes on now; this one takes everything and keeps nothing."""

    __slots__ = ()

    def note(self, **attributes: Value) -> None:
        """`http__route` is OpenTelemetry's `http.route`."""

    def rename(self, name: str) -> None: ...

    def failed(self, why: str) -> None: ...
