"""`rules export`: rule files, read and written anew as one that Prometheus takes."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stationmaster.cli.output import refusals
from stationmaster.cli.rules_check import FilesArgument, say_problems
from stationmaster.core.problem import PlatformError

EXAMPLES = (
    "Examples: [bold]stm rules export rules/*.yml > all.yml[/bold], "
    "[bold]stm rules export rules/*.yml --watchdog --out all.yml[/bold]"
)

WatchdogOption = Annotated[bool, typer.Option("--watchdog", help="Add an alert that always fires.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write to this file; standard output if left out.")]


def export(files: FilesArgument, watchdog: WatchdogOption = False, out: OutOption = None) -> None:
    """Write the rules that load as one rule file; those that do not are named, and left out."""
    from stationmaster.monitor.alerting.export import WATCHDOG, rule_file
    from stationmaster.monitor.alerting.rule_file import read_rule_paths

    found = read_rule_paths(files)
    say_problems(found)
    text = rule_file((*found.groups, WATCHDOG) if watchdog else found.groups)
    with refusals():
        _write(text, out)
    if found.failed:
        raise typer.Exit(1)


def _write(text: str, to: Path | None) -> None:
    if to is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        to.write_text(text, "utf-8")
    except OSError as error:
        hint = "name a file in a folder that you may write"
        raise PlatformError("cannot-write", f"{to} cannot be written: {error.strerror}", hint=hint) from error
