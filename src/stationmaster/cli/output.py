"""How verbs speak: tables for people, JSON for programs, refusals with a hint and exit status 1."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stationmaster.core.problem import InvalidInputError, PlatformError

# Without emoji: a metric may be called `job:up:sum`.
out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

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
