"""`runbook lint`: what is wrong with runbooks, for people, for editors and for CI."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.options import DEFAULT_STATE, StateOption
from stationmaster.cli.output import say_refusal
from stationmaster.cli.runbook_drills import drilled_runbooks
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from stationmaster.runbooks.lint.finding import Report
    from stationmaster.runbooks.lint.settings import Found

EXAMPLES = (
    "Examples: [bold]stationmaster runbook lint runbooks[/bold], "
    "[bold]… --alerts rules.yml --format github --strict[/bold] in CI. "
    "It ends with 0 when all is well, 1 when something was found (an error; with --strict a warning too), "
    "2 when it could not be asked so. The rules and the settings file are described in docs/runbooks.md."
)


class Format(Enum):
    HUMAN = "human"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


PathsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files and folders; without any, .")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How it is told; github makes annotations.")]
StrictOption = Annotated[bool, typer.Option("--strict", help="A warning is a failure too.")]
AlertsOption = Annotated[
    list[Path] | None, typer.Option("--alerts", metavar="RULES", help="Prometheus rules whose alerts need a runbook.")
]
OnlineOption = Annotated[bool, typer.Option("--online", help="Ask web addresses whether they answer.")]
OnPathOption = Annotated[bool, typer.Option("--on-path", help="Programs have to be installed here.")]
DrillsOption = Annotated[
    bool, typer.Option("--drills", help="Ask the platform which were never drilled, or not as they stand now.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings to take instead.")]


def lint(
    paths: PathsArgument = None,
    format: FormatOption = Format.HUMAN,  # noqa: A002 the option's name
    strict: StrictOption = False,
    alerts: AlertsOption = None,
    online: OnlineOption = False,
    on_path: OnPathOption = False,
    config: ConfigOption = None,
    drills: DrillsOption = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """List what is wrong with runbooks: unbound places, unchecked changes, dead links, overdue reviews and more."""
    from stationmaster.runbooks.lint.check import check
    from stationmaster.runbooks.lint.subject import Ground
    from stationmaster.runbooks.lint.web import asker

    named = paths or [Path()]
    try:
        found = _settings(named, config)
        _must_exist([*named, *(alerts or [])])
        drilled = drilled_runbooks(state) if drills else None
    except PlatformError as error:
        say_refusal(error)
        raise typer.Exit(2) from error
    ground = Ground(
        today=datetime.now(UTC).date(),
        on_path=(lambda program: shutil.which(program) is not None) if on_path else None,
        answers=asker() if online else None,
        drilled=drilled,
    )
    report = check(named, ground, found, alerts=alerts or [])
    typer.echo(_render(format)(report), nl=False)
    if report.fails(strict=strict):
        raise typer.Exit(1)


def _settings(paths: list[Path], config: Path | None) -> "Found":
    from stationmaster.runbooks.lint.settings import find_settings, read_settings

    return read_settings(config) if config is not None else find_settings(paths[0])


def _must_exist(paths: list[Path]) -> None:
    for path in paths:
        if not path.exists():
            hint = "name files or folders that are there"
            raise PlatformError("no-such-path", f"there is no file or folder {path}", hint=hint)


def _render(format: Format) -> "Callable[[Report], str]":  # noqa: A002
    from stationmaster.runbooks.lint.formats import github, human, json, sarif

    match format:
        case Format.HUMAN:
            return human.render
        case Format.JSON:
            return json.render
        case Format.SARIF:
            return sarif.render
        case Format.GITHUB:
            return github.render
