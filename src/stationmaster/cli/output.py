"""How verbs speak: tables for people, JSON for programs, refusals with a hint and exit status 1."""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from stationmaster.core.problem import InvalidInputError, PlatformError

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class CarefulConsole(Console):
    """Shows what a terminal would obey, or what would hide something, as text: much that is printed came from outside.
    Its own colours stay."""

    def render_str(self, text: str, **how: Any) -> Text:
        # Before it is measured: what takes more room afterwards would be cut off in a table.
        return super().render_str(_visible(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(_visible(segment.text), segment.style)


def _visible(text: str) -> str:
    return _CONTROLS.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


# Without emoji: a metric may be called `job:up:sum`.
out = CarefulConsole(highlight=False, soft_wrap=True, emoji=False)
err = CarefulConsole(stderr=True, highlight=False, soft_wrap=True, emoji=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_json(document: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    sys.stdout.buffer.flush()


@contextmanager
def refusals() -> Iterator[None]:
    """Says a refusal in words and ends with exit status 1; a defect still shows its stack."""
    try:
        yield
    except PlatformError as error:
        say_refusal(error)
        raise typer.Exit(1) from error


def say_refusal(error: PlatformError) -> None:
    if isinstance(error, InvalidInputError):
        for diagnostic in error.diagnostics:
            err.print(str(diagnostic), markup=False)
    head, *rest = error.message.splitlines() or [""]
    err.print(f"error: {head} [{error.code}]", style="red", markup=False)
    for line in rest:
        err.print(line, markup=False)
    if error.hint:
        err.print(f"hint: {error.hint}", markup=False)
